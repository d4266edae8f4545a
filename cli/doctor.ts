/** `stator doctor`. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { Orphan } from '../runtime/api/client/client.ts';
import { isStoreThere } from '../runtime/base/config/config.ts';
import { connect } from '../runtime/engine/connect.ts';
import { storeFaultsIn, storePlaceIn } from '../runtime/engine/store-copies.ts';
import { type Call, defineVerb } from './command.ts';
import { type Check, examine } from './doctor/checks.ts';
import { type Cell, folded, tableWidth } from './output.ts';
import { byteText, plain, widthOf } from './text.ts';

export default defineVerb({
  summary: 'Check this machine and the repo of this folder. Exit code 0: all is well. 1: there is a problem.',
  args: {
    fix: {
      type: 'boolean',
      description: 'delete leftovers without an owner',
    },
    'dry-run': { type: 'boolean', description: 'with --fix: only print what it would do' },
  },
  more: `--fix deletes worktrees, branches, refs and run folders without a plan, unused sockets, and locks of killed git processes. Work that would be lost, folders in use, and things that another engine may use stay, and are listed. A damaged store is left as it is: stator store restore.`,
  examples: ['stator doctor', 'stator doctor --fix --dry-run', 'stator doctor --fix'],
  async run({ fix, 'dry-run': dryRun }, call) {
    const { out } = call;
    if (dryRun === true && fix !== true)
      throw new EngineError('usage', '--dry-run is about --fix', 'stator doctor alone changes nothing');
    // First the repairs: the checks describe the state after them.
    const repairs = fix === true ? await repair(call, dryRun === true) : null;
    const checks = await examine(call);
    const isOk = checks.every((check) => check.ok);
    const document = { ok: isOk, checks, ...(repairs === null ? {} : { repairs }) };
    const print = fix === true && dryRun !== true ? out.outcome : out.answer;
    print(document, () => [
      ...(repairs === null ? [] : [...repairLines(repairs), '']),
      ...out.table(['', 'check', 'found'], checkRows(checks, tableWidth(out)), ''),
      ...hintLines(checks),
    ]);
    return isOk ? 0 : 1;
  },
});

/** Findings are wrapped at words, so that no text is cut. A fault that an earlier check has found is not printed again. */
function checkRows(checks: readonly Check[], width: number | null): Cell[][] {
  const named = Math.max(...checks.map(({ name }) => widthOf(name)));
  const room = width === null ? null : Math.max(20, width - named - 5); // the mark and two gaps
  return checks.flatMap(({ name, ok, detail, hint }) => {
    const mark: Cell = ok ? { text: '✓', tone: 'good' } : { text: '✗', tone: 'bad' };
    const first = checks.find((check) => !check.ok && check.detail === detail && check.hint === hint)?.name ?? name;
    const rows = folded(first === name ? plain(detail) : `not known: see ${first}`, room).split('\n');
    return rows.map((row, index): Cell[] => (index === 0 ? [mark, name, row] : ['', '', row]));
  });
}

/** The faults are listed below with their repairs, each once: one cause may fail several checks. */
function hintLines(checks: readonly Check[]): string[] {
  const failed = checks.filter((check) => !check.ok);
  const names = new Map<string, string[]>();
  for (const { name, detail, hint } of failed) {
    const what = `${plain(detail)}\n${hint}`;
    names.set(what, [...(names.get(what) ?? []), name]);
  }
  return [...names].flatMap(([what, of]) => ['', `${of.join(', ')}: ${what}`]);
}

const words = { fixable: 'would fix', fixed: 'fixed', kept: 'kept' } as const;

function repairLines({ store, orphans, notes }: Repairs): string[] {
  const storeLines = store === null ? [] : [`${words[store.state]}: the store: ${store.what}`];
  const lines = orphans.map(
    ({ kind, name, bytes, state, what }) =>
      `${words[state]}: ${kind.replace('_', ' ')} ${name}${bytes === null ? '' : ` (${byteText(bytes)})`}: ${what}`,
  );
  const all = [...storeLines, ...lines, ...notes.map((note) => `note: ${note}`)];
  return all.length === 0 ? ['nothing to fix'] : all;
}

interface Repairs {
  /** null: the store is intact, or there is none. */
  readonly store: { readonly state: Orphan['state']; readonly what: string } | null;
  readonly orphans: readonly Orphan[];
  readonly notes: readonly string[];
}

/** Never throws because of a fault: it reports what cannot be repaired. */
async function repair({ env }: Call, dry: boolean): Promise<Repairs> {
  try {
    if (!isStoreThere(storePlaceIn(env))) return { store: null, orphans: [], notes: [] };
  } catch (thrown) {
    return { store: null, orphans: [], notes: [notLookedAt(thrown)] };
  }
  const restore = 'put the newest copy in its place: stator store restore';
  const what = await storeFaultsIn(env).then(
    (faults) => (faults.length === 0 ? '' : [...faults, restore].join('; ')),
    wordsOf,
  );
  if (what !== '') return { store: { state: 'kept', what }, orphans: [], notes: ['nothing else was looked at'] };
  try {
    const client = await connect({ env, mode: 'write' });
    try {
      const { orphans, notes } = await client.repair({ dry });
      return { store: null, orphans, notes };
    } finally {
      await client.close();
    }
  } catch (thrown) {
    return { store: null, orphans: [], notes: [notLookedAt(thrown)] };
  }
}

const notLookedAt = (thrown: unknown) => `nothing could be looked at: ${wordsOf(thrown)}`;

function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof EngineError)) throw thrown;
  return `${thrown.message}; ${thrown.hint}`;
}
