import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { faultPoints } from '../../runtime/engine/engine.ts';
import { seedOf } from '../support/crash.ts';
import { runsOf } from '../support/drawn.ts';
import { ground, planText } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';
import { live, liveHere, pausedHome, read } from '../support/killed-engine.ts';
import { randomOf } from '../support/random.ts';

const firstItems = 6;
/** The number that arrive before each life that is killed at any moment. */
const laterItems = 3;

/** Only a tracker gets reports about an item. */
const ofEachItem = faultPoints.filter((each) => each.startsWith('intake.') && each !== 'intake.after-report');

/** A home with a folder of documents and a paused queue: plans start, but no agent does. */
async function laid(): Promise<Ground & { folder: string }> {
  const on = ground();
  const folder = join(on.root, 'inbox');
  mkdirSync(folder);
  mkdirSync(on.home, { mode: 0o700 });
  await pausedHome(on);
  const table = `source = "folder"\nproject = "demo"\nfolder = "${folder}"\nopen = 1000\nper_hour = 1000\n`;
  writeFileSync(join(on.home, 'daemon.toml'), `blueprint_skip_threshold = 0\n[intake.inbox]\n${table}`);
  for (let number = 1; number <= firstItems; number += 1) arrive(folder, number);
  return { ...on, folder };
}

const nameOf = (number: number) => `item-${String(number).padStart(3, '0')}`;
const titleOf = (name: string) => name.replace('item-', 'Item ');

function arrive(folder: string, number: number): void {
  const name = nameOf(number);
  writeFileSync(join(folder, `${name}.md`), planText(['true']).replace('A plan', titleOf(name)));
}

const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).map((name) => name.slice(31)) : []);

/** In a last life, each item became one plan that was started once, and its file lies in `taken`. `end` ends that life. */
async function expectEachOnce(
  on: Ground & { folder: string },
  { itemCount, end }: { itemCount: number; end: () => unknown },
): Promise<void> {
  const started = () =>
    read<{ item: string }>(on.home, 'SELECT item FROM intake_items WHERE started_at IS NOT NULL').length;
  const taken = () => namesIn(join(on.folder, 'taken')).sort();
  const isOver = () => started() === itemCount && taken().length === itemCount;
  await until(isOver, () => `started: ${started()}; taken: ${taken()}`);
  const names = Array.from({ length: itemCount }, (_, index) => nameOf(index + 1));
  const plans = read<{ title: string }>(on.home, 'SELECT title FROM plans ORDER BY title');
  expect(plans.map(({ title }) => title)).toEqual(names.map(titleOf));
  const starts = read<{ plan: string }>(
    on.home,
    `SELECT plan FROM signals WHERE type IN ('implement_start', 'plan_start') ORDER BY plan`,
  );
  expect(starts.map(({ plan }) => plan)).toEqual(names);
  expect(taken()).toEqual(names.map((name) => `${name}.md`));
  expect(namesIn(join(on.folder, '.taking'))).toEqual([]);
  await end();
}

it('an engine that is killed at each point, and then at any moment, makes one plan of each item', async () => {
  const on = await laid();
  for (const point of ofEachItem)
    for (const nth of [1, 2]) expect(await live(on, { fault: { point, nth } }).ended, point).toBe('SIGKILL');
  const random = randomOf(seedOf('intake'));
  let itemCount = firstItems;
  for (let lives = 0; lives < runsOf(40, 2); lives += 1) {
    for (let more = 0; more < laterItems; more += 1) {
      itemCount += 1;
      arrive(on.folder, itemCount);
    }
    const life = live(on);
    await life.up;
    // A document counts as complete after 250 ms: an earlier kill meets only what the life before it left.
    await delay(200 + random() * 400);
    await life.kill();
  }
  const last = await liveHere(on);
  await expectEachOnce(on, { itemCount, end: last.stop });
});

it('an engine that is killed at each point makes one plan of a time of a schedule', async () => {
  const on = await laid();
  const table = 'source = "schedule"\nproject = "demo"\nschedule = "0 3 * * *"\nmessage = "```sh\\ntrue\\n```"\n';
  writeFileSync(join(on.home, 'daemon.toml'), `[intake.nightly]\n${table}`);
  const first = await liveHere(on, { at: '2030-01-02T12:00:00Z' });
  const marks = () => read<{ reached_at: number }>(on.home, 'SELECT reached_at FROM intake_marks');
  await until(() => marks().length === 1);
  await first.stop();
  const due = '2030-01-03T03:00:01Z';
  for (const point of ofEachItem) expect(await live(on, { fault: { point, nth: 1 }, at: due }).ended).toBe('SIGKILL');
  const last = await liveHere(on, { at: due });
  const started = () => read<{ item: string }>(on.home, 'SELECT item FROM intake_items WHERE started_at IS NOT NULL');
  await until(() => started().length > 0);
  await last.stop();
  expect(read(on.home, 'SELECT item FROM intake_items')).toEqual([{ item: '2030-01-03T03:00:00.000Z' }]);
  expect(read(on.home, 'SELECT plan FROM plans')).toEqual([{ plan: 'nightly-2030-01-03-0300' }]);
  expect(read(on.home, 'SELECT plan FROM issues')).toEqual([{ plan: 'nightly-2030-01-03-0300' }]);
  expect(read(on.home, "SELECT plan FROM signals WHERE type = 'implement_start'")).toHaveLength(1);
  expect(marks()).toEqual([{ reached_at: Date.parse('2030-01-03T03:00:00Z') }]);
});
