/** `stator gc`. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import { counted } from '../machines/vocabulary/numbers.ts';
import type { CleaningItem, CleaningReport } from '../runtime/api/client/client.ts';
import { durationMs } from '../runtime/base/config/duration.ts';
import { groupBy } from '../runtime/base/platform/group-by.ts';
import { defineVerb } from './command.ts';
import { flagOf, overrideArgs, overridesOf } from './gc/overrides.ts';
import { withClient } from './session.ts';
import { canAsk, isConfirmed, sureArgs } from './sure.ts';
import { byteText } from './text.ts';

export default defineVerb({
  summary: 'Delete what old plans left behind. It first lists what would be deleted, what stays, and why.',
  args: {
    'dry-run': { type: 'boolean', description: 'only list what would be deleted' },
    'older-than': {
      type: 'string',
      valueHint: 'duration',
      description: 'minimum age of what is deleted, such as 30d or 12h; default: `retention` in daemon.toml, 90 days',
    },
    ...overrideArgs,
    ...sureArgs,
  },
  more: 'Unmerged, uncommitted and used things stay without their flag. Plans with their journals and documents stay. Ended trees of your own machines are deleted.',
  examples: ['stator gc --dry-run', 'stator gc --older-than 30d --yes', 'stator gc --dry-run --json'],
  async run({ 'dry-run': dryRun, 'older-than': age, yes, ...flags }, call) {
    const { out } = call;
    const overrides = overridesOf(flags);
    const request = { overrides, ...(age === undefined ? {} : { older_than_ms: ageOf(age) }) };
    const ask = (dry: boolean) => withClient(call, 'write', (client) => client.gc({ ...request, dry }));
    if (dryRun === true || yes !== true) {
      const preview = await ask(true);
      const going = preview.items.filter(({ state }) => state === 'goes').reduce((sum, { count }) => sum + count, 0);
      if (dryRun === true || going === 0) {
        out.answer(preview, () => linesOf(preview));
        return 0;
      }
      if (canAsk(call)) out.print(...linesOf(preview));
      const things = counted(going, 'thing');
      const not = `nothing was deleted of ${things}`;
      const hint = 'list them with --dry-run, then say --yes';
      if (!(await isConfirmed(call, { yes, question: `delete ${things}?`, not, hint }))) return 1;
    }
    const report = await ask(false);
    out.outcome(report, () => linesOf(report));
    return 0;
  },
});

function ageOf(text: string): number {
  const ms = durationMs(text);
  if (ms !== null) return ms;
  const message = `--older-than ${JSON.stringify(text)} is no duration`;
  throw new EngineError('usage', message, 'write one number and its unit: 90d, 12h, 30m or 45s');
}

const nounsOf = {
  run_folder: ['run folder', 'run folders'],
  hook_files: ['folder of hooks', 'folders of hooks'],
  agent_memory: ['memory of agents', 'memories of agents'],
  worktree: ['worktree', 'worktrees'],
  branch: ['branch', 'branches'],
  ref: ['ref', 'refs'],
  rows: ['row', 'rows'],
} as const satisfies Record<CleaningItem['kind'], readonly [string, string]>;

/** The most items of one kind and reason that are listed by name. */
const shownNames = 10;

function linesOf(report: CleaningReport): string[] {
  const { items, disk, notes, dry, before } = report;
  const going = items.filter(({ state }) => state !== 'kept');
  const kept = items.filter(({ state }) => state === 'kept');
  const verb = dry ? 'would go' : 'gone';
  return [
    `what ended before ${before.slice(0, 16).replace('T', ' ')} UTC:`,
    ...groups(going, ({ kind, name }) => (kind === 'rows' ? name : kind)).map(
      (some) => `  ${amount(some)}${ofWhat(some)} ${verb}${sizeText(some)}`,
    ),
    ...(going.length === 0 ? [`  nothing ${dry ? 'would go' : 'went'}`] : []),
    ...going.flatMap(({ name, why }) => (why === '' ? [] : [`  ${name}: ${why}`])),
    ...(kept.length === 0 ? [] : ['kept:']),
    ...groups(kept, ({ kind, why, override }) => `${kind} ${override === null ? shortened(why) : override}`).flatMap(
      keptLines,
    ),
    ...notes.map((note) => `note: ${note}`),
    `disk: runs ${change(disk.before.runs, disk.after.runs)}, store ${change(disk.before.store, disk.after.store)}`,
  ];
}

/** Items that a person can act on are listed one by one. */
function keptLines(some: readonly CleaningItem[]): string[] {
  const [first] = some;
  if (first === undefined) return [];
  if (first.override === null) return [`  ${amount(some)}: ${shortened(first.why)}`];
  const names = some.slice(0, shownNames).map(({ name, why }) => `    ${name}: ${why}`);
  const more = some.length > shownNames ? [`    and ${some.length - shownNames} more: --json names them all`] : [];
  return [`  ${amount(some)}, unless --${flagOf[first.override]}:`, ...names, ...more];
}

function shortened(why: string): string {
  return why.split('\n')[0] ?? '';
}

function amount(some: readonly CleaningItem[]): string {
  const [one, many] = nounsOf[some[0]?.kind ?? 'run_folder'];
  const count = some.reduce((sum, each) => sum + each.count, 0);
  return `${count} ${count === 1 ? one : many}`;
}

/** Empty if no size was measured. */
function sizeText(some: readonly CleaningItem[]): string {
  const measured = some.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]));
  return measured.length === 0 ? '' : `, ${byteText(measured.reduce((sum, bytes) => sum + bytes, 0))}`;
}

function ofWhat([first]: readonly CleaningItem[]): string {
  return first?.kind === 'rows' ? ` of ${first.name}` : '';
}

function change(before: number, after: number): string {
  return before === after ? byteText(before) : `${byteText(before)} → ${byteText(after)}`;
}

function groups<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  return [...groupBy(items, keyOf).values()];
}
