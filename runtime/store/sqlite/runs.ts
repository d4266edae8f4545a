/** The runs of agents as people address them: what the machine says of each (state, reason) and what the world says (pid, exit code). */

import type { AgentSnapshot } from '../../../actors/recorder.ts';
import type { Reason } from '../../../machines/vocabulary/effect.ts';
import { effectKey, type PlanTree, parseTree } from '../../../machines/vocabulary/ids.ts';
import type { PlanKey, RunFacts, RunShown } from '../port.ts';
import type { RunRow, RunUsage, UsageRow } from '../rows.ts';
import type { Database, Statement } from './db.ts';

const columns =
  'key, project, plan, run, title, role, attempt, state, reason, branch, queued_at, started_at, ended_at, exit_code, pid, worktree, folder, token, preset, conversation, input_tokens, output_tokens, cost_usd, last_message';

/** An agent's state in the words of the outside: inner states of waiting are one, and so on. */
const states: Readonly<Record<string, string>> = {
  'waiting.permission': 'waiting',
  'waiting.rateLimit': 'waiting',
  'waiting.decision': 'waiting',
  backingOff: 'backing_off',
  delivered: 'running',
  judging: 'running',
};

/** Ends that spend no attempt: the agent remembers none as a failure, the run still ended by it. */
const interruptions: Readonly<Record<string, Reason>> = {
  'waiting.decision': 'needs_decision',
  'waiting.rateLimit': 'rate-limited',
};

/** Until a run has ended the agent's reason is that of the one before. */
function hasEnded(state: string): boolean {
  return !['queued', 'starting', 'running', 'waiting.permission', 'paused', 'stopping', 'delivered'].includes(state);
}

/** It may be answered before its run has ended: then no state of waiting tells how that run ended. */
function asks(state: string, { ending }: AgentSnapshot['context']): boolean {
  return state === 'stopping' && ending === 'decision';
}

