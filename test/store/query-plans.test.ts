/**
 * Rows of ended work stay for months. Statements that scan all of them are few, and are listed here with the reason: no signal to a plan waits for
 * one, and no round of the dispatcher.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { storeFile } from '../../runtime/base/platform/home.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import { createTables } from '../../runtime/core/store/tables/tables.ts';

const growing = ['signals', 'journal', 'effects', 'runs', 'launches', 'notifications'];

/** The beginning of each statement, with `…` for the columns. */
const walking = [
  // A person asks for a limited number, and the newest are read first.
  '… FROM signals WHERE (CAST(@project AS TEXT) IS NULL',
  "… FROM effects WHERE kind = 'hook.deliver' AND (CAST(@project AS TEXT) IS NULL",
  '… FROM runs r WHERE (CAST(@project AS TEXT) IS NULL',
  "SELECT id, COALESCE(tree, 'plan:' || project || '/' || plan) AS tree FROM signals", // a person has a plan verified, or all of them
  "UPDATE signals SET status = 'done', result = '\"stale\"'", // a person deletes a plan
];

/**
 * Reads SQLite's query plan: `SCAN runs`, not `SCAN runs USING INDEX runs_open`. Only the index of timers grows with ended work: a run leaves its own
 * there until the time comes.
 */
function scansOf(db: BetterSqlite3.Database, sql: string): string[] {
  const tableOf = new Map(growing.flatMap((table) => aliases(sql, table).map((alias) => [alias, table])));
  return planOf(db, sql).flatMap((detail) => {
    const [, alias = ''] = /^SCAN (\w+)(?: USING (?:COVERING )?INDEX signals_timed)?$/.exec(detail) ?? [];
    return tableOf.get(alias) ?? [];
  });
}

function planOf(db: BetterSqlite3.Database, sql: string): string[] {
  const names = [...sql.matchAll(/@(\w+)/g)].map(([, name = '']) => name);
  const values = names.length > 0 ? [Object.fromEntries(names.map((name) => [name, 1]))] : [];
  const marks = names.length > 0 ? [] : Array.from(sql.matchAll(/\?/g), () => 1);
  const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values, ...marks);
  return plan.map(({ detail }) => detail);
}

function aliases(sql: string, table: string): string[] {
  const found = [...sql.matchAll(new RegExp(`\\b${table}\\b(?: AS)? ([a-z])\\b`, 'g'))].map(([, alias = '']) => alias);
  return [table, ...found];
}

function statementsOfTables(): string[] {
  const found: string[] = [];
  const unused = () => {
    throw new Error('no statement is used while the tables are made');
  };
  createTables({
    prepare(sql) {
      found.push(sql);
      return { get: unused, all: unused, run: unused };
    },
  });
  return found;
}

it('walks through all that is over for nobody who is in a hurry', () => {
  const home = mkdtempSync(join(tmpdir(), 'stator-plans-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const prepare = vi.spyOn(BetterSqlite3.prototype, 'prepare');
  onTestFinished(() => prepare.mockRestore());
  openStore(home).close();
  const ofStore = prepare.mock.calls.map(([sql]) => sql);
  const statements = new Set([...ofStore, ...statementsOfTables()].map((sql) => sql.trim().replace(/\s+/g, ' ')));
  const isNamed = (sql: string, begin: string) => sql.replace(/^SELECT [\w, ]+(?= FROM)/, '…').startsWith(begin);
  expect(statements.size).toBeGreaterThan(100);
  const db = new BetterSqlite3(storeFile(home));
  onTestFinished(() => void db.close());
  const found = [...statements]
    .filter((sql) => /^(SELECT|UPDATE|DELETE|WITH)/.test(sql))
    .filter((sql) => scansOf(db, sql).length > 0);
  expect(found.filter((sql) => !walking.some((begin) => isNamed(sql, begin)))).toEqual([]);
  expect(walking.filter((begin) => !found.some((sql) => isNamed(sql, begin)))).toEqual([]);
  // A statement that looks for the runs of each plan finds them by the plan: all runs of a day are many.
  const joined = [...statements].filter((sql) => /JOIN runs r ON/.test(sql));
  expect(joined.map((sql) => planOf(db, sql).some((step) => step.includes('INDEX runs_plan')))).toEqual([true, true]);
});
