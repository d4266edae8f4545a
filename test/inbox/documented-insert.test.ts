/** The documented insert by the `sqlite3` program, beside a writer. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { working } from '../support/cli.ts';
import { planText } from '../support/engine.ts';
import { until } from '../support/ground.ts';

function hasSqlite(): boolean {
  try {
    execFileSync('sqlite3', ['--version']);
    return true;
  } catch {
    return false;
  }
}

/** The files that the process has open. */
function filesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // it has not begun, or closes one just now
  }
}

it.skipIf(!hasSqlite())(
  'the documented sqlite3 command waits for the transaction of another program, then inserts its row',
  async () => {
    const made = working();
    made.write('login.md', planText(['true']));
    expect((await made.stator(['plan', 'register', 'login.md', '--trust'])).code).toBe(0);
    const page = readFileSync(join(import.meta.dirname, '../../docs/signals.md'), 'utf8');
    const documented = /```sh\n(sqlite3 [\s\S]*?)```/.exec(page)?.[1] ?? '';
    const store = join(made.home, 'taskstore.db');
    const command = documented.replace('~/.config/stator/taskstore.db', `'${store}'`).replace('my-repo', 'demo');
    expect(command).toContain(store);

    const writer = new BetterSqlite3(store);
    writer.exec('BEGIN IMMEDIATE');
    const child = spawn('sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'close');
    await until(async () => filesOf(child.pid ?? 0).some((file) => file.endsWith('taskstore.db-shm')));
    expect(child.exitCode).toBeNull();
    writer.exec('COMMIT');
    expect((await ended)[0]).toBe(0);
    const rows = writer.prepare("SELECT plan, payload FROM signals WHERE type = 'review_changes_requested'").all();
    writer.close();
    expect(rows).toEqual([{ plan: 'login', payload: 'the tests are missing' }]);
  },
);
