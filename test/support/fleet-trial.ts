/**
 * A daemon over three repositories for a given time: agents that crash, hang, conflict, ask and succeed at random, a person who answers now and then,
 * and SIGKILLs in the first part. The second part is one life, in which memory and open files are measured.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import type { PlanEntry } from '../../runtime/api/contract/plans.ts';
import type { Running } from './cli.ts';
import { readOrEmpty } from './crash.ts';
import { expectJournalToReplay, expectRunsToBelong } from './crash-proof.ts';
import { type DaemonGround, daemonGround, makeRepo } from './daemon.ts';
import { killDaemon, rowsOf, startDaemonProcess } from './fleet.ts';
import { git, until } from './ground.ts';
import { processesWith } from './leftovers.ts';
import { randomOf } from './random.ts';

export interface TrialSetup {
  readonly lengthMs: number;
  readonly seed: number;
}

interface Sample {
  readonly atMs: number;
  readonly residentKib: number;
  readonly files: number;
}

export interface TrialFacts {
  /** Permissions that the person granted or denied. */
  readonly answers: number;
  readonly kills: number;
  readonly plans: number;
  readonly runs: number;
  readonly reasons: Record<string, number>;
  /** The growth per minute in the last life, from a line through its samples. */
  readonly slope: { residentKib: number; files: number };
  readonly first: Sample;
  readonly last: Sample;
}

const maxAgents = 4;
/** The number of plans in each repository that are neither done nor cancelled. */
const openPlans = 4;
/** The part of the time in which the daemon is killed again and again. */
const killedPart = 0.4;
/** The memory of a new process says nothing about what it keeps. */
const warmingPart = 0.35;
const agent = join(import.meta.dirname, 'scripts', 'trial-agent.sh');
const asker = join(import.meta.dirname, 'scripts', 'trial-claude.sh');

const config = (seed: number) => `max_agents = ${maxAgents}
max_coordinators = 2
blueprint_skip_threshold = 1
max_review_fix_cycles = 2
[agents.default]
preset = "command"
program = "${agent} ${seed}"
attempts = 2
idle_timeout = "4s"
timeout = "30s"
[agents.fixer]
preset = "claude"
program = "${asker}"
permissions = "ask"
permission_timeout = "6s"
[agents.planner]
enabled = false
`;

export async function tryFleet({ lengthMs, seed }: TrialSetup): Promise<TrialFacts> {
  const random = randomOf(seed);
  const ground = daemonGround(config(seed));
  const repos = [ground.repo, makeRepo(join(ground.root, 'second')), makeRepo(join(ground.root, 'third'))];
  let daemon = await startDaemonProcess(ground);
  for (const repo of repos) await ground.client().addRepo(repo, { trust: true });
  const person = createPerson(ground, repos, random);
  const beganAt = Date.now();
  const since = () => Date.now() - beganAt;
  let kills = 0;
  let nextKillAt = 2_000 + random() * 4_000;
  let samples: Sample[] = [];
  while (since() < lengthMs) {
    if (since() < lengthMs * killedPart && since() > nextKillAt) {
      await killDaemon(daemon);
      kills += 1;
      expectRunsToBelong(ground.home);
      daemon = await startDaemonProcess(ground);
      nextKillAt = since() + 1_000 + random() * 12_000;
      samples = [];
    }
    await person.act();
    samples.push(sampleOf(daemon, since()));
    expect(workersAlive(ground), 'workers that live at once').toBeLessThanOrEqual(maxAgents);
    await delay(250);
  }
  // The last kill comes while all agents work, and the person has gone.
  await killDaemon(daemon);
  daemon = await startDaemonProcess(ground);
  await untilSettled(ground, daemon);
  await expectExplained(ground);
  const facts = { ...factsOf(ground), kills: kills + 1, ...person.facts(), ...trendOf(samples) };
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toMatchObject({ code: 0 });
  await expectConsistent(ground, repos);
  return facts;
}

