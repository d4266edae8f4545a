/**
 * The rules of the queue, R1 to R12: the previous queue broke each of them. test/cli/issue.test.ts also tests R3 and R11 with twenty processes, and
 * test/crash/points.test.ts tests R10 with kills between claim, start and record of an agent.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { daemonGround, isAlive } from '../support/daemon.ts';
import {
  begin,
  type EngineSetup,
  gate,
  ground,
  openGate,
  planText,
  say,
  script,
  startDaemonHere,
  startEngine,
  type TestEngine,
  untilFile,
  untilPhase,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { killDaemon, startDaemonProcess } from '../support/fleet.ts';
import { git, until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { type Siblings, siblingsIn } from '../support/siblings.ts';

const on = 'git.example.test/acme/shop';

interface Scene {
  readonly engine: TestEngine;
  readonly siblings: Siblings;
  readonly go: string;
}

/** An engine over a repo with a remote, agents that count each other, and the file that lets them continue. */
async function scene(setup: EngineSetup = {}): Promise<Scene> {
  const made = ground();
  git(made.repo, 'remote', 'add', 'origin', `https://${on}.git`);
  const engine = await startEngine({ on: made, daemon: `max_agents = 3\n${waves}`, ...setup });
  return { engine, siblings: siblingsIn(join(engine.root, 'siblings')), go: join(engine.root, 'go') };
}

const task = (script: string) => `do it\n\n\`\`\`sh\n${script}\n\`\`\``;

async function untilAlive({ siblings }: Pick<Scene, 'siblings'>, count: number): Promise<void> {
  await until(
    () => siblings.alive().length === count,
    () => `alive: ${siblings.alive()}`,
  );
}

const states = async ({ engine }: Scene) => (await engine.client.queue()).map(({ state }) => state);

it('R2: while a reviewer runs, all three slots of those who do the work stay usable', async () => {
  const here = await scene({
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: { preset: 'command', program: './review.sh' },
      fixer: { preset: 'sh' },
    },
  });
  const { engine, siblings, go } = here;
  const reviewed = join(engine.root, 'reviewed');
  script(join(engine.repo, 'review.sh'), `echo x > '${join(engine.root, 'reviews')}'\n${gate(reviewed)}`);
  await begin(engine, 'early', planText(['echo a > a.txt']));
  await untilFile(join(engine.root, 'reviews'));
  const work = [1, 2, 3, 4].map((n) => siblings.among(`${gate(go)}\necho ${n} > ${n}.txt`));
  await begin(engine, 'work', planText(work));
  await untilAlive(here, 3);
  expect(await engine.client.queueStats()).toMatchObject({ running: 3, max_agents: 3, pending: 1 });
  openGate(go);
  openGate(reviewed);
  for (const plan of ['early', 'work']) await untilStatus(engine, plan, 'done');
  expect(siblings.most()).toBe(3);
});

it('R3: of eight callers who start a session at the same instant as many get through as slots are free; the others make nothing', async () => {
  const here = await scene();
  const { engine, siblings, go } = here;
  await begin(engine, 'busy', planText([siblings.among(`${gate(go)}\necho a > a.txt`)]));
  await untilAlive(here, 1);
  const message = task(siblings.among(gate(go)));
  const asked = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => engine.client.startIssue({ reference: `${on}#${n}`, message }));
  const ended = await Promise.allSettled(asked);
  const refusals = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(refusals.map(({ code }) => code)).toEqual(Array.from({ length: 6 }, () => 'limit_reached'));
  await untilAlive(here, 3);
  const made = readdirSync(join(engine.repo, '.worktrees')).filter((name) => name.startsWith('git.example.test'));
  expect(made).toHaveLength(2);
  expect(git(engine.repo, 'branch', '--list', 'fix/*').split('\n')).toHaveLength(2);
  expect(await engine.client.issues()).toHaveLength(2);
  openGate(go);
  await until(async () => (await states(here)).every((state) => state !== 'pending' && state !== 'notified'));
});

