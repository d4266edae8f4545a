/** Another program that locks a database: `<file>` is locked exclusively, `locked` is printed, and the lock is held until the input ends. */
import BetterSqlite3 from 'better-sqlite3';

const db = new BetterSqlite3(process.argv[2], { timeout: 5_000 });
db.exec('BEGIN EXCLUSIVE');
process.stdout.write('locked\n');
process.stdin.on('end', () => db.close());
process.stdin.resume();
