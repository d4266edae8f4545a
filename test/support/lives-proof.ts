/** Checks the results of a plan's life after its engine has ended: in the store, the repository and the agents' own ledger. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'vitest';
import { runIdOf } from '../../runtime/work/agents/run-folder.ts';
import { carriersOf, readOrEmpty } from './crash.ts';
import { expectJournalToReplay, expectRunsToBelong } from './crash-proof.ts';
import { git, until } from './ground.ts';
import type { Stage } from './lives-play.ts';
import type { Ending, Life } from './lives-words.ts';

/** A line that an agent wrote about itself. */
export interface Entry {
  readonly word: 'start' | 'waits' | 'said' | 'unsaid' | 'end';
  readonly title: string;
  readonly turn: number;
  readonly run: string;
  readonly program?: string;
  readonly args?: readonly string[];
  readonly prompt?: string;
  readonly code?: number | 'killed';
  readonly id?: number;
  readonly type?: string;
  readonly status?: string;
}

export function entriesOf({ scenario }: Pick<Stage, 'scenario'>): Entry[] {
  const lines = readOrEmpty(`${scenario}.ledger`).split('\n');
  return lines.filter(Boolean).map((line) => JSON.parse(line));
}

interface Ran {
  readonly key: string;
  readonly title: string;
  readonly state: string;
  readonly reason: string | null;
  readonly conversation: string | null;
}

function inStore<T>(home: string, look: (all: (sql: string, ...values: unknown[]) => unknown[]) => T): T {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true, timeout: 5_000 });
  try {
    return look((sql, ...values) => db.prepare(sql).all(...values));
  } finally {
    db.close();
  }
}

/** In the order of the requests; a run that never began is left out. */
function runsIn(home: string): Ran[] {
  const sql = 'SELECT key, title, state, reason, conversation FROM runs WHERE started_at IS NOT NULL ORDER BY rowid';
  return inStore(home, (all) => all(sql) as Ran[]);
}

function groupedBy<T>(list: readonly T[], keyOf: (one: T) => string): Record<string, T[]> {
  const groups: Record<string, T[]> = {};
  for (const one of list) {
    const key = keyOf(one);
    groups[key] = [...(groups[key] ?? []), one];
  }
  return groups;
}

function statusesIn(home: string): string[] {
  const sql = `SELECT to_state FROM journal WHERE actor = '' AND tree LIKE 'plan:%' AND to_state LIKE 'lifecycle.%' AND to_state <> from_state ORDER BY seq`;
  const states = inStore(home, (all) => all(sql) as { to_state: string }[]);
  const words = states
    .map(({ to_state: to }) => to.split('.'))
    .map(([, one = '', two = '']) => (one === 'underway' ? two : one));
  return words.filter((word, index) => word !== 'ready' && word !== words[index - 1]);
}

function endingOf({ home, repo }: Stage, { plan }: Life): Ending {
  const branch = `plan/${plan}`;
  // A plan that ends before any of its agents could start has no branch.
  const isThere = git(repo, 'branch', '--list', branch) !== '';
  const names = (isThere ? git(repo, 'ls-tree', '-r', '--name-only', branch) : '')
    .split('\n')
    .filter((name) => name !== '' && !/^(README\.md|\.stator\/.*)$/.test(name));
  const plans = inStore(home, (all) => all('SELECT review_cycle FROM plans')) as { review_cycle: number }[];
  const ends = (run: Ran) => (run.state === 'succeeded' ? 'done' : (run.reason ?? run.state));
  return {
    statuses: statusesIn(home),
    runs: Object.fromEntries(
      Object.entries(groupedBy(runsIn(home), ({ title }) => title)).map(([title, runs]) => [title, runs.map(ends)]),
    ),
    reviewCycle: plans[0]?.review_cycle ?? -1,
    files: Object.fromEntries(names.map((name) => [name, git(repo, 'show', `${branch}:${name}`)])),
  };
}

