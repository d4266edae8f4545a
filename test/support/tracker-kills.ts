/**
 * Issues arrive while their tracker fails, limits, reorders and loses answers at random, and while the engine is killed at random. In the end each
 * issue is one plan, and each state of it was reported once.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { createEngine, type FaultPoint } from '../../runtime/engine/engine.ts';
import { afterwards, ground } from './engine.ts';
import { until } from './ground.ts';
import { live, liveHere, pausedHome, quiet, read } from './killed-engine.ts';
import { randomOf } from './random.ts';
import { linearId } from './tracker-linear.ts';
import { startTracker, type TrackerKind, type TrackerTrouble, trackerToken } from './tracker-server.ts';
import { layTracker, trackerTable } from './tracker-site.ts';

const issueCount = 6;
/** The fault points for kills. */
const points: readonly FaultPoint[] = [
  'intake.after-claim',
  'intake.after-register',
  'intake.after-start',
  'intake.after-report',
];

/** The rate limit answer of each kind. */
function limitOf(kind: TrackerKind): TrackerTrouble {
  if (kind !== 'linear') return { status: 429, headers: { 'retry-after': '1' } };
  const reset = { 'x-ratelimit-requests-remaining': '0', 'x-ratelimit-requests-reset': String(Date.now() + 1_000) };
  const error = { message: 'Rate limit exceeded', extensions: { code: 'RATELIMITED', type: 'ratelimited' } };
  return { status: 400, headers: reset, body: { errors: [error] } };
}

export function troubleOf(kind: TrackerKind, random: () => number): TrackerTrouble {
  const drawn = random();
  if (drawn < 0.05) return { status: 502, body: 'Bad Gateway' };
  if (drawn < 0.1) return 'reset';
  if (drawn < 0.17) return 'lost';
  if (drawn < 0.19) return limitOf(kind);
  return null;
}

export async function killUnderTracker({
  kind,
  kills,
  first = 0,
  seed,
}: {
  kind: TrackerKind;
  kills: number;
  /** The place of the first kill's fault point in the list. The others follow in turn, and after the last one a kill at any time. */
  first?: number;
  seed: number;
}): Promise<void> {
  const random = randomOf(seed);
  const on = ground();
  const tracker = await startTracker(kind);
  afterwards(tracker.stop);
  layTracker(on, tracker);
  await pausedHome(on);
  const message = JSON.stringify('```sh\ntrue\n```'); // what the shell runs as an agent: without it no plan starts
  const table = `${trackerTable(tracker)}open = 100\nper_hour = 1000\nlabels = ["agent"]\nmessage = ${message}\n`;
  writeFileSync(join(on.home, 'daemon.toml'), `[intake.issues]\n${table}tell = ["comment", "label"]\n`);
  const place = { home: on.home, env: { ...on.env, TRACKER_TOKEN: trackerToken } };
  tracker.pageSize = 3;
  tracker.trouble = () => {
    tracker.state.isReversed = random() < 0.5;
    return troubleOf(kind, random);
  };
  const add = () => tracker.add({ title: `Issue ${tracker.state.issues.size + 1}`, labels: ['agent'] });
  for (let number = 0; number < issueCount / 2; number += 1) add();
  const killSome = async (count: number, at: readonly FaultPoint[], after: () => void) => {
    for (let number = 0; number < count; number += 1) {
      const point = at[(first + number) % (at.length + 1)];
      const life = live(place, { fault: point && { point, nth: 1 } });
      await life.up;
      // One life has something to do at its point; of many, the later ones may not.
      if (point !== undefined && count === 1) expect(await life.ended, point).toBe('SIGKILL');
      else await Promise.race([life.ended, delay(50 + random() * 500)]);
      await life.kill();
      after();
    }
  };
  await killSome(Math.ceil(kills / 2), points, () => {
    if (tracker.state.issues.size < issueCount && random() < 0.5) add();
    for (const issue of tracker.state.issues.values())
      if (random() < 0.1) tracker.edit(issue, { title: `Renamed ${issue.number} ${Math.floor(random() * 1000)}` });
  });
  while (tracker.state.issues.size < issueCount) add();
  const badDays = tracker.trouble;
  tracker.trouble = () => null;
  await untilReported(place, 'running');
  await cancelAll(place);
  // The others are reported by lives that are killed.
  expect(reported(place, 'cancelled')).toBeLessThan(issueCount);
  tracker.trouble = badDays;
  await killSome(Math.floor(kills / 2), ['intake.after-report'], () => {});
  tracker.trouble = () => null;
  await untilReported(place, 'cancelled');
  const items = read<{ item: string; plan: string }>(on.home, 'SELECT item, plan FROM intake_items');
  const keyOf = ({ id }: { id: number }) =>
    kind === 'linear' ? `linear-${linearId(id)}` : `${kind === 'jira-server' ? 'jira' : kind}-${id}`;
  const ids = [...tracker.state.issues.values()].map(keyOf).sort();
  expect(items.map(({ item }) => item).sort()).toEqual(ids);
  const plans = read<{ plan: string }>(on.home, 'SELECT plan FROM plans WHERE deleted_at IS NULL');
  expect(plans.map(({ plan }) => plan).sort()).toEqual(items.map(({ plan }) => plan).sort());
  for (const issue of tracker.state.issues.values()) {
    const plan = items.find(({ item }) => item === keyOf(issue))?.plan;
    expect(issue.comments.map(({ body }) => body.split('\n')[0])).toEqual([
      `This became the plan \`${plan}\`.`,
      `Work on it has begun (plan \`${plan}\`).`,
      `The work was cancelled (plan \`${plan}\`).`,
    ]);
    expect(issue.labels.sort()).toEqual(['agent', 'stator:cancelled']);
  }
}

type Place = Parameters<typeof live>[0];

/** Runs one more engine without failures until that state was reported for each issue. */
async function untilReported(place: Place, state: string): Promise<void> {
  const last = await liveHere(place);
  await until(
    () => reported(place, state) === issueCount,
    () => JSON.stringify(threads(place)),
  );
  await last.stop();
}

const threads = ({ home }: Place) =>
  read<{ state: string; told_at: number | null }>(home, 'SELECT * FROM intake_threads');

function reported(place: Place, state: string): number {
  return threads(place).filter((row) => row.state === state && row.told_at !== null).length;
}

/** By an engine that looks at its issues once, when it starts. */
async function cancelAll({ home, env }: Place): Promise<void> {
  const engine = await createEngine({ home, env, log: quiet, intakeLookMs: 3_600_000 });
  try {
    for (const { plan } of await engine.client.plans('demo'))
      await engine.client.send({ project: 'demo', plan, type: 'cancel' });
  } finally {
    await engine.stop();
  }
}
