/** The commits of a store in PostgreSQL: each is one transaction. If its answer gets lost, a row shows whether it was committed. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Faults } from '../../../base/platform/faults.ts';
import { applyChange, type Numbers, stepwise } from '../changes.ts';
import type { Change, Commit, Written } from '../port.ts';
import { noticeOf, writtenBy } from '../written.ts';
import * as hostRows from './hosts.ts';
import { channel, commitLock, nowMs } from './schema.ts';
import { isAway, isUndone } from './trouble.ts';

/** A lost answer to a commit is looked up for some minutes at most. */
const keptCommitMs = 24 * 60 * 60 * 1_000;
const retryMs = 100;

interface CommitParts {
  /** The connection for writing. */
  connect(): Promise<Client>;
  tables(): Parameters<typeof applyChange>[0];
  readonly faults: Faults | undefined;
  /** Whether that failure may end by itself, and the store is open. */
  mayPass(thrown: unknown): boolean;
  /** Repos were registered or removed. */
  onMoved(): void;
}

export function createCommits({ connect, tables, faults, mayPass, onMoved }: CommitParts) {
  /** Identifies the commits of this store, with their numbers. */
  const writer = randomUUID();
  /** The number of commits that were begun here. */
  let commits = 0;
  /** The newest commit that was confirmed, and when. */
  let confirmed = { number: 0, atMs: 0 };
  /** Whether a change may send statements now. */
  let maySend = true;

  /**
   * Sends the changes one after the other, without waiting for answers. If a change sends further statements after its first answer, these would run
   * too late, after the changes that follow. So a change that `stepwise` lists is waited for. If another change does it, the commit is repeated step by step.
   */
  async function carryOut(changes: readonly Change[], isStepByStep = false): Promise<Commit> {
    const client = await connect();
    const numbers: Numbers = { signals: [], lines: [] };
    const begun = start(client);
    faults?.('store.after-begin');
    const answers: { readonly change: Change; readonly holds: Promise<boolean> }[] = [];
    const firstLost = async (): Promise<Change | null> => {
      for (const { change, holds } of answers) if (!(await holds)) return change;
      return null;
    };
    let lost: Change | null = null;
    try {
      for (const change of changes) {
        const isStep = stepwise.has(change.do) && (isStepByStep || change.do !== 'signal.insert');
        if (isStep) lost = await firstLost();
        if (lost !== null) break;
        maySend = true;
        const holds = Promise.resolve(applyChange(tables(), change, numbers));
        holds.catch(() => {}); // awaited below, in their order
        answers.push({ change, holds });
        if (isStep) await holds;
        maySend = isStepByStep;
      }
      await begun;
      lost ??= await firstLost();
      if (lost === null) {
        faults?.('store.before-commit');
        const written = writtenBy(changes, numbers.lines);
        const movesRepos = changes.some((change) => change.do === 'repo.insert' || change.do === 'repo.remove');
        if (movesRepos) await hostRows.notify(client);
        if (!(await finish(client, written))) return carryOut(changes);
        if (movesRepos) onMoved();
        faults?.('store.after-commit');
        return { status: 'committed', ...numbers };
      }
    } catch (thrown) {
      maySend = false;
      const first = await firstFailure([begun, ...answers.map(({ holds }) => holds)]);
      await undo(client);
      if (first instanceof SentLate) return carryOut(changes, true);
      throw first ?? thrown;
    }
    await undo(client);
    return { status: 'lost', change: lost };
  }

  /** Begins, and waits for the commits of others. Both are sent at once. */
  function start(client: Client): Promise<unknown> {
    const begun = Promise.all([client.query('BEGIN'), client.query(`SELECT pg_advisory_xact_lock(${commitLock})`)]);
    begun.catch(() => {}); // awaited when the changes are sent
    return begun;
  }

  /** `what`: the notice to other hosts about it. false: it was not committed, and none of its changes is stored. */
  async function finish(client: Client, what: Written | null): Promise<boolean> {
    return commitAs(client, () => client.query('SELECT pg_notify($1, $2)', [channel, noticeOf(writer, what)]));
  }

  /** `last`: a statement that is sent before the commit itself. false: it was not committed, and none of its changes is stored. */
  async function commitAs(client: Client, last: () => Promise<unknown>): Promise<boolean> {
    commits += 1;
    const number = commits;
    try {
      const sent = [noteCommit(client, number), last()];
      for (const each of sent) each.catch(() => {}); // then the commit fails too
      await client.query('COMMIT');
      await Promise.all(sent);
    } catch (thrown) {
      if (!isAway(thrown)) throw thrown;
      if (!(await wasCommitted(number))) return false;
    }
    confirmed = { number, atMs: performance.now() };
    return true;
  }

  /** In the transaction that it is the number of. Rows of programs that ended long ago are deleted. */
  async function noteCommit(client: Client, number: number): Promise<void> {
    const gone = number === 1 ? client.query(`DELETE FROM commits WHERE at < ${nowMs} - ${keptCommitMs}`) : null;
    gone?.catch(() => {}); // awaited below
    await client.query({
      name: 'note-commit',
      text: `INSERT INTO commits (writer, number, at) VALUES ($1, $2, ${nowMs})
        ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at`,
      values: [writer, number],
    });
    await gone;
  }

  /**
   * The answer to a commit got lost: its row shows whether it was committed, once no commit is open any more. The server's own number of the transaction would not: after
   * a crash it is given out again. Waits for as long as it takes.
   */
  async function wasCommitted(number: number): Promise<boolean> {
    for (;;) {
      try {
        const client = await connect();
        await start(client);
        try {
          return (await storedNumber(client)) === number;
        } finally {
          await undo(client);
        }
      } catch (thrown) {
        if (!mayPass(thrown)) throw thrown;
      }
      await delay(retryMs);
    }
  }

  async function storedNumber(client: Client): Promise<number | null> {
    const { rows } = await client.query<{ number: number }>('SELECT number FROM commits WHERE writer = $1', [writer]);
    return rows[0]?.number ?? null;
  }

  return {
    writer,
    /** Whether a confirmed commit is not in the database any more. A row that may have been deleted by its age proves nothing. */
    async areLost(client: Client): Promise<boolean> {
      const { number, atMs } = confirmed;
      if (number === 0) return false;
      const stored = await storedNumber(client);
      return stored === null ? performance.now() - atMs < keptCommitMs : stored < number;
    },
    carryOut: (changes: readonly Change[]) => carryOut(changes),
    start,
    commitAs,
    /** To be called before each statement. Throws if it would run after statements that must follow it. */
    mustBeInTime(): void {
      if (!maySend) throw new SentLate();
    },
  };
}

/** A change needed further statements, and others were sent meanwhile. */
class SentLate extends Error {}

/** The first failure that is not a consequence of another failure. */
async function firstFailure(answers: readonly Promise<unknown>[]): Promise<unknown> {
  const results = await Promise.allSettled(answers);
  for (const result of results) if (result.status === 'rejected' && !isUndone(result.reason)) return result.reason;
  return null;
}

export async function undo(client: Client): Promise<void> {
  // If the connection is gone, so is its transaction.
  await client.query('ROLLBACK').catch(() => {});
}
