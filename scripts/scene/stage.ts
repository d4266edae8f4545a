/** The fleet of the pictures, played by a real daemon in a temporary folder, with a clock that only this file moves. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Client, createClient, type PlanShow } from '../../runtime/api/client/client.ts';
import { type Daemon, startDaemon } from '../../runtime/engine/daemon.ts';
import { acts, documentOf, plans, repos, type ScenePlan } from './fleet.ts';

const begunAtMs = Date.parse('2026-03-02T13:00:00Z');
const minuteMs = 60_000;
const pollMs = 50;
/** A scene that takes longer has a fault. */
const patienceMs = 30_000;

const config = `max_agents = 3
max_coordinators = 3
blueprint_skip_threshold = 0

[agents.default]
preset = "claude"
attempts = 2
permissions = "ask"
`;

export interface Stage {
  /** The address of the page. */
  readonly url: string;
  nowMs(): number;
  strike(): Promise<void>;
}

/** Plays the fleet up to the time of the pictures. */
export async function setStage(): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), 'stator-scene-'));
  let nowMs = begunAtMs;
  const daemon = await open(root, { nowMs: () => nowMs });
  const client = createClient(callSocket(daemon.socketPath, undefined), { note: null, close: async () => {} });
  const strike = async () => {
    await daemon.stop({ agents: 'stop' });
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  };
  const pass = (minutes: number) => {
    nowMs += minutes * minuteMs;
  };
  try {
    await until(async () => (await client.status()).waiting === null);
    for (const project of repos) await client.addRepo(makeRepo(root, project), { trust: true });
    await play(client, pass);
    const answer = await callSocket(daemon.socketPath, undefined)('POST', '/v1/inspect', { body: {} });
    const { url } = (await answer.json()) as { url: string };
    return { url, nowMs: () => nowMs, strike };
  } catch (thrown) {
    await strike();
    throw thrown;
  }
}

function open(root: string, clock: { nowMs(): number }): Promise<Daemon> {
  const home = join(root, 'home');
  mkdirSync(home, { mode: 0o700 });
  const script = join(root, 'acts.json');
  writeFileSync(script, JSON.stringify(acts));
  const program = join(root, 'claude');
  const agent = fileURLToPath(new URL('agent.js', import.meta.url));
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${agent}' '${script}'\n`);
  chmodSync(program, 0o755);
  writeFileSync(join(home, 'daemon.toml'), `${config}program = "${program}"\n`);
  const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root, STATOR_SANDBOX: 'off' };
  return startDaemon({ home, env, clock });
}

function makeRepo(root: string, name: string): string {
  const path = join(root, name);
  mkdirSync(path);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: path });
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Ada');
  git('config', 'user.email', 'ada@example.com');
  git('commit', '-q', '--allow-empty', '-m', 'begin');
  return path;
}

/** Plays the plans. Plans that end come first, so that each finds a free slot in its turn. */
async function play(client: Client, pass: (minutes: number) => void): Promise<void> {
  const register = (given: ScenePlan) =>
    client.registerPlan({ project: given.project, plan: given.plan, content: documentOf(given) });
  const send = (given: ScenePlan, type: string) => client.send({ project: given.project, plan: given.plan, type });
  const shows = (given: ScenePlan, isSo: (plan: PlanShow) => boolean) =>
    until(async () => isSo(await client.plan(given.project, given.plan)));
  const is = (given: ScenePlan, status: string) => shows(given, (plan) => plan.status === status);
  const agent = (
    { project }: ScenePlan,
    title: string,
    isSo: (state: string, attempt: number, said: string) => boolean,
  ) =>
    until(async () => {
      const found = (await client.instances({ project })).find((each) => each.title === title);
      return found !== undefined && isSo(found.state, found.attempt, found.last_line ?? '');
    });
  const begin = async (given: ScenePlan) => {
    await register(given);
    pass(1);
    await send(given, 'implement_start');
  };

  for (const given of [plans.dunning, plans.dark]) {
    await begin(given);
    pass(17);
    await is(given, 'done');
  }
  pass(8);
  await begin(plans.ledger);
  await agent(plans.ledger, 'ledger-export-w1-t1', (state) => state === 'running');
  pass(6);
  await send(plans.ledger, 'cancel');
  await is(plans.ledger, 'cancelled');
  await begin(plans.links);
  await agent(plans.links, 'broken-links-w1-t1', (state) => state === 'running');
  pass(4);
  await send(plans.links, 'pause');
  await agent(plans.links, 'broken-links-w1-t1', (state) => state !== 'running' && state !== 'stopping');

  await begin(plans.invoices);
  await agent(plans.invoices, 'invoice-pdf-w1-t2', (state) => state === 'backing_off');
  pass(9);
  await shows(plans.invoices, ({ phase, blocked }) => phase === 'wave_waiting' || blocked !== null);
  await register(plans.taxes);
  await send(plans.taxes, 'implement_start');
  await register(plans.wishlist);

  pass(3);
  await begin(plans.giftCards);
  await shows(plans.giftCards, ({ blocked }) => blocked !== null);
  await begin(plans.facets);
  pass(11);
  await agent(plans.facets, 'search-facets-review-1', (state, _, said) => state === 'running' && said !== '');
  await register(plans.search);
  await send(plans.search, 'plan_start');
  await agent(plans.search, 'search-index-plan', (state, _, said) => state === 'running' && said !== '');

  await begin(plans.webhooks);
  await until(async () =>
    (await client.instances({ project: 'billing' })).some(({ permissions }) => permissions.length > 0),
  );
  pass(2);
  await begin(plans.checkout);
  pass(12);
  await shows(plans.checkout, ({ wave }) => wave === 2);
  await agent(plans.checkout, 'one-page-checkout-w2-t2', (state) => state === 'backing_off');
  await shows(plans.checkout, ({ tasks_done: done }) => done === 3);
  pass(5);
  for (const [title, attempt] of [
    ['one-page-checkout-w2-t1', 1],
    ['one-page-checkout-w2-t2', 2],
  ] as const)
    await agent(plans.checkout, title, (state, at, said) => state === 'running' && at === attempt && said !== '');
  await begin(plans.recommendations);
  await agent(plans.recommendations, 'recommendations-w1-t1', (state) => state === 'queued');
  pass(3);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('the scene never came; see the daemon.log of the folder');
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
