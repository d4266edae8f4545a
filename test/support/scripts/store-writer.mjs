/**
 * Another process at a SQLite file. `<file>`: takes the write lock, prints `locked`, and keeps it until its input ends.
 * `<file> <sql>`: commits that, and dies by SIGKILL with its log not folded in.
 */
import BetterSqlite3 from 'better-sqlite3';

const [file, sql] = process.argv.slice(2);
const db = new BetterSqlite3(file);
if (sql !== undefined) {
  db.exec(sql);
  process.kill(process.pid, 'SIGKILL');
}
db.exec('BEGIN IMMEDIATE');
process.stdout.write('locked\n');
process.stdin.on('end', () => db.close());
process.stdin.resume();
