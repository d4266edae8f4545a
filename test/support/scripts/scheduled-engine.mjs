/**
 * An engine with a machine that has a schedule. Its argument is JSON: `{home, ledger, at, point, nth, until}`: its clock begins at `at`, and it kills itself at the
 * nth time that it comes to `point`. Each tree writes the key of its effect into the ledger. It ends when the tree of that time is over, or with `until` "mark"
 * when its times are looked at.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { setup } from 'xstate';
import { createEngine, defineMachine } from '../../../dist/bin/engine.js';

const { home, ledger, at, point, nth, until } = JSON.parse(process.argv[2]);
let seen = 0;
let isDue = false;
function faults(reached) {
  if (!isDue || reached !== point) return;
  seen += 1;
  if (seen === nth) process.kill(process.pid, 'SIGKILL');
}
const machine = setup({ actions: { write: () => {} } }).createMachine({
  id: 'report',
  initial: 'writing',
  states: { writing: { entry: 'write', on: { written: 'out' } }, out: { type: 'final' } },
});
const report = defineMachine({
  machine,
  schedules: { nightly: { cron: '0 3 * * *', overlap: 'allow' } },
  effects: {
    write: {
      run: async ({ key }) => {
        appendFileSync(ledger, `${key}\n`);
        return { type: 'written' };
      },
    },
  },
});
// The clock stands still until the engine is up, so that a kill falls into the time that is due.
const ahead = Date.parse(at) - Date.now();
const clock = { nowMs: () => (isDue || until === 'mark' ? Date.now() + ahead : Date.parse(at) - 10_000) };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const options = { home, env: process.env, clock, faults, machines: [report], log: silent };
const engine = await createEngine({ ...options, waitForHomeMs: 10_000, intakeLookMs: 20 });
isDue = true;
const id = `nightly-${at.slice(0, 10).replaceAll('-', '')}T0300Z`;
const isOver = async () => {
  if (until !== 'mark')
    return (await engine.machines.report.list()).some((tree) => tree.id === id && tree.status === 'done');
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true });
  try {
    return db.prepare('SELECT 1 FROM intake_marks').get() !== undefined;
  } finally {
    db.close();
  }
};
while (!(await isOver())) await delay(20);
await engine.stop();
process.exit();
