/** Invariants of a home and its repository after any kill: while it continues, and when its plan is done. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'vitest';
import { treesOf } from '../../actors/tree.ts';
import { effectKey, resultKey, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { verify } from '../../runtime/api/queries/verify.ts';
import { readOwner } from '../../runtime/core/store/sqlite/owner.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import { type Scenario, tasksOfWave, waves } from './crash.ts';
import { git } from './ground.ts';
import { outputOf } from './small-shell.ts';

/** States of an agent with a requested run that has not ended. */
const withRun = /^(queued|starting|running|stopping|paused|waiting\.permission)$/;
/** Time for things that end shortly after their plan, such as the processes of a last run. */
const goneWithinMs = 10_000;

interface StoredActor {
  readonly value?: unknown;
  readonly context?: { readonly run?: string | null };
  readonly children?: Record<string, { readonly src: string; readonly snapshot: StoredActor }>;
}

function stateOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>) // a state's value is a word or a table of such
    .map(([key, inner]) => `${key}.${stateOf(inner)}`)
    .join(' ');
}

/** The runs that the agents of a stored tree wait for. */
function awaitedRuns(actor: StoredActor): string[] {
  return Object.values(actor.children ?? {}).flatMap(({ src, snapshot }) => {
    const own =
      src === 'agent' && withRun.test(stateOf(snapshot.value)) && snapshot.context?.run ? [snapshot.context.run] : [];
    return [...own, ...awaitedRuns(snapshot)];
  });
}

function inStore<T>(home: string, look: (db: BetterSqlite3.Database) => T): T {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true, timeout: 5_000 });
  try {
    return db.transaction(() => look(db))();
  } finally {
    db.close();
  }
}

/** The number of effects that are requested or running. */
export function openEffects(home: string): number {
  const sql = `SELECT count(*) FROM effects WHERE status IN ('queued', 'running')`;
  return inStore(home, (db) => Number(db.prepare(sql).pluck().get()));
}