it('R4: a slot is free only when the last process of its agent has gone, not when the first has', async () => {
  const here = await scene({ daemon: `max_agents = 1\n${waves}` });
  const { engine, siblings, go } = here;
  const left = join(engine.root, 'left');
  // The agent's own process ends at once; its child process lives on.
  const child = script(join(engine.root, 'child.sh'), `echo $$ > '${left}'\n${siblings.among(gate(go))}`);
  await begin(engine, 'first', planText([`echo a > a.txt; '${child}' > /dev/null 2>&1 & exit 0`]));
  await untilFile(left);
  await begin(engine, 'second', planText([siblings.among('echo b > b.txt')]));
  await until(async () => (await engine.client.explain('demo', 'second')).waiting_for?.kind === 'slot');
  expect(await engine.client.queueStats()).toMatchObject({ running: 1, pending: 1 });
  openGate(go);
  for (const plan of ['first', 'second']) await untilStatus(engine, plan, 'done');
  expect(siblings.most()).toBe(1);
});

it('R5: as many begin as slots are free at that moment: one after one end, two after two, all that fit after a new limit', async () => {
  const here = await scene();
  const { engine, siblings } = here;
  const gates = Array.from({ length: 10 }, (_, n) => join(engine.root, `go-${n + 1}`));
  await begin(engine, 'ten', planText(gates.map((file, n) => siblings.among(`${gate(file)}\necho ${n} > ${n}.txt`))));
  const came = async (count: number) => {
    await until(() => siblings.came().length === count);
    await until(async () => (await engine.client.queueStats()).pending === 10 - count);
  };
  /** Ends the agents from the `from`th on. */
  const release = (from: number, to: number) => {
    for (const name of siblings.came().slice(from, to))
      openGate(gates[Number(/t(\d+)\.\d+$/.exec(name)?.[1]) - 1] ?? '');
  };
  await came(3);
  expect((await engine.client.queue()).map(({ state, position }) => [state, position])).toEqual([
    ...[1, 2, 3].map(() => ['notified', null]),
    ...[1, 2, 3, 4, 5, 6, 7].map((position) => ['pending', position]),
  ]);
  release(0, 1);
  await came(4);
  release(1, 3);
  await came(6);
  writeFileSync(join(engine.home, 'daemon.toml'), `max_agents = 5\n${waves}`);
  await engine.client.reload();
  await came(8);
  expect(siblings.alive()).toHaveLength(5);
  // The lower limit is reached when agents end.
  writeFileSync(join(engine.home, 'daemon.toml'), `max_agents = 2\n${waves}`);
  await engine.client.reload();
  release(3, 6);
  await untilAlive(here, 2);
  release(6, 7);
  await came(9);
  expect(siblings.alive()).toHaveLength(2);
  for (const file of gates) openGate(file);
  await untilStatus(engine, 'ten', 'done');
  expect(siblings.most()).toBe(5);
});