/** Checks everything; the last engine has ended. */
export async function expectAsScripted(stage: Stage, life: Life): Promise<void> {
  const { home } = stage;
  expect(endingOf(stage, life)).toEqual(life.end);
  expectTurns(stage, life);
  expectDelivered(stage, life);
  expectConversations(stage, life);
  expectWordsOnce(stage);
  expectStoreSettled(home);
  expectRunsToBelong(home);
  await expectJournalToReplay(home);
  const left = () => carriersOf(`STATOR_HOME=${home}`);
  await until(
    () => left().length === 0,
    () => `processes of this home: ${left().join(' ')}`,
  );
}

/** Each run was played once, and a run that did not end by itself does not count. */
function expectTurns(stage: Stage, life: Life): void {
  const entries = entriesOf(stage);
  const starts = entries.filter(({ word }) => word === 'start');
  expect(new Set(starts.map(({ run }) => run)).size, 'runs that were played').toBe(starts.length);
  const counts = (lists: Readonly<Record<string, readonly unknown[]>>) =>
    Object.fromEntries(Object.entries(lists).map(([title, list]) => [title, list.length]));
  expect(counts(groupedBy(starts, ({ title }) => title))).toEqual(counts(life.script));
  for (const { key, title, state } of runsIn(stage.home)) {
    if (state !== 'succeeded') continue;
    const start = starts.find(({ run }) => run === runIdOf(stage.home, key));
    const end = entries.find(({ word, run }) => word === 'end' && run === start?.run);
    expect(end?.code, `how ${key} of ${title} ended, which counts`).toBeOneOf([0, 1]);
  }
}

function expectDelivered(stage: Stage, { delivered }: Life): void {
  const starts = entriesOf(stage).filter(({ word }) => word === 'start');
  for (const [title, turn, text] of delivered) {
    const prompt = starts.find((entry) => entry.title === title && entry.turn === turn)?.prompt;
    expect(prompt, `what ${title} was told in turn ${turn}`).toContain(text);
  }
}

/** A repeated run resumes its conversation, whatever ended the previous run, a killed engine included. */
function expectConversations(stage: Stage, { anew }: Life): void {
  const starts = entriesOf(stage).filter(({ word, program }) => word === 'start' && program !== 'player');
  for (const [title, runs] of Object.entries(groupedBy(runsIn(stage.home), (run) => run.title))) {
    const played = starts.filter((entry) => entry.title === title).sort((a, b) => a.turn - b.turn);
    for (const [index, { args = [] }] of played.entries()) {
      const isNew = index === 0 || (anew?.includes(title) ?? false);
      const before = isNew ? undefined : (runs[index - 1]?.conversation ?? 'a conversation that is known');
      expect(resumedIn(args), `what turn ${index + 1} of ${title} takes up: ${args.join(' ')}`).toBe(before);
    }
  }
}

function resumedIn(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => ['--resume', '--session', 'resume'].includes(arg));
  return at < 0 ? undefined : args[at + 1];
}

/** Every signal that was acknowledged to an agent is in the store, and was handled exactly once. */
function expectWordsOnce(stage: Stage): void {
  const said = entriesOf(stage).filter(({ word }) => word === 'said');
  inStore(stage.home, (all) => {
    for (const { id, type, title } of said) {
      const what = `signal ${id}, ${type} of ${title}`;
      expect(all('SELECT status, origin FROM signals WHERE id = ?', id), what).toEqual([
        { status: expect.stringMatching(/^(done|failed)$/), origin: `agent:${title}` },
      ]);
      expect(
        all('SELECT seq FROM journal WHERE signal = ? AND input IS NOT NULL', id).length,
        what,
      ).toBeLessThanOrEqual(1);
    }
  });
}

function expectStoreSettled(home: string): void {
  inStore(home, (all) => {
    expect(all(`SELECT key, status, error FROM effects WHERE status NOT IN ('done', 'withdrawn')`)).toEqual([]);
    const open = `SELECT id, type, status, result FROM signals
      WHERE (status = 'failed' AND origin = 'engine') OR status = 'held' OR (status = 'pending' AND type <> 'timer_due')`;
    expect(all(open)).toEqual([]);
    expect(all(`SELECT key, state FROM runs WHERE state NOT IN ('succeeded', 'failed', 'cancelled')`)).toEqual([]);
  });
}
