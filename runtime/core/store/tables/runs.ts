/** The runs of agents as people address them: the machine's data about each (state, reason) and the system's (pid, exit code). */

import type { Spent } from '../../../../machines/vocabulary/budget.ts';
import { effectKey, pathOfRequest, type TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import { finalStates } from '../../../../machines/vocabulary/run-state.ts';
import type { ChangeOf, PlanKey, RunQuery, Store } from '../port.ts';
import type { PlanUsageRow, RunRow, RunTotals, SpentOf, UsageRow } from '../rows.ts';
import { type Answer, all, answered, type Connection, changedOne, orNull, type Statement } from './connection.ts';
import { createExpiry } from './expiry.ts';

const columns =
  'key, project, plan, run, title, role, attempt, state, reason, branch, queued_at, started_at, ended_at, final_at, exit_code, pid, worktree, folder, preset, profile, account, conversation, input_tokens, output_tokens, cost_usd, worked_ms, last_message';

/** The most agents that one list shows. */
const latestLimit = 1_000;

type Conversation = Parameters<Store['conversationTokens']>[0];
type FinalRuns = Parameters<Store['finalTotals']>[0];

/** A run `r` after which its agent had no other. */
export const isNewest =
  'NOT EXISTS (SELECT 1 FROM runs n WHERE n.project = r.project AND n.plan = r.plan AND n.title = r.title AND n.rowid > r.rowid)';

const inFinalState = `IN (${finalStates.map((state) => `'${state}'`).join(', ')})`;

export function createRunTable(db: Connection) {
  // What the runs of a plan used is shown for as long as the plan exists.
  const expiry = createExpiry(db, {
    name: 'runs',
    number: 'rowid',
    where: `queued_at < @beforeMs AND (started_at IS NULL OR ended_at < @beforeMs)
      AND EXISTS (SELECT 1 FROM plans p WHERE p.project = runs.project AND p.plan = runs.plan AND p.deleted_at < @beforeMs)`,
    statements: [
      'DELETE FROM run_tokens WHERE run IN (SELECT key FROM runs WHERE <these>)',
      'DELETE FROM runs WHERE <these>',
    ],
  });
  return { ...runChanges(db), ...runUsage(db), ...runQueries(db), expiry };
}

/** The changes of runs. */
function runChanges(db: Connection) {
  // Most steps are of a run that is under way and stays so: the columns for the end of its agent have indexes, and are not written.
  const move = db.prepare(
    `UPDATE runs SET state = ?, reason = ? WHERE key = ? AND final_at IS NULL AND CAST(? AS TEXT) NOT ${inFinalState}`,
  );
  // Runs since its plan was created are the plan's own. A clock that was set back since then takes none of them out of its budget.
  const upsert = db.prepare(
    `INSERT INTO runs (key, project, plan, run, title, role, attempt, state, reason, branch, queued_at, final_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
       coalesce((SELECT p.created_at FROM plans p WHERE p.project = ? AND p.plan = ? AND p.created_at > CAST(? AS BIGINT)), CAST(? AS BIGINT)),
       CASE WHEN CAST(? AS TEXT) ${inFinalState} THEN CAST(? AS BIGINT) END)
     ON CONFLICT (key) DO UPDATE SET state = excluded.state, reason = excluded.reason,
       final_at = CASE WHEN excluded.final_at IS NULL THEN NULL ELSE coalesce(runs.final_at, excluded.final_at) END`,
    { key: 0, answers: 'each' },
  );
  // A run that is not its agent's last: the agent has a newer one by now.
  const supersede = db.prepare(
    `UPDATE runs SET state = 'failed', final_at = ? WHERE project = ? AND plan = ? AND title = ? AND key <> ? AND state NOT ${inFinalState}`,
  );
  // A run's key begins with its tree and `/`; `0` is the character after that.
  const endTree = db.prepare<[{ tree: string; at: number }]>(
    `UPDATE runs SET state = 'cancelled', final_at = @at WHERE final_at IS NULL AND key > @tree || '/' AND key < @tree || '0'`,
  );
  const addToken = db.prepare('INSERT INTO run_tokens (hash, run) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING');
  /** One statement for each set of columns that is written together. */
  const notes = new Map<string, Statement>();
  function note({ key, set = {}, once = {} }: Omit<ChangeOf<'run.note'>, 'do'>): Answer<unknown> {
    const values = { ...set, ...once };
    const assigned = [
      ...Object.keys(set).map((column) => `${column} = @${column}`),
      ...Object.keys(once).map((column) => `${column} = coalesce(${column}, @${column})`),
    ];
    if (assigned.length === 0) return;
    const text = `UPDATE runs SET ${assigned.join(', ')} WHERE key = @key`;
    const statement = notes.get(text) ?? db.prepare(text);
    notes.set(text, statement);
    return statement.run({ ...values, key });
  }

  return {
    note,
    endTree: (tree: TreeAddress, at: number) => endTree.run({ tree, at }),
    addToken: ({ key, hash }: Omit<ChangeOf<'run.add-token'>, 'do'>) => addToken.run(hash, key),
    show({ run, isNewest, at }: Omit<ChangeOf<'run.show'>, 'do'>): Answer<unknown> {
      const { key, project, plan, title, role, attempt, state, reason, branch } = run;
      const isMoved = !isNewest && !db.isPipelined && changedOne(move.run(state, reason, key, state));
      return answered(isMoved, (moved) => {
        if (moved) return;
        const who = [key, project, plan, run.run, title, role, attempt] as const;
        const shown = upsert.run(...who, state, reason, branch, project, plan, at, at, state, at);
        return isNewest ? all([shown, supersede.run(at, project, plan, title, key)]) : shown;
      });
    },
  };
}

/** What runs used: tokens, money and time. */
function runUsage(db: Connection) {
  const usage = db.prepare<[string, string, number], UsageRow>(
    `SELECT title, count(started_at) AS runs, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
     FROM runs WHERE project = ? AND plan = ? AND queued_at >= ? GROUP BY title ORDER BY min(rowid)`,
  );
  const usageOfPlans = db.prepare<[{ project: string | null }], PlanUsageRow>(
    `SELECT p.project, p.plan, count(r.started_at) AS runs, sum(r.input_tokens) AS input_tokens, sum(r.output_tokens) AS output_tokens, sum(r.cost_usd) AS cost_usd
     FROM plans p JOIN runs r ON r.project = p.project AND r.plan = p.plan AND r.queued_at >= p.created_at
     WHERE p.deleted_at IS NULL AND (CAST(@project AS TEXT) IS NULL OR p.project = @project) GROUP BY p.project, p.plan ORDER BY p.project, p.plan`,
  );
  const finalSpan = 'final_at IS NOT NULL AND final_at > @after AND final_at <= @upTo';
  const finalUpTo = db.prepare<[FinalRuns], { last: number | null }>(
    `SELECT max(final_at) AS last FROM (SELECT final_at FROM runs WHERE ${finalSpan} ORDER BY final_at LIMIT CAST(@limit AS BIGINT)) AS span`,
  );
  // `+`: by the index of the time and no other.
  const totals = db.prepare<[Omit<FinalRuns, 'limit'>], RunTotals>(
    `SELECT project, preset, state, reason, count(*) AS runs, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
     FROM runs WHERE ${finalSpan} AND +started_at IS NOT NULL GROUP BY project, preset, state, reason ORDER BY project, preset, state, reason`,
  );
  const amounts = `coalesce(sum(cost_usd), 0) AS usd, coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0) AS tokens,
     coalesce(sum(worked_ms), 0) / 60000.0 AS agent_minutes`;
  const spentByPlan = db.prepare<[PlanKey], Spent>(
    `SELECT ${amounts} FROM runs WHERE project = @project AND plan = @plan
       AND queued_at >= coalesce((SELECT created_at FROM plans p WHERE p.project = @project AND p.plan = @plan), 0)`,
  );
  const spentSince = db.prepare<[string, number], Spent>(
    `SELECT ${amounts} FROM runs WHERE project = ? AND started_at >= ?`,
  );
  const conversationTokens = db.prepare<[string, string, string], { input: number; output: number }>(
    `SELECT coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output
     FROM runs WHERE project = ? AND conversation = ? AND key <> ?`,
  );

  return {
    /** A line for each agent of a plan, in the order of their first runs; `sinceMs` leaves out an earlier plan of that name. */
    usage: ({ project, plan }: PlanKey, sinceMs = 0) => usage.all(project, plan, sinceMs),
    spent({ project, plan }: PlanKey, sinceMs: number): Answer<SpentOf> {
      return answered(
        all([spentByPlan.get({ project, plan }), spentSince.get(project, sinceMs)]),
        ([byPlan, today]) => {
          if (byPlan === undefined || today === undefined) throw new Error('a sum has a row');
          return { plan: byPlan, day: today };
        },
      );
    },
    usageOfPlans: (project: string | null) => usageOfPlans.all({ project }),
    finalTotals: ({ after, upTo, limit }: FinalRuns): Answer<{ totals: RunTotals[]; upTo: number } | null> =>
      answered(finalUpTo.get({ after, upTo, limit }), (row) => {
        const last = row?.last ?? null;
        if (last === null) return null;
        return answered(totals.all({ after, upTo: last }), (found) => ({ totals: found, upTo: last }));
      }),
    /** The usage of the other runs of a conversation: some programs count the conversation as a whole. */
    conversationTokens: ({ project, conversation, exceptKey }: Conversation) =>
      answered(conversationTokens.get(project, conversation, exceptKey), (row) => row ?? { input: 0, output: 0 }),
  };
}

/** Runs by their key, their agent, their plan or their state. */
function runQueries(db: Connection) {
  const ofKeys = db.prepare<[string], RunRow>(
    `SELECT ${columns} FROM runs WHERE key IN (SELECT value FROM json_each(?)) ORDER BY rowid DESC`,
  );
  const read = db.prepare<[string], RunRow>(`SELECT ${columns} FROM runs WHERE key = ?`);
  const byToken = db.prepare<[string], RunRow>(
    `SELECT ${columns} FROM runs WHERE key = (SELECT run FROM run_tokens WHERE hash = ?)`,
  );
  const latest = db.prepare<[Record<string, unknown>], RunRow>(
    `SELECT ${columns} FROM runs r WHERE (CAST(@project AS TEXT) IS NULL OR project = @project) AND (CAST(@plan AS TEXT) IS NULL OR plan = @plan)
       AND (CAST(@title AS TEXT) IS NULL OR title = @title AND (@live = 0 OR state NOT ${inFinalState})) AND ${isNewest}
     ORDER BY rowid DESC LIMIT CAST(@limit AS BIGINT)`,
  );
  // These use indexes: the query above reads every run. `+rowid`: SQLite sorts afterwards, and does not walk the table in that order.
  const live = `SELECT ${columns} FROM runs r WHERE final_at IS NULL AND state NOT ${inFinalState}
       AND (CAST(@project AS TEXT) IS NULL OR project = @project) AND ${isNewest}`;
  const latestLive = db.prepare<[Record<string, unknown>], RunRow>(
    `${live} AND (CAST(@plan AS TEXT) IS NULL OR plan = @plan) ORDER BY +rowid DESC LIMIT CAST(@limit AS BIGINT)`,
  );
  // A plan may have hundreds of queued agents. One of them is enough to say what the plan waits for.
  const atWork = db.prepare<[{ project: string | null }], RunRow>(
    `${live} AND (state <> 'queued' OR rowid IN (
       SELECT max(q.rowid) FROM runs q WHERE q.final_at IS NULL AND q.state = 'queued' GROUP BY q.project, q.plan))
     ORDER BY +rowid DESC`,
  );
  const latestOfPlan = db.prepare<[Record<string, unknown>], RunRow>(
    `SELECT ${columns} FROM runs r WHERE project = @project AND plan = @plan
       AND (@live = 0 OR state NOT ${inFinalState}) AND ${isNewest}
     ORDER BY rowid DESC LIMIT CAST(@limit AS BIGINT)`,
  );
  const latestOfTitle = db.prepare<[Record<string, unknown>], RunRow>(
    `SELECT ${columns} FROM runs r WHERE project = @project AND title = @title AND (CAST(@plan AS TEXT) IS NULL OR plan = @plan)
       AND (@live = 0 OR state NOT ${inFinalState}) AND ${isNewest}
     ORDER BY rowid DESC LIMIT CAST(@limit AS BIGINT)`,
  );
  const ended = db.prepare<[string, number], RunRow>(
    `SELECT ${columns} FROM runs WHERE project = ? AND started_at IS NOT NULL AND ended_at IS NOT NULL ORDER BY rowid DESC LIMIT CAST(? AS BIGINT)`,
  );
  const ofTitle = db.prepare<[string, string], RunRow>(
    `SELECT ${columns} FROM runs WHERE project = ? AND title = ? ORDER BY rowid DESC`,
  );
  const ofAgent = db.prepare<[string, string, number], RunRow>(
    `SELECT ${columns} FROM runs r WHERE key > ? AND key < ? AND (queued_at <= ?
       OR EXISTS (SELECT 1 FROM plans p WHERE p.project = r.project AND p.plan = r.plan AND p.created_at = r.queued_at))
     ORDER BY rowid DESC LIMIT 1`,
  );
  const countBefore = db.prepare<[string, string, number, string], { count: number }>(
    `SELECT count(*) AS count FROM runs WHERE key > ? AND key < ? AND attempt = ? AND started_at IS NOT NULL
       AND rowid < (SELECT rowid FROM runs WHERE key = ?)`,
  );
  const ofPlan = db.prepare<[string, string, number, number], RunRow>(
    `SELECT ${columns} FROM runs WHERE project = ? AND plan = ? AND queued_at >= ? AND started_at IS NOT NULL ORDER BY rowid DESC LIMIT CAST(? AS BIGINT)`,
  );
  const count = db.prepare<[string, string], { count: number }>(
    'SELECT count(*) AS count FROM runs WHERE project = ? AND plan = ? AND started_at IS NOT NULL',
  );

  return {
    read: (key: string) => orNull(read.get(key)),
    by(query: RunQuery): Answer<RunRow[]> {
      switch (query.by) {
        case 'keys':
          return ofKeys.all(JSON.stringify(query.keys));
        case 'token':
          return byToken.all(query.hash);
        case 'title':
          return ofTitle.all(query.project, query.title);
        case 'agent':
          // `$` is the next character after `#`.
          return ofAgent.all(
            effectKey(query.tree, `${query.path}#`),
            effectKey(query.tree, `${query.path}$`),
            query.atMs,
          );
        case 'plan':
          return answered(ofPlan.all(query.project, query.plan, query.sinceMs, query.limit), (rows) => rows.reverse());
        case 'ended':
          return ended.all(query.project, query.limit);
        case 'at-work':
          return atWork.all({ project: query.project ?? null });
        case 'latest': {
          const { project = null, plan = null, title = null, limit = latestLimit } = query;
          const live = query.live === true ? 1 : 0;
          if (project !== null && title !== null) return latestOfTitle.all({ project, plan, title, live, limit });
          if (project !== null && plan !== null) return latestOfPlan.all({ project, plan, live, limit });
          if (title === null && live === 1) return latestLive.all({ project, plan, limit });
          return latest.all({ project, plan, title, live, limit });
        }
      }
    },
    /** Runs of a plan that really began; with `before`, of that one's attempt of its agent and before it: after retry_wave or start_over another agent has the title. */
    count: ({ project, plan }: PlanKey, before?: RunRow) => {
      const agent = before === undefined ? '' : pathOfRequest(before.key);
      return answered(
        before === undefined
          ? count.get(project, plan)
          : countBefore.get(`${agent}#`, `${agent}$`, before.attempt, before.key),
        (row) => row?.count ?? 0,
      );
    },
  };
}