it('R6, R12: a start by hand that fails leaves nothing, and is reported once, with attempts left and without; a task whose start fails gives its slot back and is pending until its next attempt', async () => {
  const made = ground();
  const mended = join(made.root, 'mended');
  mkdirSync(join(made.repo, '.stator'));
  const setup = `test -e '${mended}' || { echo no such registry; exit 3; }`;
  writeFileSync(join(made.repo, '.stator', 'config.toml'), `[worktree]\nsetup = "${setup}"\n`);
  git(made.repo, 'remote', 'add', 'origin', `https://${on}.git`);
  const config = (attempts: number) => `${waves}[agents.default]\npreset = "sh"\nattempts = ${attempts}\n`;
  const engine = await startEngine({ on: made, agents: {}, daemon: config(3) });
  const { client } = engine;
  for (const attempts of [3, 1]) {
    writeFileSync(join(engine.home, 'daemon.toml'), config(attempts));
    await client.reload();
    const byHand = client.startIssue({ reference: `${on}#${attempts}`, message: task('true') });
    await expect(byHand).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('setup') });
    const name = `git.example.test-acme-shop-${attempts}`;
    expect((await reportedByAgent(engine))[`${name}-session`]).toBe('queued dequeued error');
    const entry = (await client.queue()).find(({ title }) => title === `${name}-session`);
    expect(entry).toMatchObject({ state: 'error', error: 'start-failed' });
    const messages = (await client.notifications()).map(({ message }) => message);
    expect(messages).toContainEqual(
      expect.stringMatching(`^${name}-session failed: could not start: .*no such registry`),
    );
    expect(existsSync(join(made.repo, '.worktrees', name))).toBe(false);
    expect(git(made.repo, 'branch', '--list', 'fix/*')).toBe('');
    expect([await client.issues(), await client.plans('demo')]).toEqual([[], []]);
  }
  await client.clearQueue();

  writeFileSync(join(engine.home, 'daemon.toml'), config(5));
  await client.reload();
  await begin(engine, 'p', planText(['echo a > a.txt']));
  const seen = new Set<string>();
  await until(async () => {
    const [entry] = await client.queue();
    if (entry !== undefined) seen.add(entry.state);
    return entry?.agent_state === 'backing_off' && entry.attempts === 2;
  });
  expect((await client.queue())[0]).toMatchObject({
    state: 'pending',
    error: 'start-failed',
    waiting_for: { kind: 'back_off', detail: expect.stringContaining('for attempt 3, after start-failed') },
  });
  expect(await client.queueStats()).toMatchObject({ total: 1, pending: 1, error: 0, running: 0 });
  openGate(mended);
  await untilStatus(engine, 'p', 'done');
  expect(await client.queueStats()).toMatchObject({ total: 1, completed: 1, error: 0 });
  expect([...seen].sort()).toEqual(['notified', 'pending']);
});

it('R8: a limit that is reached is no failure: who waits has spent no attempt, and who was refused is not there; a restart obeys it too, and gives its slot to who waits longer', async () => {
  const here = await scene({ daemon: `max_agents = 1\n${waves}` });
  const { engine, siblings, go } = here;
  const work = (name: string) => planText([siblings.among(`${gate(go)}\necho x > ${name}.txt`)]);
  await begin(engine, 'first', work('first'));
  await untilAlive(here, 1);
  await begin(engine, 'second', work('second'));
  const refused = engine.client.startIssue({ reference: `${on}#1`, message: task('true') });
  await expect(refused).rejects.toMatchObject({ code: 'limit_reached', message: expect.stringContaining('1 of 1') });
  await until(async () => (await engine.client.queueStats()).pending === 1);
  const [waits] = (await engine.client.queue()).filter(({ state }) => state === 'pending');
  expect(waits).toMatchObject({ plan: 'second', attempts: 0, position: 1, error: null });
  await engine.client.restartInstance({ project: 'demo', title: 'first-w1-t1' });
  await until(() => siblings.came().includes('demo.second-w1-t1.1'));
  const entry = (await engine.client.queue()).find(({ plan }) => plan === 'first');
  // A restart by a person spends no attempt.
  expect(entry).toMatchObject({ state: 'pending', position: 1, attempts: 0 });
  expect(await engine.client.queueStats()).toMatchObject({ total: 2, running: 1, pending: 1 });
  openGate(go);
  for (const plan of ['first', 'second']) await untilStatus(engine, plan, 'done');
  expect(siblings.came()).toHaveLength(3);
  expect(await engine.client.queueStats()).toMatchObject({ total: 2, completed: 2, error: 0 });
});

