/**
 * The store of kasmos, read and never written: its files are copied first, since SQLite writes beside a database that it opens. Rows that cannot be read are
 * named with its table and row, and the rest is returned.
 */

import { copyFileSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError, messageOf } from '../../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../../machines/vocabulary/schema-issue.ts';
import { systemCode } from '../../../base/platform/system-code.ts';
import { unbuiltModule } from '../../../base/platform/unbuilt-module.ts';
import { type Database, sqlite } from './db.ts';

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const count = z
  .number()
  .int()
  .nullish()
  .transform((value) => value ?? 0);

/** Older versions lack columns. */
const taskRow = z.object({
  project: z.string().min(1),
  filename: z.string().min(1),
  status: z.string(),
  description: text,
  branch: text,
  topic: text,
  execution_phase: text,
  active_wave: count,
  content: text,
  review_cycle: count,
  latest_review_feedback: text,
  pr_url: text,
  verified_sha: text,
  blocked_reason: text,
  blocked_source: text,
  linear_identifier: text,
  linear_url: text,
  clickup_task_id: text,
});
export type KasmosTask = Readonly<z.infer<typeof taskRow>>;

const subtaskRow = z.object({ project: z.string(), plan_filename: z.string(), status: z.string() });

export interface KasmosStore {
  readonly tasks: readonly KasmosTask[];
  /** By project and plan: its finished pieces, and all. */
  readonly progress: ReadonlyMap<string, { readonly done: number; readonly all: number }>;
  /** Row counts of the tables without a counterpart; 0: none, or no such table. */
  readonly counts: Readonly<Record<(typeof countedTables)[number], number>>;
  /** Signals that kasmos has not handled. */
  readonly waitingSignals: number;
  /** Rows that could not be read: where, and why. */
  readonly broken: readonly { readonly place: string; readonly why: string }[];
}

const countedTables = ['audit_events', 'pr_reviews', 'linear_triggers'] as const;
const finished: ReadonlySet<string> = new Set(['complete', 'done', 'closed']);
const copyTries = 5;
const copyPrefix = 'stator-import-';

/** Throws `not_found`, and `store_unreadable` where it is no database of kasmos. */
export function readKasmosStore(file: string): KasmosStore {
  if (!existsSync(file))
    throw new EngineError(
      'not_found',
      `there is no store of kasmos at ${file}`,
      'name its folder or its file: stator import kasmos ~/.config/kasmos',
    );
  removeLeft();
  const folder = mkdtempSync(join(tmpdir(), `${copyPrefix}${process.pid}-`));
  try {
    const db = new (sqlite())(copied(file, folder));
    try {
      return read(db);
    } finally {
      db.close();
    }
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const message = `${file} cannot be read as a store of kasmos: ${messageOf(cause)}`;
    const hint = 'see whether kasmos itself can read it, or name a copy of it';
    throw unbuiltModule(cause) ?? new EngineError('store_unreadable', message, hint, { cause });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies of reads that were killed. Those of other users, and of live processes, stay. */
function removeLeft(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${copyPrefix}(\\d+)-\\w+$`).exec(name) ?? [];
    if (pid === undefined || isThere(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    if (lstatSync(folder, { throwIfNoEntry: false })?.uid === process.getuid?.())
      rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the process runs, also that of another user, which may not be signalled. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return systemCode(thrown) !== 'ESRCH';
  }
}

/** With its log, which holds what was written last; copied again where kasmos wrote meanwhile. */
function copied(file: string, folder: string): string {
  const to = join(folder, 'taskstore.db');
  const log = `${file}-wal`;
  const look = () =>
    [file, log]
      .map((path) => statSync(path, { throwIfNoEntry: false }))
      .map((stat) => `${stat?.size} ${stat?.mtimeMs}`)
      .join();
  for (let tries = 1; ; tries += 1) {
    const before = look();
    rmSync(`${to}-wal`, { force: true });
    copyFileSync(file, to);
    if (existsSync(log)) copyFileSync(log, `${to}-wal`);
    if (look() === before) return to;
    if (tries === copyTries)
      throw new EngineError('store_locked', `kasmos writes to ${file} all the time`, 'stop it first: kas daemon stop');
  }
}

function read(db: Database): KasmosStore {
  const tables = new Set(db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all());
  if (!tables.has('tasks')) throw new Error('it has no table "tasks"');
  const broken: { place: string; why: string }[] = [];
  const attempt = <Value>(place: string, look: () => Value, without: Value): Value => {
    try {
      return look();
    } catch (thrown) {
      broken.push({ place, why: thrown instanceof z.ZodError ? problemOf(thrown) : messageOf(thrown) });
      return without;
    }
  };
  /** Row by row: a page that is damaged takes none of the others along. */
  const rowsOf = <Row>(table: string, schema: z.ZodType<Row>): Row[] => {
    if (!tables.has(table)) return [];
    const ids = attempt<number[]>(
      `table ${table}`,
      () => db.prepare<[], number>(`SELECT rowid FROM ${table} ORDER BY rowid`).pluck().all(),
      [],
    );
    const row = db.prepare(`SELECT * FROM ${table} WHERE rowid = ?`);
    return ids.flatMap((id) => attempt<Row[]>(`table ${table}, row ${id}`, () => [schema.parse(row.get(id))], []));
  };
  const numberOf = (table: string, where = '') =>
    tables.has(table)
      ? attempt(`table ${table}`, () => Number(db.prepare(`SELECT count(*) FROM ${table} ${where}`).pluck().get()), 0)
      : 0;
  const progress = new Map<string, { done: number; all: number }>();
  for (const { project, plan_filename: plan, status } of rowsOf('subtasks', subtaskRow)) {
    const key = `${project}/${plan}`;
    const { done, all } = progress.get(key) ?? { done: 0, all: 0 };
    progress.set(key, { done: done + (finished.has(status) ? 1 : 0), all: all + 1 });
  }
  return {
    tasks: rowsOf('tasks', taskRow),
    progress,
    counts: Object.fromEntries(countedTables.map((table) => [table, numberOf(table)])) as KasmosStore['counts'], // by its keys
    waitingSignals: numberOf('signals', "WHERE status IN ('pending', 'processing')"),
    broken,
  };
}

function problemOf(error: z.ZodError): string {
  return `it is not as kasmos writes it: ${firstIssueText(error)}`;
}
