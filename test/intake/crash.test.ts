import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type FaultPoint, faultPoints } from '../../runtime/engine/engine.ts';
import { seedOf } from '../support/crash.ts';
import { runsOf } from '../support/drawn.ts';
import { planText } from '../support/engine.ts';
import { type Ground, makeGround, until } from '../support/ground.ts';
import { live as begin, type Life, pausedHome, read } from '../support/intake-life.ts';
import { randomOf } from '../support/random.ts';

const itemCount = 6;

/** Only a tracker is told what becomes of an item. */
const ofEachItem = faultPoints.filter((each) => each.startsWith('intake.') && each !== 'intake.after-telling');

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function live(ground: Ground, fault?: { point: FaultPoint; nth: number }, at?: string): Life {
  const life = begin(ground, fault, at);
  cleanups.push(async () => void (await life.kill()));
  return life;
}

/** A home with a folder of documents. Its queue is paused: plans start, and no agent does. */
async function laid(): Promise<Ground & { folder: string }> {
  const ground = makeGround();
  cleanups.push(ground.remove);
  const folder = join(ground.root, 'inbox');
  mkdirSync(folder);
  mkdirSync(ground.home, { mode: 0o700 });
  await pausedHome(ground);
  const table = `source = "folder"\nproject = "demo"\nfolder = "${folder}"\nopen = 100\nper_hour = 100\n`;
  writeFileSync(join(ground.home, 'daemon.toml'), `blueprint_skip_threshold = 0\n[intake.inbox]\n${table}`);
  for (let number = 1; number <= itemCount; number += 1)
    writeFileSync(join(folder, `item-${number}.md`), planText(['true']).replace('A plan', `Item ${number}`));
  return { ...ground, folder };
}

const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).map((name) => name.slice(31)) : []);

/** Each item is one plan, which was started once, and its file lies in `taken`. */
async function expectEachOnce(ground: Ground & { folder: string }): Promise<void> {
  const last = live(ground);
  const started = () =>
    read<{ item: string }>(ground.home, 'SELECT item FROM intake_items WHERE started_at IS NOT NULL').length;
  const taken = () => namesIn(join(ground.folder, 'taken')).sort();
  const isOver = () => started() === itemCount && taken().length === itemCount;
  await until(isOver, () => `started: ${started()}; taken: ${taken()}`);
  const titles = Array.from({ length: itemCount }, (_, index) => `Item ${index + 1}`);
  const plans = read<{ title: string }>(ground.home, 'SELECT title FROM plans ORDER BY title');
  expect(plans.map(({ title }) => title)).toEqual(titles);
  const starts = read<{ plan: string }>(
    ground.home,
    `SELECT plan FROM signals WHERE type IN ('implement_start', 'plan_start') ORDER BY plan`,
  );
  expect(starts.map(({ plan }) => plan)).toEqual(titles.map((title) => title.toLowerCase().replace(' ', '-')));
  expect(taken()).toEqual(titles.map((title) => `${title.toLowerCase().replace(' ', '-')}.md`));
  expect(namesIn(join(ground.folder, '.taking'))).toEqual([]);
  last.stop();
  expect(await last.ended).toBe('0');
}

for (const point of ofEachItem)
  it(`an engine that is killed at ${point} makes one plan of each item`, async () => {
    const ground = await laid();
    for (const nth of [1, 2]) expect(await live(ground, { point, nth }).ended).toBe('SIGKILL');
    await expectEachOnce(ground);
  });

it('an engine that is killed again and again makes one plan of each item', async () => {
  const ground = await laid();
  const random = randomOf(seedOf('intake'));
  for (let lives = 0; lives < runsOf(40, 5); lives += 1) {
    const life = live(ground);
    await life.up;
    await delay(random() * 400);
    await life.kill();
  }
  await expectEachOnce(ground);
});

it('an engine that is killed at each point makes one plan of a time of a schedule', async () => {
  const ground = await laid();
  const table = 'source = "schedule"\nproject = "demo"\nschedule = "0 3 * * *"\nmessage = "```sh\\ntrue\\n```"\n';
  writeFileSync(join(ground.home, 'daemon.toml'), `[intake.nightly]\n${table}`);
  const first = live(ground, undefined, '2030-01-02T12:00:00Z');
  const marks = () => read<{ reached_at: number }>(ground.home, 'SELECT reached_at FROM intake_marks');
  await first.up;
  await until(() => marks().length === 1);
  first.stop();
  expect(await first.ended).toBe('0');
  const due = '2030-01-03T03:00:01Z';
  for (const point of ofEachItem) expect(await live(ground, { point, nth: 1 }, due).ended).toBe('SIGKILL');
  const last = live(ground, undefined, due);
  const started = () =>
    read<{ item: string }>(ground.home, 'SELECT item FROM intake_items WHERE started_at IS NOT NULL');
  await until(() => started().length > 0);
  last.stop();
  expect(await last.ended).toBe('0');
  expect(read(ground.home, 'SELECT item FROM intake_items')).toEqual([{ item: '2030-01-03T03:00:00.000Z' }]);
  expect(read(ground.home, 'SELECT plan FROM plans')).toEqual([{ plan: 'nightly-2030-01-03-0300' }]);
  expect(read(ground.home, 'SELECT plan FROM issues')).toEqual([{ plan: 'nightly-2030-01-03-0300' }]);
  expect(read(ground.home, "SELECT plan FROM signals WHERE type = 'implement_start'")).toHaveLength(1);
  expect(marks()).toEqual([{ reached_at: Date.parse('2030-01-03T03:00:00Z') }]);
});