it('R9: a task that takes longer than it may is ended with all its processes; its worktree stays, its slot is free', async () => {
  const { clock, pass } = machineClock();
  const here = await scene({
    clock,
    daemon: `max_agents = 1\n${waves}`,
    agents: { default: { preset: 'sh', attempts: 1, timeout: '1h' } },
  });
  const { engine, siblings } = here;
  const pids = join(engine.root, 'pids');
  await begin(
    engine,
    'slow',
    planText([`echo half > half.txt; echo $$ >> '${pids}'; sleep 600 & echo $! >> '${pids}'; wait`]),
  );
  await begin(engine, 'next', planText([siblings.among('echo b > b.txt')]));
  await until(() => existsSync(pids) && readFileSync(pids, 'utf8').trim().split('\n').length === 2);
  await until(async () => (await engine.client.instances({ plan: 'slow' }))[0]?.state === 'running');
  pass(3_600_000);
  await untilPhase(engine, 'slow', 'wave_waiting');
  const { state, reason, worktree } = (await engine.client.instances({ plan: 'slow' }))[0] ?? {};
  expect([state, reason]).toEqual(['failed', 'timeout']);
  for (const pid of readFileSync(pids, 'utf8').trim().split('\n')) expect(isAlive(Number(pid))).toBe(false);
  expect(existsSync(join(worktree ?? '', 'half.txt'))).toBe(true);
  await untilStatus(engine, 'next', 'done');
});

it('R10: a daemon that is killed finds the queue as it was: who works, who waits, and what is paused', async () => {
  const made = daemonGround(`max_agents = 1\n${waves}[agents.default]\npreset = "sh"\nattempts = 1\n`);
  const daemon = await startDaemonProcess(made);
  await made.client().addRepo(made.repo, { trust: true });
  const siblings = siblingsIn(join(made.root, 'siblings'));
  const go = join(made.root, 'go');
  const project = 'demo';
  for (const plan of ['works', 'waits', 'held']) {
    const content = planText([siblings.among(`${gate(go)}\necho x > ${plan}.txt`)]);
    await made.client().registerPlan({ project, plan, content });
  }
  await made.client().pauseQueue({ project, plan: 'held' });
  await made.client().send({ project, plan: 'works', type: 'implement_start' });
  await untilAlive({ siblings }, 1);
  for (const plan of ['waits', 'held']) await made.client().send({ project, plan, type: 'implement_start' });
  const look = async () =>
    (await made.client().queue()).map(({ plan, state, held_by: by, position }) => [plan, state, by, position]);
  const stands = [
    ['works', 'notified', null, null],
    ['waits', 'pending', null, 1],
    ['held', 'pending', 'plan', null],
  ];
  await until(async () => (await made.client().queueStats()).pending === 2);
  expect(await look()).toEqual(stands);
  await killDaemon(daemon);
  const { client } = await startDaemonHere(made);
  expect(await look()).toEqual(stands);
  openGate(go);
  await until(async () => (await client.queueStats()).completed === 2);
  expect(siblings.came()).toEqual(['demo.works-w1-t1.1', 'demo.waits-w1-t1.1']);
  await client.resumeQueue({ project, plan: 'held' });
  await until(async () => (await client.queueStats()).completed === 3);
  expect(siblings.most()).toBe(1);
});

it('R1, R11: six tasks that are enqueued together, and starts by hand from the command line and over the API, keep one limit, and all that began finish', async () => {
  const made = daemonGround(`max_agents = 3\n${waves}[agents.default]\npreset = "sh"\nattempts = 1\n`);
  git(made.repo, 'remote', 'add', 'origin', `https://${on}.git`);
  const { client } = await startDaemonHere(made);
  await client.addRepo(made.repo, { trust: true });
  const siblings = siblingsIn(join(made.root, 'siblings'));
  const go = join(made.root, 'go');
  const message = task(siblings.among(`${gate(go)}; echo a > "$STATOR_TITLE"`));
  const [typed, called, queued] = await Promise.all([
    Promise.all([1, 2].map((n) => made.start(['issue', 'start', `${on}#${n}`, message]).ended)),
    Promise.allSettled([3, 4].map((n) => client.startIssue({ reference: `${on}#${n}`, message }))),
    Promise.all([5, 6, 7, 8, 9, 10].map((n) => client.enqueueIssue({ reference: `${on}#${n}`, message }))),
  ]);
  const begun = [
    ...typed.filter(({ code }) => code === 0),
    ...called.filter(({ status }) => status === 'fulfilled'),
    ...queued,
  ];
  expect(typed.filter(({ code }) => code !== 0 && code !== 2)).toEqual([]);
  await untilAlive({ siblings }, 3);
  openGate(go);
  await until(async () => {
    const { completed, total } = await client.queueStats();
    return completed === begun.length && total === begun.length;
  });
  expect(siblings.came()).toHaveLength(begun.length);
  expect(siblings.most()).toBe(3);
  expect(await client.issues()).toHaveLength(begun.length);
});

