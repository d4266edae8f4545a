/**
 * Two hosts over one store in PostgreSQL with the same intake of issues, whose tracker fails, limits, pages, reorders and loses answers at random.
 * Either host is killed at random, and the other one takes its repo over. In the end each issue is one plan, and each state of it was reported once.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { createEngine } from '../../runtime/engine/engine.ts';
import { afterwards, ground } from './engine.ts';
import { git, until } from './ground.ts';
import { clonesFolder, type hostsGround, remoteOf } from './hosts.ts';
import { type Life, live, quiet } from './killed-engine.ts';
import { randomOf } from './random.ts';
import { troubleOf } from './tracker-kills.ts';
import { linearId } from './tracker-linear.ts';
import { startTracker, type TrackerServer, trackerToken } from './tracker-server.ts';
import { trackerTable } from './tracker-site.ts';

const issueCount = 8;

interface Place {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface HostSetup {
  readonly url: string;
  readonly name: string;
  /** The tables of its intakes. */
  readonly intakes: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Makes a home whose daemon.toml names the store and the intakes. */
export function layHost({ url, name, intakes, env }: HostSetup): Place & { readonly repo: string } {
  const on = ground();
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  const host = `store = "env:STATOR_STORE"\n[host]\nname = "${name}"\n${clonesFolder().line}\n`;
  writeFileSync(join(on.home, 'daemon.toml'), `${host}${intakes}`);
  const who = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((role) => [
      [`GIT_${role}_NAME`, 'Ada'],
      [`GIT_${role}_EMAIL`, 'ada@example.com'],
    ]),
  );
  return { ...on, env: { ...on.env, ...who, ...env, STATOR_STORE: url } };
}

/** The first host owns the repo, whose remote lets the other one take it over. No agent starts. */
export async function registerPaused({ home, env, repo }: ReturnType<typeof layHost>): Promise<void> {
  remoteOf({ path: repo });
  git(repo, 'push', '-q', 'origin', 'main');
  const engine = await createEngine({ home, env, log: quiet, waitForHomeMs: 5_000, intakeLookMs: 3_600_000 });
  try {
    await engine.client.addRepo(repo, { trust: true });
    await engine.client.pauseQueue();
  } finally {
    await engine.stop();
  }
}

export async function killTwoHosts(
  { server, emptyStore, database }: Awaited<ReturnType<typeof hostsGround>>,
  { kills, seed }: { kills: number; seed: number },
): Promise<void> {
  const random = randomOf(seed);
  const url = await emptyStore();
  const name = database();
  const ask = async <Row>(text: string) => (await server.query(name, text)) as Row[];
  const tracker = await startTracker('linear');
  afterwards(tracker.stop);
  tracker.pageSize = 3;
  const badDays: TrackerServer['trouble'] = () => {
    tracker.state.isReversed = random() < 0.5;
    return troubleOf('linear', random);
  };
  const add = () => tracker.add({ title: `Issue ${tracker.state.issues.size + 1}`, labels: ['agent'] });
  for (let number = 0; number < issueCount / 2; number += 1) add();
  const table = `${trackerTable(tracker)}open = 100\nper_hour = 1000\nlabels = ["agent"]\ntell = ["comment", "label"]\n`;
  const setup = { url, intakes: `[intake.issues]\n${table}`, env: { TRACKER_TOKEN: trackerToken } };
  const [a, b] = [layHost({ ...setup, name: 'a' }), layHost({ ...setup, name: 'b' })];
  await registerPaused(a);
  const lives = new Map<Place, Life>();
  const start = (place: Place) => void lives.set(place, live(place, { options: { intakeLookMs: 100 } }));
  const down = async (place: Place) => void (await lives.get(place)?.kill());
  afterwards(async () => void (await Promise.all([down(a), down(b)])));
  const ownerNow = async () => (await ask<{ host: string }>('SELECT host FROM repo_hosts'))[0]?.host;
  /** Either host stops for a while. Each fourth time it is the one with the repo, and long enough for a takeover. */
  const killSome = async (count: number, after: () => void) => {
    for (let number = 0; number < count; number += 1) {
      const owner = await ownerNow();
      const isLong = number % 4 === 0;
      const place = (isLong ? owner === 'a' : random() < 0.5) ? a : b;
      await lives.get(place)?.up;
      await delay(200 + random() * 1_500);
      await down(place);
      if (isLong) await until(async () => (await ownerNow()) !== owner);
      else await delay(random() * 1_000);
      start(place);
      after();
    }
  };
  const rows = () => ask<{ state: string; told_at: unknown }>('SELECT item, state, told_at FROM intake_threads');
  const reported = async (state: string) =>
    (await rows()).filter((row) => row.state === state && row.told_at !== null).length;
  const untilReported = (state: string) =>
    until(
      async () => (await reported(state)) === issueCount,
      async () => JSON.stringify([await rows(), await ownerNow(), tracker.asked.slice(-5)]),
    );

  tracker.trouble = badDays;
  for (const place of [a, b]) start(place);
  await killSome(Math.ceil(kills / 2), () => {
    if (tracker.state.issues.size < issueCount) add();
    for (const issue of tracker.state.issues.values())
      if (random() < 0.2) tracker.edit(issue, { title: `Renamed ${issue.number} ${Math.floor(random() * 1000)}` });
  });
  while (tracker.state.issues.size < issueCount) add();
  tracker.trouble = () => null;
  await untilReported('taken');
  // Plans are cancelled while the tracker answers nothing: all reports are due when both hosts start together.
  tracker.trouble = () => ({ status: 502, body: 'Bad Gateway' });
  const port = await lives.get(b)?.up;
  for (const { plan } of await ask<{ plan: string }>('SELECT plan FROM plans')) {
    const body = JSON.stringify({ plan, type: 'cancel', wait_ms: 0 });
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const { status } = await fetch(`http://127.0.0.1:${port}/v1/repos/demo/signals`, sent);
    expect(status).toBe(202);
  }
  await Promise.all([down(a), down(b)]);
  expect(await reported('cancelled')).toBe(0);
  tracker.trouble = badDays;
  for (const place of [a, b]) start(place);
  await killSome(Math.floor(kills / 2), () => {});
  tracker.trouble = () => null;
  await untilReported('cancelled');

  const items = await ask<{ item: string; plan: string }>('SELECT item, plan FROM intake_items');
  const issues = [...tracker.state.issues.values()];
  expect(items.map(({ item }) => item).sort()).toEqual(issues.map(({ id }) => `linear-${linearId(id)}`).sort());
  const plans = await ask<{ plan: string }>('SELECT plan FROM plans WHERE deleted_at IS NULL');
  expect(plans.map(({ plan }) => plan).sort()).toEqual(items.map(({ plan }) => plan).sort());
  for (const issue of issues) {
    const plan = items.find(({ item }) => item === `linear-${linearId(issue.id)}`)?.plan;
    expect(issue.comments.map(({ body }) => body.split('\n')[0])).toEqual([
      `This became the plan \`${plan}\`.`,
      `The work was cancelled (plan \`${plan}\`).`,
    ]);
    expect(issue.labels.sort()).toEqual(['agent', 'stator:cancelled']);
  }
}
