/** Plays a life: with an engine in this process, or with a separate one that is killed and restarted again and again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import { attach } from '../../runtime/engine/attach.ts';
import { createEngine, type Engine } from '../../runtime/engine/engine.ts';
import { carriersOf, kill, readOrEmpty } from './crash.ts';
import { type Ground, git, makeGround } from './ground.ts';
import { type Act, type Life, turnsOf } from './lives-words.ts';
import { fakePrograms } from './program.ts';

export interface Stage extends Ground {
  /** The file with the agents' script. */
  readonly scenario: string;
  /** Makes a file that turns wait for. */
  open(name: string): void;
  /** The number of requested or running effects. */
  openEffects(): Promise<number>;
}

/** An empty PostgreSQL database. */
export interface EmptyDatabase {
  readonly url: string;
  query(text: string): Promise<Record<string, unknown>[]>;
}

/** Asks the present owner of the home. */
type Ask = <T>(use: (client: Client) => Promise<T>) => Promise<T>;

const project = 'demo';
const pollMs = 50;
/** How often a strike looks for its moment: what follows a line of the ledger may take a few milliseconds. */
const strikeMs = 10;
/** A look at a plan takes some milliseconds of processor. What a person acts on stays until they act, so none is missed. */
const lookMs = 250;
/** Far longer than a life takes on a busy machine. */
const lifeLimitMs = 600_000;
const main = fileURLToPath(new URL('../../dist/bin/stator.js', import.meta.url));

/** A repo, a home and a script in a temporary folder, which is always removed afterwards. */
export async function onStage(
  life: Life,
  work: (stage: Stage) => Promise<void>,
  database: EmptyDatabase | null = null,
): Promise<void> {
  const ground = makeGround();
  const { root, repo, home } = ground;
  const scenario = join(root, 'scenario.json');
  try {
    mkdirSync(home, { mode: 0o700 });
    const store = database === null ? '' : 'store = "env:STATOR_STORE"\n';
    writeFileSync(join(home, 'daemon.toml'), `${store}repos = [${JSON.stringify(repo)}]\n${life.daemon}`);
    writeFileSync(scenario, JSON.stringify(life.script));
    if (life.repo !== undefined) {
      mkdirSync(join(repo, '.stator'));
      writeFileSync(join(repo, '.stator', 'config.toml'), life.repo);
      git(repo, 'add', '-A');
      git(repo, 'commit', '-qm', 'config');
    }
    const env = {
      ...ground.env,
      ...(database === null ? {} : { STATOR_STORE: database.url }),
      // For root, claude would not start without walls.
      IS_SANDBOX: '1',
      PATH: `${fakePrograms(root, { FAKE_SCENARIO: scenario, FAKE_RECORD: scenario })}${delimiter}${process.env.PATH ?? ''}`,
    };
    await work({
      ...ground,
      env,
      scenario,
      open: (name) => writeFileSync(join(root, name), ''),
      openEffects: async () =>
        database === null ? openEffects(home) : Number((await database.query(countOpen))[0]?.count),
    });
  } finally {
    for (const pid of carriersOf(`STATOR_HOME=${home}`)) if (pid !== process.pid) kill(pid);
    ground.remove();
  }
}

export async function startHere({ home, env }: Pick<Stage, 'home' | 'env'>): Promise<Engine> {
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return createEngine({ home, env, graceMs: 500, log });
}

/** One engine for the whole life. */
export async function playHere(stage: Stage, life: Life): Promise<void> {
  const engine = await startHere(stage);
  try {
    const ask: Ask = (use) => use(engine.client);
    await begin(ask, life);
    await playPerson(ask, stage, life);
  } finally {
    await engine.stop({ agents: 'stop' });
  }
}

/** Safe to call again. */
export async function begin(ask: Ask, { plan, document, start }: Life): Promise<void> {
  await ask(async (client) => {
    if ((await client.plans(project)).some((entry) => entry.plan === plan)) return;
    await client.registerPlan({ project, plan, content: document });
  });
  await ask((client) => client.send({ project, plan, type: start, dedupeKey: 'the start', waitMs: 0 }));
}

