import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import type { IntakeTried } from '../../runtime/engine/engine.ts';
import { mustBeOwn } from '../../runtime/work/intake/own-path.ts';
import {
  gate,
  ground,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';

interface Inbox {
  readonly on: Ground;
  readonly folder: string;
  /** Writes a file with an old modification time. */
  drop(name: string, text: string): void;
  start(keys?: string): Promise<TestEngine>;
}

function inbox(): Inbox {
  const on = ground();
  const folder = join(on.root, 'inbox');
  mkdirSync(folder);
  return {
    on,
    folder,
    drop(name, text) {
      writeFileSync(join(on.root, name), text);
      renameSync(join(on.root, name), join(folder, name));
    },
    start: (keys = '') =>
      startEngine({
        on,
        intakeLookMs: 50,
        daemon: `${waves}[intake.inbox]\nsource = "folder"\nproject = "demo"\nfolder = "${folder}"\n${keys}`,
      }),
  };
}

function takenIn(folder: string): string[] {
  const taken = join(folder, 'taken');
  return existsSync(taken) ? readdirSync(taken).map((name) => name.replace(/^msg_[0-9a-z]{26}\./, '')) : [];
}

async function untilTaken({ client }: TestEngine, count: number): Promise<void> {
  const look = async () => (await client.intake({ name: 'inbox' })).items.filter((item) => item.started_at !== null);
  await until(
    async () => (await look()).length === count,
    async () => JSON.stringify(await client.intake({ name: 'inbox' })),
  );
}

function wordsOf({ items }: IntakeTried): string[] {
  return items.map(({ state, title, plan }) => `${state} ${title} ${plan}`);
}

it('a document in the folder becomes a plan, is carried out, and lies in taken', async () => {
  const { folder, drop, start } = inbox();
  drop('login.md', planText(['echo 1 > one.txt']));
  const engine = await start();
  await untilTaken(engine, 1);
  await untilStatus(engine, 'login', 'done');
  await until(() => takenIn(folder).length > 0);
  expect(takenIn(folder)).toEqual(['login.md']);
  expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual(['taken']);
  expect(await engine.client.intakes()).toMatchObject([{ name: 'inbox', source: 'folder', taken: 1, open: 0 }]);
});

it('the same text again is a new item, under a free name', async () => {
  const { drop, start } = inbox();
  const text = planText(['echo 1 > one.txt']);
  drop('login.md', text);
  const engine = await start('start = false\n');
  await untilTaken(engine, 1);
  drop('login.md', text);
  await untilTaken(engine, 2);
  const plans = await engine.client.plans('demo');
  expect(plans.map(({ plan, status }) => `${plan} ${status}`).sort()).toEqual(['login ready', 'login-2 ready']);
});

it('a try says what would come, what waits and what is left, and changes nothing', async () => {
  const { folder, drop, start } = inbox();
  drop('a.md', planText(['true']));
  drop('broken.md', '# Broken\n\n## Wave 1\n\n### Task 1: one\n\n### Task 1: one again\n');
  drop('settings.json', '{"a": 1}');
  const engine = await start('enabled = false\nopen = 1\n');
  const before = readdirSync(folder).sort();
  const tried = await engine.client.tryIntake({ name: 'inbox' });
  expect(wordsOf(tried).sort()).toEqual(['comes A plan a', 'left broken.md null', 'left settings.json null']);
  expect(tried.items.find(({ title }) => title === 'broken.md')?.reason).toMatch(/^line \d+: /);
  drop('b.md', planText(['true']));
  expect(wordsOf(await engine.client.tryIntake({ name: 'inbox' })).filter((word) => /^[cw]/.test(word))).toEqual([
    'comes A plan a',
    'waits A plan b',
  ]);
  expect(readdirSync(folder).sort()).toEqual([...before, 'b.md'].sort());
  expect(await engine.client.plans('demo')).toEqual([]);
});

it('a file that is not a valid plan stays where it is, hides no other, and is taken when it is corrected', async () => {
  const { folder, drop, start } = inbox();
  for (let number = 0; number < 100; number += 1) drop(`settings-${number}.json`, '{"a": 1}');
  drop('late.md', '# Late\n\n## Wave 1\n\n### Task 1: one\n\n### Task 1: one again\n');
  drop('good.md', planText(['true']));
  const engine = await start('start = false\n');
  await untilTaken(engine, 1);
  expect(existsSync(join(folder, 'late.md'))).toBe(true);
  drop('late.md', planText(['true']));
  await untilTaken(engine, 2);
  expect((await engine.client.plans('demo')).map(({ plan }) => plan).sort()).toEqual(['good', 'late']);
});

it('a document whose name is that of a task gets another one, and delays no other', async () => {
  const { drop, start } = inbox();
  drop('login-w1-t1.md', planText(['true']));
  drop('other.md', planText(['true']));
  const engine = await start('start = false\n');
  await untilTaken(engine, 2);
  expect((await engine.client.plans('demo')).map(({ plan }) => plan).sort()).toEqual(['login-w1-t1-2', 'other']);
});

it('an item that cannot become a plan delays no other, and the status names it', async () => {
  const { folder, drop, start } = inbox();
  drop('first.md', planText(['true']));
  // An earlier one cannot be moved to the place of those that are taken.
  mkdirSync(join(folder, '.taking'));
  const taken = 'msg_01j00000000000000000000000.stuck.md';
  writeFileSync(join(folder, '.taking', taken), planText(['true']));
  mkdirSync(join(folder, 'taken', taken, 'in-the-way'), { recursive: true });
  const engine = await start('start = false\n');
  await untilTaken(engine, 2);
  expect((await engine.client.plans('demo')).map(({ plan }) => plan).sort()).toEqual(['first', 'stuck']);
  await until(async () =>
    (await engine.client.warnings()).some((line) => line.startsWith('intake inbox does not work')),
  );
});

it('the next one waits until fewer plans are open', async () => {
  const { on, drop, start } = inbox();
  const goes = join(on.root, 'goes');
  drop('first.md', planText([`${gate(goes)}; echo 1 > one.txt`]));
  const engine = await start('open = 1\n');
  await untilTaken(engine, 1);
  drop('second.md', planText(['echo 2 > two.txt']));
  const tried = await engine.client.tryIntake({ name: 'inbox' });
  expect(tried).toMatchObject({ room: 0, room_reason: '1 of its plans are not over, and open = 1' });
  expect(wordsOf(tried)).toEqual(['waits A plan second']);
  openGate(goes);
  await untilStatus(engine, 'first', 'done');
  await untilTaken(engine, 2);
  await untilStatus(engine, 'second', 'done');
});

it('no more become plans within an hour than may', async () => {
  const { drop, start } = inbox();
  for (const name of ['a', 'b']) drop(`${name}.md`, planText(['true']));
  const engine = await start('per_hour = 1\nstart = false\n');
  await untilTaken(engine, 1);
  expect(await engine.client.tryIntake({ name: 'inbox' })).toMatchObject({
    room: 0,
    room_reason: '1 items became plans within an hour, and per_hour = 1',
    items: [{ state: 'waits' }],
  });
});

it('no more become plans while those of a day have cost what they may', async () => {
  const { on, drop, start } = inbox();
  drop('first.md', planText(['echo 1 > one.txt']));
  const first = await start('budget = 5\n');
  await untilTaken(first, 1);
  await untilStatus(first, 'first', 'done');
  expect(await first.client.tryIntake({ name: 'inbox' })).toMatchObject({ room: 3 });
  await first.engine.stop();
  // Its program reports no cost.
  const db = new BetterSqlite3(join(on.home, 'taskstore.db'));
  db.prepare('UPDATE runs SET cost_usd = 6 WHERE key = (SELECT min(key) FROM runs)').run();
  db.close();
  const engine = await start('budget = 5\n');
  drop('second.md', planText(['true']));
  expect(await engine.client.tryIntake({ name: 'inbox' })).toMatchObject({
    room: 0,
    room_reason: 'its plans cost $6.00 within a day, and budget = 5',
    items: [{ state: 'waits' }],
  });
  expect(await engine.client.intake({ name: 'inbox' })).toMatchObject({ budget_usd: 5, spent_usd: 6 });
});

it('a folder in which others could start agents is refused, and the status says so', async () => {
  const { on, folder, start } = inbox();
  const engine = await start();
  chmodSync(folder, 0o777);
  await expect(engine.client.tryIntake({ name: 'inbox' })).rejects.toMatchObject({
    code: 'bad_config',
    message: `the folder ${folder} may be written by other users`,
  });
  chmodSync(folder, 0o755);
  const inRepo = join(on.repo, 'plans');
  mkdirSync(inRepo);
  const file = join(on.home, 'daemon.toml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(folder, inRepo));
  await engine.client.reload();
  await expect(engine.client.tryIntake({ name: 'inbox' })).rejects.toThrow(/is in the repo demo/);
  const text = /^intake inbox does not work: .*is in the repo demo.*stator intake show inbox$/;
  await until(async () => (await engine.client.warnings()).some((line) => text.test(line)));
});

it('what starts agents is its user’s alone, wherever links lead', async () => {
  const { root } = ground();
  const [shop, beside, link] = [join(root, 'shop'), join(root, 'shop-plans'), join(root, 'link')];
  for (const folder of [join(shop, 'plans'), beside]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  symlinkSync(shop, link);
  symlinkSync(join(shop, 'plans'), join(root, 'elsewhere'));
  const found = async (path: string, repo = shop) =>
    mustBeOwn({ path, is: 'folder' }, { all: () => [{ project: 'shop', path: repo }] }).then(
      () => 'own',
      ({ message }: Error) => message.slice(`the folder ${path} `.length),
    );
  expect([await found(beside), await found(beside, link), await found(root)]).toEqual(['own', 'own', 'own']);
  const inRepo = 'is in the repo shop: who can push to that could start agents';
  for (const path of [shop, join(shop, 'plans'), join(root, 'elsewhere')])
    expect([path, await found(path), await found(path, link)]).toEqual([path, inRepo, inRepo]);
  chmodSync(beside, 0o775);
  expect(await found(beside)).toBe('may be written by other users');
  chmodSync(beside, 0o755);
  if (process.getuid?.() === 0) chownSync(beside, 65_534, 65_534);
  expect(await found(beside)).toBe(process.getuid?.() === 0 ? 'belongs to another user' : 'own');
});

it('a repo may not say where plans come from', async () => {
  const { on, start } = inbox();
  mkdirSync(join(on.repo, '.stator'));
  writeFileSync(join(on.repo, '.stator', 'config.toml'), '[intake.own]\nsource = "folder"\n');
  await expect(start()).rejects.toMatchObject({
    code: 'bad_config',
    message: expect.stringContaining('intake belongs only in daemon.toml'),
  });
});

it('a plan that its repo cannot start says why, and starts later', async () => {
  const { drop, start } = inbox();
  const engine = await start();
  await engine.client.revokeTrust({ project: 'demo' });
  drop('login.md', planText(['echo 1 > one.txt']));
  const warned = async () => (await engine.client.warnings()).filter((line) => line.includes('intake inbox'));
  await until(async () => (await warned()).length > 0);
  expect(await engine.client.plans('demo')).toEqual([]);
  await engine.client.trustRepo({ project: 'demo' });
  await untilTaken(engine, 1);
  await untilStatus(engine, 'login', 'done');
});

it('an intake that is not configured is not found', async () => {
  const { start } = inbox();
  const { client } = await start();
  await expect(client.intake({ name: 'other' })).rejects.toMatchObject({ code: 'not_found' });
});
