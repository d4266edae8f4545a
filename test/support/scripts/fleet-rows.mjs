/**
 * Another program that writes rows into the inbox: `<taskstore.db> <project> <plans> <everyMs>`. It prints each row's type when it is committed, and
 * tries again if the store is locked. It ends with its input.
 */
import BetterSqlite3 from 'better-sqlite3';

const [file, project, plans, everyMs] = process.argv.slice(2);
const db = new BetterSqlite3(file, { timeout: 2_000 });
const insert = db.prepare('INSERT INTO signals (project, plan, type, payload) VALUES (?, ?, ?, ?)');
let count = 0;

function write() {
  const word = `row-${count}`;
  try {
    insert.run(
      project,
      `p${count % Number(plans)}`,
      count % 2 === 0 ? 'pause' : 'resume',
      JSON.stringify({ body: word }),
    );
  } catch (thrown) {
    if (String(thrown.code).startsWith('SQLITE_BUSY')) return; // the same word again
    throw thrown;
  }
  count += 1;
  process.stdout.write(`${word}\n`);
}

const timer = setInterval(write, Number(everyMs));
process.stdin.on('end', () => {
  clearInterval(timer);
  db.close();
});
process.stdin.resume();
