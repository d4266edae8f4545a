/**
 * Loaded before the program (`--import`): kills this process right after its nth step, a commit of its store or a change of a file. `STATOR_TEST_KILL` is
 * JSON: `{nth, since, count}`; steps count from when the file `since` is there; one byte a step is added to the file `count`.
 */
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';

const { nth, since, count } = JSON.parse(process.env.STATOR_TEST_KILL);
const { existsSync, openSync, writeSync } = fs;
const counted = count === undefined ? null : openSync(count, 'a');
let seen = 0;

function step() {
  if (since !== undefined && !existsSync(since)) return;
  seen += 1;
  if (counted !== null) writeSync(counted, '.');
  if (seen === nth) process.kill(process.pid, 'SIGKILL');
}

for (const name of ['writeFileSync', 'renameSync', 'linkSync', 'mkdtempSync', 'copyFileSync', 'rmSync']) {
  const own = fs[name];
  fs[name] = (...args) => {
    const answer = own(...args);
    step();
    return answer;
  };
}
syncBuiltinESMExports();

const BetterSqlite3 = createRequire(import.meta.url)('better-sqlite3');
const { prepare } = BetterSqlite3.prototype;
BetterSqlite3.prototype.prepare = function prepared(sql) {
  const statement = prepare.call(this, sql);
  if (sql !== 'COMMIT') return statement;
  const { run } = statement;
  statement.run = (...args) => {
    const answer = run.apply(statement, args);
    step();
    return answer;
  };
  return statement;
};