/** A person who registers, starts, answers, merges and deletes plans, slowly. Refusals are expected; other errors are not. */
function createPerson(ground: DaemonGround, repos: readonly string[], random: () => number) {
  const broken: string[] = [];
  let made = 0;
  let answers = 0;
  const chance = (part: number) => random() < part;
  const projectOf = (repo: string) => repo.slice(repo.lastIndexOf('/') + 1);

  async function tried(word: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (thrown) {
      const isExpected = thrown instanceof EngineError && !['internal', 'bug'].includes(thrown.code);
      if (!isExpected) broken.push(`${word}: ${thrown}`);
    }
  }

  async function register(project: string, others: readonly PlanEntry[]): Promise<void> {
    made += 1;
    const plan = `p${made}`;
    const earlier = others[Math.floor(random() * others.length)];
    const after = earlier !== undefined && chance(0.3) ? [earlier.plan] : [];
    const content = documentOf(random, after);
    await tried('register', () => ground.client().registerPlan({ project, plan, content }));
    await say({ project, plan }, 'implement_start');
  }

  async function say(
    { project, plan }: Pick<PlanEntry, 'project' | 'plan'>,
    type: SignalType,
    payload: object = {},
  ): Promise<void> {
    const sent = { project, plan, type, payload: payload as Record<string, unknown>, waitMs: 5_000 };
    await tried(type, () => ground.client().send(sent));
  }

  async function answer(entry: PlanEntry): Promise<void> {
    const { project, plan, status } = entry;
    if (entry.paused) {
      if (chance(0.2)) await say(entry, 'resume');
    } else if (entry.blocked !== null) {
      if (chance(0.1)) await say(entry, chance(0.85) ? 'resolve' : 'cancel', {});
    } else if (entry.phase === 'wave_waiting') {
      if (chance(0.1)) await say(entry, chance(0.5) ? 'retry_wave' : chance(0.7) ? 'advance_wave' : 'cancel');
    } else if (status === 'ready') {
      await say(entry, 'implement_start');
    } else if (status === 'done' || status === 'cancelled') {
      if (status === 'done' && chance(0.1)) await say(entry, 'merge');
      else if (status === 'cancelled' && chance(0.02)) await say(entry, 'reopen');
      else if (chance(0.03)) await tried('delete', () => ground.client().deletePlan(project, plan));
    } else {
      await disturb(entry);
      if (entry.waiting_for?.kind === 'agent') await permit(entry);
    }
  }

  /** Sometimes nobody answers, and the deadline passes. */
  async function permit({ project, plan }: PlanEntry): Promise<void> {
    for (const { title, permissions } of await ground.client().instances({ project, plan }))
      for (const { id } of permissions) {
        if (!chance(0.3)) continue;
        const word = {
          answer: chance(0.8) ? ('allow' as const) : ('deny' as const),
          permission: id,
          message: 'so be it',
        };
        await tried(word.answer, () => ground.client().answerPermission(project, title, word));
        answers += 1;
      }
  }

  async function disturb(entry: PlanEntry): Promise<void> {
    const { project, plan } = entry;
    if (chance(0.01)) await say(entry, 'pause');
    if (chance(0.01)) {
      const [one] = (await ground.client().instances({ project, plan })).filter(({ state }) => state === 'running');
      if (one !== undefined) await tried('kill', () => ground.client().killInstance({ project, title: one.title }));
    }
  }

  return {
    async act(): Promise<void> {
      for (const repo of repos) {
        const project = projectOf(repo);
        const entries = await ground.client().plans(project);
        const open = entries.filter(({ status }) => status !== 'done' && status !== 'cancelled');
        if (open.length < openPlans) await register(project, entries);
        for (const entry of entries) await answer(entry);
      }
      expect(broken).toEqual([]);
    },
    facts: () => ({ plans: made, answers }),
  };
}

/** One to three waves of one to three tasks. */
function documentOf(random: () => number, after: readonly string[]): string {
  const waves = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, wave) => {
    const tasks = Array.from(
      { length: 1 + Math.floor(random() * 3) },
      (_, task) => `### Task ${task + 1}: piece ${wave + 1}.${task + 1}\n\nDo it.\n`,
    );
    return `## Wave ${wave + 1}\n\n${tasks.join('\n')}`;
  });
  return `# A plan\n\n${after.length > 0 ? `**After:** ${after.join(', ')}\n\n` : ''}${waves.join('\n')}`;
}

