/** `stator store backup | check | copy | restore`. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { counted } from '../machines/vocabulary/numbers.ts';
import { localTime } from '../machines/vocabulary/time-text.ts';
import type { Verification } from '../runtime/api/client/client.ts';
import { connect } from '../runtime/engine/connect.ts';
import {
  backUpStoreIn,
  copiesIn,
  copyToRestore,
  type Restored,
  restoreStoreIn,
  type StoreCopy,
  storeFaultsIn,
  storePlaceIn,
} from '../runtime/engine/store-copies.ts';
import { transferStore } from '../runtime/engine/store-transfer.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { refuseAgent } from './place.ts';
import { isConfirmed, sureArgs } from './sure.ts';
import { byteText } from './text.ts';
import { missingWord } from './usage.ts';
import { verificationLines } from './verification.ts';

const timeOf = (ms: number) => new Date(ms).toISOString();
const entryOf = ({ file, atMs, bytes, schema }: StoreCopy) => ({ file, at: timeOf(atMs), bytes, schema });
const untilText = (ms: number | null) =>
  ms === null ? 'in which nothing has happened yet' : `of ${localTime(timeOf(ms), Date.now())}`;

const backup = defineVerb({
  summary: 'Copy the store while it is in use. The copy is checked before it gets its name.',
  args: {
    file: {
      type: 'positional',
      required: false,
      valueHint: 'file',
      description: 'where to; default: among the daily copies',
    },
  },
  examples: ['stator store backup', 'stator store backup /mnt/usb/stator.db'],
  more: 'An engine copies the store once a day by itself: `[store] backups` of daemon.toml says how many copies stay. Runs, worktrees and branches are not in it. A store in PostgreSQL is copied with pg_dump.',
  async run({ file }, { cwd, env, out }) {
    const copy = await backUpStoreIn(env, file === undefined ? null : resolve(cwd, file));
    out.outcome(entryOf(copy), () => [`copied to ${copy.file} (${byteText(copy.bytes)})`]);
  },
});

const check = defineVerb({
  summary: 'Check the store with the check of SQLite, and list its copies. It changes nothing.',
  args: {},
  examples: ['stator store check', 'stator store check --json'],
  more: 'Exit code 78: the store is damaged. Of a store in PostgreSQL it says whether it answers.',
  async run(_args, { env, out }) {
    const place = storePlaceIn(env);
    if (place.kind === 'postgres') {
      await storeFaultsIn(env);
      out.answer({ ok: true, faults: [], copies: [] }, () => [
        `the store answers: ${place.shown}`,
        'stator makes no copies of a store in PostgreSQL: use pg_dump; what it holds is replayed by: stator plan verify --all',
      ]);
      return 0;
    }
    const [faults, copies] = [await storeFaultsIn(env), await copiesIn(env)];
    out.answer({ ok: faults.length === 0, faults, copies: copies.map(entryOf) }, () => [
      ...stateLines(place.file, faults),
      ...(copies.length === 0 ? ['copies: none'] : ['copies:']),
      ...copies.map(
        ({ file, atMs, bytes, schema }) =>
          `  ${localTime(timeOf(atMs), Date.now())}  ${byteText(bytes)}  ${file}${schema === null ? '' : `  before schema ${schema} was changed`}`,
      ),
      ...(faults.length === 0 ? [] : [restoreStep(copies.length)]),
    ]);
    return faults.length === 0 ? 0 : 78;
  },
});

function stateLines(file: string, faults: readonly string[]): string[] {
  if (faults.length > 0) return ['the store is damaged:', ...faults.map((text) => `  ${text}`)];
  return [existsSync(file) ? 'the store is whole' : `there is no store at ${file}`];
}

function restoreStep(copies: number): string {
  if (copies > 0) return 'put the newest copy in its place: stator store restore';
  return 'put a copy from elsewhere in its place: stator store restore <file>';
}

const copy = defineVerb({
  summary: 'Copy the whole store into another database: from SQLite into PostgreSQL, or back.',
  args: {
    to: {
      type: 'string',
      valueHint: 'place',
      description: 'env:NAME, the variable with the URL of an empty database; or a file that is not there yet',
    },
  },
  examples: ['stator store copy --to env:STATOR_STORE', 'stator store copy --to ~/.config/stator/taskstore.db'],
  more: 'Stop the daemon first; agents may go on. The store stays as it is. Every tree of the copy is replayed; exit 1 where something differs from its journal. Then set `store` of daemon.toml, or remove it, and start the daemon.',
  async run({ to }, call) {
    const { env, cwd, out } = call;
    refuseAgent(call, 'copy the store');
    if (to === undefined) throw missingWord('--to', 'stator store copy --to env:STATOR_STORE, or --to <file>');
    const isFile = !/^(?:env:|[a-z][a-z0-9+.-]*:\/\/)/i.test(to);
    const copied = await transferStore(env, isFile ? resolve(cwd, to) : to);
    out.outcome(copied, () => [
      `copied ${counted(copied.rows, 'row')} from ${copied.from} to ${copied.to}`,
      ...verificationLines(copied.verified),
      isFile
        ? 'next: remove `store` from daemon.toml if that file is taskstore.db of the home; start: stator daemon start'
        : 'next: set `store = "env:NAME"` in daemon.toml; start: stator daemon start',
    ]);
    return copied.verified.differs.length === 0 ? 0 : 1;
  },
});

const restore = defineVerb({
  summary: 'Put a copy in the place of the store. The replaced files are kept.',
  args: {
    copy: { type: 'positional', required: false, valueHint: 'file', description: 'which copy; default: the newest' },
    ...sureArgs,
  },
  examples: ['stator store restore', 'stator store restore --yes /mnt/usb/stator.db'],
  more: `Stop the daemon first; agents may go on. Runs that were started after the copy are taken over when their plan asks for them again, and merges are found in git: nothing is done twice. Signals of people and agents after the copy are lost: give those commands again. Plans that were registered after it are registered again under their name. Hooks may get events a second time. Every tree of the restored store is replayed; exit 1 where something differs from its journal.`,
  async run({ copy: named, yes }, call) {
    const { env, cwd, out } = call;
    refuseAgent(call, 'restore the store');
    const { copy, knowsUntilMs } = await copyToRestore(env, named === undefined ? null : resolve(cwd, named));
    const question = `put ${copy}, ${untilText(knowsUntilMs)}, in the place of the store?`;
    if (!(await isConfirmed(call, { yes, question, not: `not restored from ${copy}` }))) return 1;
    const restored = await restoreStoreIn(env, copy);
    const { strangers, verified } = await lookAt(call);
    const document = {
      copy,
      knows_until: knowsUntilMs === null ? null : timeOf(knowsUntilMs),
      aside: restored.replaced,
      runs: restored.runs,
      unknown: strangers,
      verified,
    };
    out.outcome(document, () => [...restoredLines(restored, strangers), ...verificationLines(verified)]);
    return verified.differs.length === 0 ? 0 : 1;
  },
});

/**
 * Replays every tree of the restored store, and finds the worktrees, branches and refs that belong to none of its plans: plans that began after the
 * backup left them.
 */