export function createRunStore(db: Database) {
  const upsert = db.prepare(
    `INSERT INTO runs (key, project, plan, run, title, role, attempt, state, reason, branch, queued_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET state = excluded.state, reason = excluded.reason`,
  );
  // A run that was not the last word of its agent: the agent has a newer one by now.
  const supersede = db.prepare(
    `UPDATE runs SET state = 'failed' WHERE project = ? AND plan = ? AND title = ? AND key <> ? AND state NOT IN ('succeeded', 'failed', 'cancelled')`,
  );
  const started = db.prepare(
    'UPDATE runs SET started_at = coalesce(started_at, ?), pid = ?, worktree = ?, folder = ? WHERE key = ?',
  );
  const setFolder = db.prepare('UPDATE runs SET folder = ? WHERE key = ?');
  const ended = db.prepare('UPDATE runs SET ended_at = ?, exit_code = ?, pid = NULL WHERE key = ?');
  const setToken = db.prepare('UPDATE runs SET token = coalesce(token, ?) WHERE key = ?');
  const setPreset = db.prepare('UPDATE runs SET preset = ?, conversation = coalesce(conversation, ?) WHERE key = ?');
  const setConversation = db.prepare('UPDATE runs SET conversation = ? WHERE key = ?');
  const reported = db.prepare(
    'UPDATE runs SET conversation = ?, input_tokens = ?, output_tokens = ?, cost_usd = ?, last_message = ? WHERE key = ?',
  );
  const usageOf = db.prepare<[string, string, number], UsageRow>(
    `SELECT title, count(started_at) AS runs, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
     FROM runs WHERE project = ? AND plan = ? AND queued_at >= ? GROUP BY title ORDER BY min(rowid)`,
  );
  const tokensOf = db.prepare<[string, string, string], { input: number; output: number }>(
    `SELECT coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output
     FROM runs WHERE project = ? AND conversation = ? AND key <> ?`,
  );
  const read = db.prepare<[string], RunRow>(`SELECT ${columns} FROM runs WHERE key = ?`);
  const byToken = db.prepare<[string], RunRow>(`SELECT ${columns} FROM runs WHERE token = ?`);
  const latest = db.prepare<[Record<string, unknown>], RunRow>(
    `SELECT ${columns} FROM runs r WHERE (@project IS NULL OR project = @project) AND (@plan IS NULL OR plan = @plan)
       AND NOT EXISTS (SELECT 1 FROM runs n WHERE n.project = r.project AND n.plan = r.plan AND n.title = r.title AND n.rowid > r.rowid)
     ORDER BY rowid DESC LIMIT (@limit + 0)`,
  );
  const ofTitle = db.prepare<[string, string], RunRow>(
    `SELECT ${columns} FROM runs WHERE project = ? AND title = ? ORDER BY rowid DESC`,
  );
  const ofAgent = db.prepare<[string, string, number], RunRow>(
    `SELECT ${columns} FROM runs WHERE key > ? AND key < ? AND queued_at <= ? ORDER BY rowid DESC LIMIT 1`,
  );
  const countBefore = db.prepare<[string, string, string, number, string], { count: number }>(
    `SELECT count(*) AS count FROM runs WHERE project = ? AND plan = ? AND title = ? AND attempt = ? AND started_at IS NOT NULL
       AND rowid < (SELECT rowid FROM runs WHERE key = ?)`,
  );
  const ofPlan = db.prepare<[string, string, number, number], RunRow>(
    `SELECT ${columns} FROM runs WHERE project = ? AND plan = ? AND queued_at >= ? AND started_at IS NOT NULL ORDER BY rowid DESC LIMIT ?`,
  );
  const count = db.prepare<[string, string], { count: number }>(
    'SELECT count(*) AS count FROM runs WHERE project = ? AND plan = ? AND started_at IS NOT NULL',
  );

  /** One statement for each set of columns that is written together. */
  const notes = new Map<string, Statement>();

  function note({ key, set = {}, once = {} }: { key: string; set?: RunFacts; once?: RunFacts }): void {
    const values = { ...set, ...once };
    const assigned = [
      ...Object.keys(set).map((column) => `${column} = @${column}`),
      ...Object.keys(once).map((column) => `${column} = coalesce(${column}, @${column})`),
    ];
    if (assigned.length === 0) return;
    const text = `UPDATE runs SET ${assigned.join(', ')} WHERE key = @key`;
    const statement = notes.get(text) ?? db.prepare(text);
    notes.set(text, statement);
    statement.run({ ...values, key });
  }

  return {
    note,
    show({ run, isNewest, at }: { run: RunShown; isNewest: boolean; at: number }): void {
      const { key, project, plan, title, role, attempt, state, reason, branch } = run;
      upsert.run(key, project, plan, run.run, title, role, attempt, state, reason, branch, at);
      if (isNewest) supersede.run(project, plan, title, key);
    },
    /** Writes what a step changed of an agent onto the row of its run. */
    stand(tree: PlanTree, { state, context }: AgentSnapshot, at: number, shown: Map<string, string>): void {
      if (context.run === null) return;
      const parsed = parseTree(tree);
      if (parsed.kind !== 'plan') return;
      const { project, plan } = parsed;
      const key = effectKey(tree, context.run);
      const attempt = context.failures + 1;
      const shownState = states[state] ?? state;
      const reason =
        interruptions[state] ?? (asks(state, context) ? 'needs_decision' : hasEnded(state) ? context.reason : null);
      const shows = `${shownState} ${reason}`;
      if (shown.get(key) === shows) return;
      if (shown.size > 256) shown.clear();
      shown.set(key, shows);
      const { changes } = upsert.run(
        key,
        project,
        plan,
        context.run,
        context.title,
        context.role,
        attempt,
        shownState,
        reason,
        context.branch,
        at,
      );
      if (state === 'queued' && changes === 1) supersede.run(project, plan, context.title, key);
    },
    started: ({
      key,
      at,
      pid,
      worktree,
      folder,
    }: {
      key: string;
      at: number;
      pid: number | null;
      worktree: string;
      folder: string;
    }): void => void started.run(at, pid, worktree, folder, key),
    ended: ({ key, at, exitCode }: { key: string; at: number; exitCode: number | null }): void =>
      void ended.run(at, exitCode, key),
    /** Known before the run begins: what stops it from beginning is told in its log. */
    setFolder: (key: string, folder: string): void => void setFolder.run(folder, key),
    /** The token stays what it was first: an agent that was adopted goes on speaking with it. */
    setToken: (key: string, token: string): void => void setToken.run(token, key),
    /** Known before the launch; a conversation that the row already has stays, so that a run that is prepared again is the same. */
    setPreset: (key: string, preset: string, conversation: string | null): void =>
      void setPreset.run(preset, conversation, key),
    setConversation: (key: string, conversation: string): void => void setConversation.run(conversation, key),
    /** Once more after a crash it writes the same. */
    reported: (key: string, { conversation, inputTokens, outputTokens, costUsd, lastMessage }: RunUsage): void =>
      void reported.run(conversation, inputTokens, outputTokens, costUsd, lastMessage, key),
    /** A line for each agent of a plan, in the order of their first runs; `sinceMs` leaves out an earlier plan of that name. */
    usageOf: (project: string, plan: string, sinceMs = 0): UsageRow[] => usageOf.all(project, plan, sinceMs),
    /** What the other runs of a conversation took: some programs count the conversation as a whole. */
    tokensOf: (project: string, conversation: string, exceptKey: string): { input: number; output: number } =>
      tokensOf.get(project, conversation, exceptKey) ?? { input: 0, output: 0 },
    read: (key: string): RunRow | null => read.get(key) ?? null,
    byToken: (token: string): RunRow | null => byToken.get(token) ?? null,
    /** One row for each agent: its last run. */
    latest: ({ project, plan, limit = 1_000 }: { project?: string; plan?: string; limit?: number }): RunRow[] =>
      latest.all({ project: project ?? null, plan: plan ?? null, limit }),
    ofTitle: (project: string, title: string): RunRow[] => ofTitle.all(project, title),
    /** The newest run of the agent at that path of a tree, as it was at that time. */
    ofAgent: (tree: PlanTree, path: string, atMs: number): RunRow | null =>
      ofAgent.get(effectKey(tree, `${path}#`), effectKey(tree, `${path}$`), atMs) ?? null, // `$` is the next character after `#`
    /** Whether an earlier run of the same attempt had begun: this one only goes on. */
    isResumed: ({ project, plan, title, attempt, key }: RunRow): boolean =>
      (countBefore.get(project, plan, title, attempt, key)?.count ?? 0) > 0,
    /** Runs of a plan that really began, the last `limit` of them, in their order; `sinceMs` leaves out an earlier plan of that name. */
    ofPlan: (project: string, plan: string, { sinceMs, limit }: { sinceMs: number; limit: number }): RunRow[] =>
      ofPlan.all(project, plan, sinceMs, limit).reverse(),
    /** Runs of a plan that really began; with `before`, of that one's attempt and before it. */
    count: ({ project, plan }: PlanKey, before?: RunRow): number =>
      before === undefined
        ? (count.get(project, plan)?.count ?? 0)
        : (countBefore.get(project, plan, before.title, before.attempt, before.key)?.count ?? 0),
    /** Runs of a plan that really began. */
    countStarted: (project: string, plan: string): number => count.get(project, plan)?.count ?? 0,
  };
}
