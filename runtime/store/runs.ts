/** The runs of agents as people address them: what the machine says of each (state, reason) and what the world says (pid, exit code). */
import type { AgentStand } from '../../actors/recorder.ts';
import { effectKey, type PlanTree, parseTree } from '../../machines/ids.ts';
import type { Database } from './db.ts';

export interface RunRow {
  readonly key: string;
  readonly project: string;
  readonly plan: string;
  /** The wish's id inside the plan's tree. */
  readonly run: string;
  readonly title: string;
  readonly role: string;
  readonly attempt: number;
  readonly state: string;
  readonly reason: string | null;
  readonly branch: string;
  readonly queued_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly exit_code: number | null;
  readonly pid: number | null;
  readonly worktree: string | null;
  readonly folder: string | null;
  readonly token: string | null;
}

const columns =
  'key, project, plan, run, title, role, attempt, state, reason, branch, queued_at, started_at, ended_at, exit_code, pid, worktree, folder, token';

/** An agent's state in the words of the outside: inner states of waiting are one, and so on. */
const states: Readonly<Record<string, string>> = {
  'waiting.permission': 'waiting',
  'waiting.rateLimit': 'waiting',
  'waiting.decision': 'waiting',
  backingOff: 'backing_off',
  delivered: 'running',
  judging: 'running',
};

/** Until a run has ended the agent's reason is that of the one before. */
function hasEnded(state: string): boolean {
  return !['queued', 'starting', 'running', 'waiting.permission', 'paused', 'stopping', 'delivered'].includes(state);
}

export type RunStore = ReturnType<typeof createRunStore>;

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
  const read = db.prepare<[string], RunRow>(`SELECT ${columns} FROM runs WHERE key = ?`);
  const byToken = db.prepare<[string], RunRow>(`SELECT ${columns} FROM runs WHERE token = ?`);
  const latest = db.prepare<[Record<string, unknown>], RunRow>(
    `SELECT ${columns} FROM runs r WHERE (@project IS NULL OR project = @project) AND (@plan IS NULL OR plan = @plan)
       AND NOT EXISTS (SELECT 1 FROM runs n WHERE n.project = r.project AND n.plan = r.plan AND n.title = r.title AND n.rowid > r.rowid)
     ORDER BY rowid DESC LIMIT @limit`,
  );
  const ofTitle = db.prepare<[string, string], RunRow>(
    `SELECT ${columns} FROM runs WHERE project = ? AND title = ? ORDER BY rowid DESC`,
  );
  const count = db.prepare<[string, string], { count: number }>(
    'SELECT count(*) AS count FROM runs WHERE project = ? AND plan = ? AND started_at IS NOT NULL',
  );

  return {
    /** Writes what a step changed of an agent onto the row of its run. */
    stand(tree: PlanTree, { state, context }: AgentStand, at: number): void {
      if (context.run === null) return;
      const parsed = parseTree(tree);
      if (parsed.kind !== 'plan') return;
      const { project, plan } = parsed;
      const key = effectKey(tree, context.run);
      const attempt = context.failures + 1;
      const { changes } = upsert.run(
        key,
        project,
        plan,
        context.run,
        context.title,
        context.role,
        attempt,
        states[state] ?? state,
        hasEnded(state) ? context.reason : null,
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
    read: (key: string): RunRow | null => read.get(key) ?? null,
    byToken: (token: string): RunRow | null => byToken.get(token) ?? null,
    /** One row for each agent: its last run. */
    latest: ({ project, plan, limit = 1_000 }: { project?: string; plan?: string; limit?: number }): RunRow[] =>
      latest.all({ project: project ?? null, plan: plan ?? null, limit }),
    ofTitle: (project: string, title: string): RunRow[] => ofTitle.all(project, title),
    /** Runs of a plan that really began. */
    countStarted: (project: string, plan: string): number => count.get(project, plan)?.count ?? 0,
  };
}