/** Plays the person's actions, and returns when the plan is done and nothing more runs. */
async function playPerson(ask: Ask, { scenario, open, openEffects }: Stage, life: Life): Promise<void> {
  const { plan, person } = life;
  const left = [...person.entries()];
  const untilMs = Date.now() + lifeLimitMs;
  for (;;) {
    const shown = await ask((client) => client.plan(project, plan));
    const [next] = left;
    if (next !== undefined && (await isNow(next[1], shown, { ask, scenario }))) {
      const [index, act] = next;
      const { type, payload, opens } = act;
      await expectSaid(act, shown, ask);
      await ask((client) => client.send({ project, plan, type, payload, dedupeKey: `act ${index}` }));
      if (opens !== undefined) open(opens);
      left.shift();
    } else if (shown.status === 'done' && (await openEffects()) === 0) {
      return;
    } else if (Date.now() > untilMs || isStuck(shown, next?.[1])) {
      throw new Error(`it goes no further:\n${await ask((client) => standOf(client, shown))}\n${ledgerOf(scenario)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** The plan's state and its last lines with their times. */
async function standOf(client: Client, { plan, status, phase, blocked }: PlanShow): Promise<string> {
  const { waiting_for: waiting } = await client.explain(project, plan);
  const lines = await client.history(project, plan);
  const path = lines.map(({ at, actor, event, from, to }) => `${at} ${actor} ${event}: ${from} -> ${to}`);
  return [new Date().toISOString(), JSON.stringify({ status, phase, blocked, waiting }), ...path.slice(-40)].join('\n');
}

/** The ledger without the long texts. */
function ledgerOf(scenario: string): string {
  return readOrEmpty(`${scenario}.ledger`).replace(/"(?:prompt|args|cwd)":(?:"(?:\\.|[^"\\])*"|\[[^\]]*\]),?/g, '');
}

async function isNow(
  { at }: Act,
  shown: PlanShow,
  { ask, scenario }: { ask: Ask; scenario: string },
): Promise<boolean> {
  if ('blocked' in at) return shown.blocked?.source === at.blocked;
  if ('phase' in at) return shown.phase === at.phase;
  if ('waits' in at) return readOrEmpty(`${scenario}.ledger`).includes(`{"word":"waits","title":"${at.waits}"`);
  const instances = await ask((client) => client.instances({ project, plan: shown.plan }));
  return shown.paused && instances.every(({ state }) => !['starting', 'running', 'stopping'].includes(state));
}

async function expectSaid({ says = [] }: Act, { plan }: PlanShow, ask: Ask): Promise<void> {
  if (says.length === 0) return;
  const { waiting_for: waiting } = await ask((client) => client.explain(project, plan));
  for (const text of says) expect(waiting?.detail, 'what the person is told').toContain(text);
}

/** Whether the plan waits for a person who has no action left. */
function isStuck({ blocked, phase, status }: PlanShow, next: Act | undefined): boolean {
  if (next !== undefined)
    return (
      status === 'done' ||
      status === 'cancelled' ||
      (blocked !== null && 'blocked' in next.at && blocked.source !== next.at.blocked)
    );
  return status === 'cancelled' || (blocked !== null && blocked.source !== 'agent') || phase === 'wave_waiting';
}

const countOpen = `SELECT count(*) AS count FROM effects WHERE status IN ('queued', 'running')`;

function openEffects(home: string): number {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true, timeout: 5_000 });
  try {
    return Number(db.prepare(countOpen).pluck().get());
  } finally {
    db.close();
  }
}

/** The engine is killed this long after that number of turns has begun. */
export interface Strike {
  readonly turns: number;
  readonly afterMs: number;
}

/** From well before an agent's first output to well after its last. */
const firstLatestMs = 100;
const latestMs = 900;

/** Spread over the life, each at a random time in its own part. */
export function strikesOf(life: Life, random: () => number, count: number): Strike[] {
  const part = turnsOf(life) / count;
  return Array.from({ length: count }, (_, index) => ({
    turns: Math.max(1, Math.ceil(part * (index + random()))),
    // The first kill comes soon: a short life would end before it.
    afterMs: Math.floor(random() * (index === 0 ? firstLatestMs : latestMs)),
  }));
}

interface Daemon {
  /** Sends SIGKILL to the running process; the next one is started when it has ended. */
  kill(): void;
  /** Stops it, and waits for its end. */
  stop(): Promise<void>;
  said(): string;
}

/** `stator daemon start --foreground`, restarted whenever it was killed, or failed because another process owned the home for a moment. */
function keepDaemon({ env, repo }: Stage): Daemon {
  let said = '';
  let isWanted = true;
  let child: ChildProcess;
  let over: () => void;
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const start = () => {
    child = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], {
      env,
      cwd: repo,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('close', (code, signal) => {
      said += `[${signal ?? code}]\n`;
      // It may have been killed at the end of its life.
      if (isWanted) setTimeout(() => (isWanted ? start() : over()), pollMs);
      else over();
    });
  };
  start();
  return {
    kill: () => kill(child.pid),
    said: () => said,
    stop: () => {
      isWanted = false;
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** The same life with an engine that is killed at those times. Returns the number of kills. */
export async function playKilled(stage: Stage, life: Life, strikes: readonly Strike[]): Promise<number> {
  const daemon = keepDaemon(stage);
  const ask = askAnybody(stage);
  const left = [...strikes];
  const ledger = `${stage.scenario}.ledger`;
  let seen = 0;
  let turns = 0;
  let dueAtMs: number | null = null;
  const watch = setInterval(() => {
    const [next] = left;
    if (next === undefined) return;
    // A look is almost free where the ledger has no new line.
    const size = statSync(ledger, { throwIfNoEntry: false })?.size ?? 0;
    if (size !== seen) {
      seen = size;
      turns = readOrEmpty(ledger)
        .split('\n')
        .filter((line) => line.startsWith('{"word":"start"')).length;
    }
    if (turns < next.turns) return;
    dueAtMs ??= Date.now() + next.afterMs;
    if (Date.now() < dueAtMs) return;
    daemon.kill();
    dueAtMs = null;
    left.shift();
  }, strikeMs);
  try {
    await begin(ask, life);
    await playPerson(ask, stage, life);
    return strikes.length - left.length;
  } catch (thrown) {
    throw new Error(`killed at ${JSON.stringify(strikes)}, with ${left.length} to come\n${daemon.said()}`, {
      cause: thrown,
    });
  } finally {
    clearInterval(watch);
    await daemon.stop();
  }
}

/** A person who repeats a request without an answer. */
function askAnybody({ home, env }: Stage): Ask {
  return async (use) => {
    const untilMs = Date.now() + lifeLimitMs;
    for (;;) {
      const client = await attach(home, env);
      try {
        if (client !== null) return await use(client);
      } catch (thrown) {
        if (!(thrown instanceof EngineError) || !isForNow(thrown)) throw thrown;
      }
      if (Date.now() > untilMs) throw new Error('no engine answers');
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  };
}

/** The engine has ended, or is just starting. */
function isForNow({ code }: EngineError): boolean {
  return code === 'unavailable' || code === 'repo_not_found' || code === 'internal';
}