async function lookAt({ env }: Call): Promise<{ strangers: string[]; verified: Verification }> {
  const client = await connect({ env, mode: 'write' });
  try {
    const verified = await client.verify();
    const { orphans } = await client.repair({ dry: true });
    const strangers = orphans.flatMap(({ kind, project, name }) =>
      kind === 'worktree' || kind === 'branch' || kind === 'ref' ? [`${kind} ${name} of ${project}`] : [],
    );
    return { strangers, verified };
  } finally {
    await client.close();
  }
}

function restoredLines({ copy, knowsUntilMs, replaced, runs }: Restored, strangers: readonly string[]): string[] {
  return [
    `restored from ${copy}, ${untilText(knowsUntilMs)}`,
    `the replaced files lie in ${replaced}`,
    ...(runs.length === 0
      ? []
      : [`${counted(runs.length, 'run')} newer than the copy, taken over when a plan asks for them:`]),
    ...runs.map(({ folder, alive }) => `  ${folder}: ${alive ? 'lives' : 'has ended'}`),
    ...(strangers.length === 0 ? [] : ['no plan of the copy has these; register the plan again under its name:']),
    ...strangers.map((line) => `  ${line}`),
    'next: stator plan list, then repeat your commands since the copy; start: stator daemon start',
  ];
}

export default { backup, check, copy, restore } satisfies Verbs;
