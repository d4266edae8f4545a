/** A store of kasmos, with the tables and columns that it publishes. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';

const texts = (names: string) => names.split(' ').map((name) => `${name} TEXT NOT NULL DEFAULT ''`);

const taskColumns = [
  ...texts(
    'description branch topic created_at implemented planning_at implementing_at reviewing_at verifying_at done_at',
  ),
  ...texts(
    'execution_phase active_agent_type goal content clickup_task_id linear_issue_id linear_identifier linear_url',
  ),
  ...texts('linear_team_key linear_project_id latest_review_feedback pr_url pr_review_decision pr_check_status'),
  ...texts(
    'pr_create_state pr_create_error pr_create_attempted_at verified_sha verified_base_sha verified_at verified_by',
  ),
  ...texts('stale_verification_reason blocked_reason blocked_source blocked_at'),
  'active_wave INTEGER NOT NULL DEFAULT 0',
  'review_cycle INTEGER NOT NULL DEFAULT 0',
  'pr_create_attempts INTEGER NOT NULL DEFAULT 0',
];

const schema = `
  CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, filename TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ready', ${taskColumns.join(', ')}, UNIQUE (project, filename));
  CREATE TABLE topics (id INTEGER PRIMARY KEY, project TEXT, name TEXT, created_at TEXT, UNIQUE (project, name));
  CREATE TABLE subtasks (id INTEGER PRIMARY KEY, project TEXT, plan_filename TEXT, task_number INTEGER, title TEXT, status TEXT);
  CREATE TABLE pr_reviews (id INTEGER PRIMARY KEY, project TEXT, plan_filename TEXT, review_id INTEGER, review_state TEXT,
    review_body TEXT, reviewer_login TEXT, reaction_posted INTEGER, fixer_dispatched INTEGER, created_at TEXT,
    UNIQUE (project, plan_filename, review_id));
  CREATE TABLE signals (id INTEGER PRIMARY KEY, project TEXT NOT NULL DEFAULT '', plan_file TEXT NOT NULL DEFAULT '',
    signal_type TEXT NOT NULL DEFAULT '', payload TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT 'pending',
    created_at TEXT NOT NULL DEFAULT '', claimed_by TEXT NOT NULL DEFAULT '', claimed_at TEXT NOT NULL DEFAULT '',
    processed_at TEXT NOT NULL DEFAULT '', result TEXT NOT NULL DEFAULT '');
  CREATE INDEX idx_signals_project_status_created_at ON signals (project, status, created_at, id);
  CREATE TABLE audit_events (id INTEGER PRIMARY KEY, kind TEXT, timestamp TEXT, project TEXT, task_file TEXT, message TEXT);
`;

export type KasmosRow = Readonly<Record<string, string | number>> & { readonly filename: string };

/** In WAL mode and left open, as by a running daemon: the last writes are only in the log. */
export function makeKasmosStore(file: string, tasks: readonly KasmosRow[] = []): BetterSqlite3.Database {
  mkdirSync(dirname(file), { recursive: true });
  const db = new BetterSqlite3(file);
  db.pragma('journal_mode = WAL');
  db.pragma('wal_autocheckpoint = 0');
  db.exec(schema);
  for (const task of tasks) {
    const row = { project: 'demo', ...task };
    const names = Object.keys(row);
    db.prepare(`INSERT INTO tasks (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`).run(
      row,
    );
  }
  return db;
}
