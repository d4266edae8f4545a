/** The store copied from SQLite into PostgreSQL and back: what is in it, when it may not be, and that a plan goes on from the copy. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, expect, it } from 'vitest';
import { startPostgres } from '../../scripts/postgres.ts';
import { planOf } from '../support/cli.ts';
import { daemonGround, shAgents } from '../support/daemon.ts';
import { git, until } from '../support/ground.ts';

const server = await startPostgres();
afterAll(() => server.stop());
let databases = 0;

async function emptyDatabase(): Promise<string> {
  databases += 1;
  await server.createDatabase(`t${databases}`);
  return server.urlOf(`t${databases}`);
}

/** Every row of every table; of tables without a number of their own, with the one that SQLite gives. */
function rowsOf(file: string): Record<string, unknown[]> {
  const db = new BetterSqlite3(file, { readonly: true });
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'written_by'")
    .pluck()
    .all() as string[];
  const rows = tables.map((table) => {
    const hasNumber = ['plans', 'runs', 'launches'].includes(table) ? 'rowid, ' : '';
    return [table, db.prepare(`SELECT ${hasNumber}* FROM ${table} ORDER BY 1, 2`).all()] as const;
  });
  const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").all();
  db.close();
  return { ...Object.fromEntries(rows), triggers };
}

/** A home in which plans have been at work, one still is to begin, and another program has left a row. */
async function worked() {
  const made = daemonGround();
  made.write('.stator/config.toml', shAgents);
  made.write('p.md', planOf(['echo one > one.txt', 'exit 1']));
  made.write('later.md', planOf(['echo later > later.txt', 'echo more > more.txt']));
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'plans');
  made.env.STATOR_STORE = await emptyDatabase();
  await made.stator(['daemon', 'start']);
  await made.stator(['plan', 'register', 'p.md', '--trust', '--start']);
  await made.stator(['plan', 'register', 'later.md', '--trust']);
  await until(async () => (await made.client().plan('demo', 'p')).phase === 'wave_waiting');
  return { ...made, file: join(made.home, 'taskstore.db') };
}

it('everything is copied, there and back, and a plan goes on from the copy', async () => {
  const { stator, home, file, env, configure, client } = await worked();
  const running = await stator(['store', 'copy', '--to', 'env:STATOR_STORE']);
  expect(running, 'while a daemon runs').toMatchObject({ code: 69 });
  expect((await stator(['daemon', 'stop'])).code).toBe(0);
  const db = new BetterSqlite3(file);
  db.prepare("INSERT INTO signals (project, plan, type) VALUES ('demo', 'later', 'implement_start')").run();
  db.close();

  const there = await stator(['store', 'copy', '--to', 'env:STATOR_STORE', '--json']);
  expect(there.code, there.stderr).toBe(0);
  expect(JSON.parse(there.stdout)).toMatchObject({ from: file, verified: { ok: true } });
  expect(there.stdout + there.stderr).not.toContain('not-to-be-shown');
  expect(await stator(['store', 'copy', '--to', 'env:STATOR_STORE']), 'twice').toMatchObject({ code: 1 });

  configure(`store = "env:STATOR_STORE"\n${shAgents}`);
  const back = join(home, '..', 'back.db');
  expect(await stator(['store', 'copy', '--to', back])).toMatchObject({ code: 0 });
  expect(rowsOf(back)).toEqual(rowsOf(file));

  // The row that the other program left is taken now, and numbers go on where they were.
  expect((await stator(['daemon', 'start'])).code).toBe(0);
  await until(async () => (await client().plan('demo', 'later')).status === 'done');
  expect((await stator(['plan', 'advance', 'p', 'cancel', '--yes'])).code).toBe(0);
  expect(JSON.parse((await stator(['plan', 'verify', '--all', '--json'])).stdout)).toMatchObject({ ok: true });
  expect((await stator(['daemon', 'stop'])).code).toBe(0);

  // In another database the repos belong to the hosts that have them.
  env.STATOR_STORE_OTHER = await emptyDatabase();
  expect(await stator(['store', 'copy', '--to', 'env:STATOR_STORE_OTHER'])).toMatchObject({ code: 0 });
  const hosts =
    'SELECT r.project, r.host, h.epoch, p.path FROM repo_hosts r JOIN hosts h ON h.name = r.host JOIN repo_paths p USING (project)';
  const [of, other] = [env.STATOR_STORE ?? '', env.STATOR_STORE_OTHER].map((url) => new URL(url).pathname.slice(1));
  expect(await server.query(other ?? '', hosts)).toEqual(await server.query(of ?? '', hosts));
  expect(await server.query(other ?? '', hosts)).toHaveLength(1);
});

it('a copy that cannot be made leaves nothing behind, and says why', async () => {
  const made = await worked();
  const { stator, root, file, repo, home } = made;
  await stator(['daemon', 'stop']);
  const asked = async (to: string | null, env: NodeJS.ProcessEnv = {}) => {
    const { code, stderr } = await stator(['store', 'copy', ...(to === null ? [] : ['--to', to])], { env });
    expect(stderr).not.toContain('a-secret');
    return `${code} ${stderr.replaceAll(root, '<root>').replace(/localhost:\d+/g, '<host>')}`;
  };
  const other = join(root, 'other.db');
  writeFileSync(other, 'mine');
  const away = new URL(made.env.STATOR_STORE ?? '');
  away.pathname = '/absent';
  const told = [
    await asked(null),
    await asked('postgresql://stator:a-secret@db.lan/stator'),
    await asked('mysql://db.lan/a'),
    await asked('env:NOT_SET'),
    await asked('env:STATOR_STORE', { STATOR_STORE: away.href }),
    await asked(other),
    await asked(file),
    await asked(join(repo, 'nowhere', 'store.db')),
    await asked('env:STATOR_STORE', { STATOR_HOME: join(root, 'empty') }),
  ];
  expect(told.join('\n')).toMatchInlineSnapshot(`
    "64 error: --to is missing
    hint: stator store copy --to env:STATOR_STORE, or --to <file>

    usage: stator store copy [--to <place>]

    64 error: a password on the command line is seen by others
    hint: set a variable to the URL, and say env:NAME

    64 error: this is no URL of a database of PostgreSQL
    hint: accepted: postgresql://host:5432/database, env:NAME, or a file

    78 error: the store: the variable NOT_SET is not set
    hint: set it where this runs, to postgresql://host:5432/database

    78 error: postgresql://<host>/absent lets nobody in: database "absent" does not exist
    hint: see the user, its password and its rights in PostgreSQL: it needs a database that it may create tables in

    1 error: <root>/other.db is there already
    hint: name a file that is not there yet, or move this one away

    1 error: <root>/home/taskstore.db is there already
    hint: name a file that is not there yet, or move this one away

    78 error: <root>/demo/nowhere/store.db cannot be made (ENOENT)
    hint: name a file in a folder that you can write to

    1 error: there is no store at <root>/empty/taskstore.db
    hint: set STATOR_HOME to its home
    "
  `);
  expect(existsSync(join(home, 'taskstore.db.copying'))).toBe(false);
  expect(await server.query(`t${databases}`, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
});