/** The notifications about each agent, the oldest first: `queued dequeued started completed`. */
async function reportedByAgent({ client }: TestEngine): Promise<Record<string, string>> {
  const told: Record<string, string> = {};
  for (const { type, message } of (await client.notifications({ all: 'true' })).reverse()) {
    const [title = ''] = message.split(' ');
    if (type.startsWith('task_')) told[title] = `${told[title] ?? ''} ${type.slice('task_'.length)}`.trim();
  }
  return told;
}

it('R7, R12: the third failure is the last; every step of an agent through the queue tells once, in its order, and the last word is that of its state in the queue', async () => {
  const here = await scene({ agents: { default: { preset: 'sh', attempts: 3 } }, daemon: `max_agents = 2\n${waves}` });
  const { engine, siblings, go } = here;
  const held = siblings.among(`${gate(go)}\necho a > "$STATOR_TITLE"`);
  await begin(engine, 'good', planText(['echo a > a.txt']));
  // Words of bubblewrap are the program's own where it has no walls.
  const words = 'bwrap: Creating new namespace failed: Resource temporarily unavailable';
  await begin(engine, 'bad', planText([`${siblings.among('true')}\necho ${words} >&2\nexit 1`]));
  await untilStatus(engine, 'good', 'done');
  await untilPhase(engine, 'bad', 'wave_waiting');
  expect(siblings.came()).toEqual([1, 2, 3].map((attempt) => `demo.bad-w1-t1.${attempt}`));
  expect((await engine.client.instances({ plan: 'bad' }))[0]).toMatchObject({
    state: 'failed',
    attempt: 3,
    reason: 'exit-code',
    last_line: words,
  });
  expect((await engine.client.queue()).filter(({ state }) => state === 'pending')).toEqual([]);
  await begin(engine, 'works', planText([held]));
  await begin(engine, 'killed', planText([held]));
  await untilAlive(here, 2);
  await begin(engine, 'waits', planText([held]));
  await until(async () => (await engine.client.queueStats()).pending === 1);
  // The running plan and the waiting one are cancelled, and a person ends a third agent.
  for (const plan of ['waits', 'works']) await say(engine, plan, 'cancel');
  await engine.client.killInstance({ project: 'demo', title: 'killed-w1-t1' });
  await untilPhase(engine, 'killed', 'wave_waiting');
  // An agent has ended before its plan tells of it.
  await until(async () =>
    Object.values(await reportedByAgent(engine)).every((told) => /(completed|error)$/.test(told)),
  );
  expect(await reportedByAgent(engine)).toEqual({
    'good-w1-t1': 'queued dequeued started completed',
    'bad-w1-t1': 'queued dequeued started dequeued started dequeued started error',
    'works-w1-t1': 'queued dequeued started completed',
    'killed-w1-t1': 'queued dequeued started error',
    'waits-w1-t1': 'queued completed',
  });
  const told = await reportedByAgent(engine);
  for (const { title, state } of await engine.client.queue()) expect(told[title]?.split(' ').at(-1)).toBe(state);
  const messages = (await engine.client.notifications()).map(({ message }) => message);
  expect(messages).toContain('waits-w1-t1 was withdrawn: its work is no longer needed');
  expect(messages).toContain(`bad-w1-t1 failed: ended with an error: ${words}`);
});