function sampleOf({ child }: Running, atMs: number): Sample {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${child.pid}/status`))?.[1];
  if (resident === undefined) throw new Error('the daemon has ended by itself');
  return { atMs, residentKib: Number(resident), files: readdirSync(`/proc/${child.pid}/fd`).length };
}

function trendOf(samples: readonly Sample[]): Pick<TrialFacts, 'slope' | 'first' | 'last'> {
  const warm = samples.slice(Math.floor(samples.length * warmingPart));
  const [first, last] = [warm[0], warm.at(-1)];
  if (first === undefined || last === undefined) throw new Error('the last life was too short to be measured');
  return {
    slope: {
      residentKib: slopeOf(warm, ({ residentKib }) => residentKib),
      files: slopeOf(warm, ({ files }) => files),
    },
    first,
    last,
  };
}

/** The slope of the least squares line, per minute. */
function slopeOf(samples: readonly Sample[], read: (sample: Sample) => number): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const atMs = mean(samples.map((sample) => sample.atMs));
  const value = mean(samples.map(read));
  const square = samples.reduce((sum, sample) => sum + (sample.atMs - atMs) ** 2, 0);
  const product = samples.reduce((sum, sample) => sum + (sample.atMs - atMs) * (read(sample) - value), 0);
  return (product / square) * 60_000;
}

/** Runs of coders and fixers with a live process, found by their environment. */
function workersAlive({ home }: DaemonGround): number {
  const runs = new Set<string>();
  for (const { pid } of agentsOf(home)) {
    const entries = readOrEmpty(`/proc/${pid}/environ`).split('\0');
    const run = entries.find((entry) => entry.startsWith('STATOR_RUN='));
    if (run !== undefined && /^STATOR_ROLE=(coder|fixer)$/m.test(entries.join('\n')))
      runs.add(`${entries.find((entry) => entry.startsWith('STATOR_PROJECT='))} ${run}`);
  }
  return runs.size;
}

function agentsOf(home: string) {
  return processesWith((entries) => entries.includes(`STATOR_HOME=${home}`) && entries.includes('STATOR=1'));
}

/** Waits until nothing runs, and nothing is due except for questions to people. */
async function untilSettled(ground: DaemonGround, { stderr }: Running): Promise<void> {
  const state = () => ({
    effects: rowsOf(ground, `SELECT key, kind, status, error FROM effects WHERE status = 'running'`),
    signals: rowsOf(ground, `SELECT id, type, tree FROM signals WHERE status = 'pending' AND type <> 'timer_due'`),
    backingOff: rowsOf(
      ground,
      `SELECT key, title, state FROM runs WHERE state IN ('starting', 'running', 'stopping', 'backing_off')`,
    ),
    agents: agentsOf(ground.home),
  });
  const isQuiet = () => Object.values(state()).every((list) => list.length === 0);
  let quiet = 0;
  await until(
    async () => {
      quiet = isQuiet() && (await isIdle(ground)) ? quiet + 1 : 0;
      return quiet >= 20;
    },
    () => `${JSON.stringify(state(), null, 1)}\n${stderr()}`,
  );
}

/** No plan continues automatically. */
async function isIdle(ground: DaemonGround): Promise<boolean> {
  const kinds = new Set(['agent', 'back_off', 'retrying', 'engine', 'slot']);
  for (const { waiting_for } of await ground.client().plans())
    if (waiting_for !== null && kinds.has(waiting_for.kind)) return false;
  return true;
}

/** `explain` says of every plan that it has ended, or why it waits. */
async function expectExplained(ground: DaemonGround): Promise<void> {
  const client = ground.client();
  const silent: unknown[] = [];
  for (const { project, plan, status } of await client.plans()) {
    if (status === 'done' || status === 'cancelled' || status === 'ready') continue;
    const { waiting_for } = await client.explain(project, plan);
    if (waiting_for === null || waiting_for.detail === '') silent.push({ project, plan, status, waiting_for });
  }
  expect(silent, 'plans that wait, and nobody says for what').toEqual([]);
  expect(await client.queueStats()).toMatchObject({ running: 0 });
}

function factsOf(ground: DaemonGround) {
  const rows = rowsOf<{ reason: string | null; times: number }>(
    ground,
    'SELECT reason, count(*) AS times FROM runs GROUP BY reason',
  );
  const reasons = Object.fromEntries(rows.map(({ reason, times }) => [reason ?? 'none', times]));
  return { runs: rows.reduce((sum, { times }) => sum + times, 0), reasons };
}

/** The store, the processes and the repositories agree when nothing works. */
async function expectConsistent(ground: DaemonGround, repos: readonly string[]): Promise<void> {
  expect(agentsOf(ground.home), 'processes of agents').toEqual([]);
  expect(rowsOf(ground, `SELECT key, status FROM effects WHERE status = 'running'`)).toEqual([]);
  expect(rowsOf(ground, `SELECT key, state FROM runs WHERE state IN ('starting', 'running', 'stopping')`)).toEqual([]);
  expect(
    rowsOf(
      ground,
      `SELECT id, type, tree, result FROM signals WHERE status = 'failed' AND (result IS NULL OR result LIKE '%"internal"%')`,
    ),
    'signals that no machine could take',
  ).toEqual([]);
  expect(rowsOf(ground, `SELECT plan, fault_signal FROM plans WHERE fault_signal IS NOT NULL`)).toEqual([]);
  expectRunsToBelong(ground.home);
  await expectJournalToReplay(ground.home);
  for (const repo of repos) {
    expect(git(repo, 'status', '--porcelain'), repo).toBe('');
    expect(git(repo, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(
      readdirSync(join(repo, '.git'), { recursive: true }).filter((name) => String(name).endsWith('.lock')),
    ).toEqual([]);
    git(repo, 'fsck', '--no-dangling');
  }
  const log = readFileSync(join(ground.home, 'daemon.log'), 'utf8');
  expect(log.split('\n').filter((line) => /\bbug\b|Unhandled|uncaught/i.test(line))).toEqual([]);
}