/** Every open run belongs to exactly one agent that waits for it, and the reverse; a pending result counts as the run. */
export function expectRunsToBelong(home: string): void {
  if (!existsSync(join(home, 'taskstore.db'))) return;
  inStore(home, (db) => {
    const hasTables = db.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'trees'`).pluck().get() === 1;
    if (!hasTables) return;
    const rows = db.prepare(`SELECT address, snapshot FROM trees WHERE address LIKE 'plan:%'`).all() as {
      address: TreeAddress;
      snapshot: string;
    }[];
    const awaited = rows.flatMap(({ address, snapshot }) =>
      awaitedRuns(JSON.parse(snapshot)).map((run) => effectKey(address, run)),
    );
    const open = db
      .prepare(`SELECT key FROM effects WHERE kind = 'agent.run' AND status IN ('queued', 'running')`)
      .pluck()
      .all() as string[];
    const reported = db
      .prepare(`SELECT dedupe_key FROM signals WHERE status IN ('pending', 'held') AND dedupe_key LIKE '%:done'`)
      .pluck()
      .all() as string[];
    expect(new Set(awaited).size, 'agents that wait for one run').toBe(awaited.length);
    expect(
      open.filter((key) => !awaited.includes(key)),
      'open runs that nobody waits for',
    ).toEqual([]);
    expect(
      awaited.filter((key) => !open.includes(key) && !reported.includes(resultKey(key))),
      'agents that wait for a run that is over',
    ).toEqual([]);
  });
}

/** The journal alone reproduces the stored data: snapshots byte for byte, effects, accepted signals, and the rows of lists. */
export async function expectJournalToReplay(home: string): Promise<void> {
  const store = openStore(home, { readonly: true });
  try {
    expect(await verify({ store, trees: treesOf() }, 'all')).toMatchObject({ ok: true, differs: [], skipped: [] });
  } finally {
    store.close();
  }
}

/** Checks everything once the plan is done and its engine has ended. `eachOnce`: only engines were killed, so every task ran once. */
export async function expectNothingLost(scenario: Scenario, { eachOnce }: { eachOnce: boolean }): Promise<void> {
  const { home } = scenario;
  expectStartsOnce(scenario, eachOnce);
  expectGitAsItShouldBe(scenario);
  await expectNobodyLeft(scenario);
  expect(readOwner(home), 'the owner').toBeNull();
  inStore(home, (db) => {
    const all = (sql: string) => db.prepare(sql).all();
    expect(all(`SELECT key, status, error FROM effects WHERE status NOT IN ('done', 'withdrawn')`)).toEqual([]);
    expect(
      all(
        `SELECT id, type, status, result FROM signals
         WHERE (status = 'failed' AND origin = 'engine') OR (status = 'failed' AND result IS NULL) OR status = 'held'
            OR (status = 'pending' AND type <> 'timer_due')`,
      ),
    ).toEqual([]);
    expect(all(`SELECT key, state FROM runs WHERE state NOT IN ('succeeded', 'failed', 'cancelled')`)).toEqual([]);
    expect(all(`SELECT status, tasks_done FROM plans`)).toEqual([
      { status: 'done', tasks_done: waves.length * tasksOfWave.length },
    ]);
  });
  expectRunsToBelong(home);
  await expectJournalToReplay(home);
}

function expectStartsOnce({ entries }: Scenario, eachOnce: boolean): void {
  const starts = entries().filter(({ word }) => word === 'start');
  const runs = starts.map(({ run }) => run);
  expect(new Set(runs).size, `runs started twice in\n${runs.join('\n')}`).toBe(runs.length);
  const titles = waves.flatMap((wave) => tasksOfWave.map((task) => `crash-w${wave}-t${task}`));
  expect([...new Set(starts.map(({ title }) => title))].sort()).toEqual(titles);
  if (!eachOnce) return;
  expect(starts.map(({ title }) => title).sort()).toEqual(titles);
  expect(
    entries()
      .filter(({ word }) => word === 'end')
      .map(({ title }) => title)
      .sort(),
  ).toEqual(titles);
}

function expectGitAsItShouldBe({ repo, plan }: Scenario): void {
  const branch = `plan/${plan}`;
  const pieces = waves.flatMap((wave) => tasksOfWave.map((task) => ({ wave, task })));
  const files = git(repo, 'ls-tree', '-r', '--name-only', branch).split('\n');
  expect(files).toEqual(['README.md', ...pieces.map(({ wave, task }) => `w${wave}-t${task}.txt`)]);
  for (const { wave, task } of pieces)
    expect(git(repo, 'show', `${branch}:w${wave}-t${task}.txt`)).toBe(`${wave}-${task}`);
  const merges = git(repo, 'log', '--merges', '--format=%P|%s', branch).split('\n');
  expect(merges.map((line) => line.split('|')[0]?.split(' ').length)).toEqual(pieces.map(() => 2));
  for (const { wave, task } of pieces)
    expect(
      merges.filter((line) => line.includes(`w${wave} t${task}`)),
      `merges of ${wave}-${task}`,
    ).toHaveLength(1);
  expect(git(repo, 'status', '--porcelain')).toBe('');
  expect(git(repo, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
  expect(git(repo, 'rev-list', '--count', 'main')).toBe('1');
  expect(readFileSync(join(repo, 'README.md'), 'utf8')).toBe('hello\n');
  expect(outputOf('find', ['.git', '-name', '*.lock'], repo), 'locks').toBe('');
  const worktrees = git(repo, 'worktree', 'list', '--porcelain').match(/^worktree .*$/gm) ?? [];
  expect(
    worktrees.filter((line) => /-w\d+-t\d+$/.test(line)),
    'worktrees of tasks',
  ).toEqual([]);
  git(repo, 'fsck', '--no-dangling');
}

async function expectNobodyLeft({ processes }: Scenario): Promise<void> {
  const until = Date.now() + goneWithinMs;
  while (processes().length > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(processes(), 'processes of this home').toEqual([]);
}
