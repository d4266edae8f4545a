/** A real engine over a temporary repository, with shell scripts as agents; everything is removed after the test. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Client, createClient } from '../../runtime/api/client/client.ts';
import { createEngine, type Engine, type EngineOptions, type PlanShow } from '../../runtime/engine/engine.ts';
import { type Ground, lookAgain, makeGround, until } from './ground.ts';
import { hangMs } from './hang.ts';

type Cleanup = () => Promise<void> | void;

const cleanups: Cleanup[] = [];

afterEach(() => cleanUp(cleanups.splice(0)));

async function cleanUp(called: readonly Cleanup[]): Promise<void> {
  const results = [];
  // If one throws, the others are still called: an engine that continues would disturb the later tests.
  for (const cleanup of called.toReversed())
    results.push(...(await Promise.allSettled([Promise.resolve().then(cleanup)])));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Makes it once for all tests of a file, or of the `describe` in which it is called, and removes it after the last one. */
export function forAll<T>(make: () => Promise<T>): () => T {
  let made: T | undefined;
  let ofAll: Cleanup[] = [];
  beforeAll(async () => {
    try {
      made = await make();
    } finally {
      ofAll = cleanups.splice(0);
    }
  });
  afterAll(() => cleanUp(ofAll));
  return () => made as T; // tests run after it
}

/** Calls it after the test, in reverse order. */
export function afterwards(cleanup: Cleanup): void {
  cleanups.push(cleanup);
}

export function ground(): Ground {
  const made = makeGround();
  afterwards(made.remove);
  return made;
}

export interface TestEngine extends Ground {
  readonly engine: Engine;
  readonly client: Client;
  readonly log: string[];
}

export interface EngineSetup extends Omit<EngineOptions, 'home' | 'env'> {
  /** The text of daemon.toml; default: `waves`; null: none is written. */
  readonly daemon?: string | null;
  readonly on?: Ground;
  /** Registers the repo. Default true. */
  readonly adds?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  /** At the end, compares the stored state with the journal. Default true; false for a test that writes into the store itself. */
  readonly verifies?: boolean;
}

/** `sh` agents with one attempt each and no reviewer, unless `setup` changes that. */
export async function startEngine(setup: EngineSetup = {}): Promise<TestEngine> {
  const { daemon = waves, on = ground(), adds = true, env = on.env, verifies = true, ...options } = setup;
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  if (daemon !== null && !existsSync(join(on.home, 'daemon.toml'))) writeFileSync(join(on.home, 'daemon.toml'), daemon);
  const log: string[] = [];
  const note = (message: string, thrown?: unknown) => void log.push(`${message} ${thrown ?? ''}`);
  const engine = await createEngine({
    graceMs: 500,
    log: { debug: () => {}, info: note, warn: note, error: note },
    agents: { default: { preset: 'sh', attempts: 1 } },
    ...options,
    home: on.home,
    env,
  });
  const waiting = new AbortController();
  void pokeWaiters(engine.client, waiting.signal);
  let isStopped = false;
  const stop: Engine['stop'] = (how) => {
    isStopped = true;
    return engine.stop(how);
  };
  afterwards(async () => {
    // An engine without its home does not answer.
    const found = verifies && !isStopped ? await engine.client.verify().catch(() => null) : null;
    waiting.abort();
    await engine.stop({ agents: 'stop' });
    expect(found?.differs ?? [], 'what is stored and does not follow from the journal').toEqual([]);
  });
  if (adds) await engine.client.addRepo(on.repo, { trust: true });
  return { ...on, engine: { ...engine, stop }, client: engine.client, log };
}

/** An engine in this process where a person would start the daemon, also while a killed one ends: with the settings and agents of files, and the repos of its store. */
export function startDaemonHere(on: Ground): Promise<TestEngine> {
  return startEngine({ on, daemon: null, adds: false, agents: {}, graceMs: 10_000, waitForHomeMs: hangMs });
}

/** Wakes waiting tests at each fact until the engine stops. An engine without its home or its store has no facts. */
async function pokeWaiters(client: Client, signal: AbortSignal): Promise<void> {
  try {
    for await (const _fact of client.events({ signal })) lookAgain();
  } catch {
    // waiting tests also check periodically
  }
}

/** What a script of engines that are killed exports, for a life in a test's own process: it returns the last word that it says. */
export type Carry = (create: ReturnType<typeof createHere>, say: (word: string) => void, of: object) => Promise<string>;

/** Creates engines that log into `said`, and are stopped after the test. */
export function createHere(said: string[]): (options: EngineOptions) => Promise<Engine> {
  const note = (message: string, thrown?: unknown) => void said.push(`${message} ${thrown ?? ''}`);
  return async (options) => {
    const engine = await createEngine({ log: { debug: () => {}, info: note, warn: note, error: note }, ...options });
    afterwards(() => engine.stop());
    return engine;
  };
}

/** A daemon.toml with which even small plans have waves. */
export const waves = 'blueprint_skip_threshold = 0\n';

export interface TaskText {
  readonly title?: string;
  /** null: no block. */
  readonly sh?: string | null;
  /** Lines such as `**Check:** true`. */
  readonly fields?: string;
}

/** A plan's document: a list of waves, each a list of tasks. A text is a task's code block. */
export function planText(...waves: readonly (readonly (TaskText | string)[])[]): string {
  const parts = waves.map((tasks, wave) => {
    const texts = tasks.map((given, index) => {
      const task = typeof given === 'string' ? { sh: given } : given;
      const block = task.sh === null || task.sh === undefined ? '' : `\n\`\`\`sh\n${task.sh}\n\`\`\`\n`;
      return `### Task ${index + 1}: ${task.title ?? `task ${index + 1}`}\n\n${task.fields ?? ''}\n${block}`;
    });
    return `## Wave ${wave + 1}\n\n${texts.join('\n')}`;
  });
  return `# A plan\n\n${parts.join('\n')}`;
}

export async function register(
  { client }: Pick<TestEngine, 'client'>,
  plan: string,
  content: string,
  project = 'demo',
): Promise<PlanShow> {
  return client.registerPlan({ project, plan, content });
}

/** Registers a plan and starts it. */
export async function begin(engine: TestEngine, plan: string, content: string, project = 'demo'): Promise<void> {
  await register(engine, plan, content, project);
  await say(engine, plan, 'implement_start', undefined, project);
}

/** As long as a verdict may be waited for: a busy machine takes longer than the usual 5 s. */
const waitMs = 60_000;

/** Sends a person's signal, and throws if it is refused. */
export async function say(
  { client }: Pick<TestEngine, 'client'>,
  plan: string,
  type: string,
  payload?: unknown,
  project = 'demo',
): Promise<void> {
  const answer = await client.send({ project, plan, type, payload, waitMs });
  if (answer.signal.status !== 'done') throw new Error(`${type}: ${JSON.stringify(answer)}`);
}

/** Waits until the plan is in the wanted state; on a time-out the error shows the plan. */
export async function untilPlan(
  { client, log }: Pick<TestEngine, 'client' | 'log'>,
  plan: string,
  isAsWanted: (shown: PlanShow) => boolean,
  project = 'demo',
): Promise<PlanShow> {
  const look = () => client.plan(project, plan);
  const describe = async () => {
    const { content: _content, ...shown } = await look();
    const lines = await client.history(project, plan);
    const path = lines.map((line) => `${line.actor} ${line.event}: ${line.from} -> ${line.to}`);
    return [JSON.stringify(shown, null, 1), ...path.slice(-25), ...log].join('\n');
  };
  await until(async () => isAsWanted(await look()), describe);
  return look();
}

export function untilStatus(engine: TestEngine, plan: string, status: string, project = 'demo'): Promise<PlanShow> {
  return untilPlan(engine, plan, (shown) => shown.status === status, project);
}

export function untilPhase(engine: TestEngine, plan: string, phase: string): Promise<PlanShow> {
  return untilPlan(engine, plan, (shown) => shown.phase === phase);
}

export function untilBlocked(engine: TestEngine, plan: string): Promise<PlanShow> {
  return untilPlan(engine, plan, (shown) => shown.blocked !== null);
}

/** Waits until the engine has noticed that an agent's process runs, which may be later than the process's start. */
export async function untilRunning({ client }: Pick<TestEngine, 'client'>, title: string): Promise<void> {
  const state = async () => (await client.instances({ project: 'demo' })).find((each) => each.title === title)?.state;
  await until(
    async () => (await state()) === 'running',
    async () => `${title} is ${await state()}`,
  );
}

/** A file that signals an event: shell scripts wait for it with `gate`, and tests open it. */
export function openGate(file: string): void {
  writeFileSync(file, '');
}

/**
 * A shell line that waits until the file exists; variables of the shell may be in the path. One process looks for a second, then the shell: with a `sleep` for
 * each look, each agent that waits would start twenty processes a second.
 */
export function gate(file: string): string {
  const looks = 'for (1..20) { last if -e $ARGV[0]; select undef, undef, undef, 0.05 }';
  return `until [ -e "${file}" ]; do perl -e '${looks}' "${file}" 2>/dev/null || sleep 0.05; done`;
}

export function untilFile(file: string): Promise<void> {
  return until(
    () => existsSync(file) && readFileSync(file, 'utf8') !== '',
    () => `${file} never came`,
  );
}

/** A shell line with which an agent asks a person, by a file: `stator signal emit` is a node, which costs half a second of processor. */
export function asks(question: string): string {
  const draft = '.stator/signals/staging/needs-decision-$STATOR_PLAN';
  return `printf %s '${question}' >"${draft}" && mv "${draft}" .stator/signals/`;
}

/** A shell line with which a run leaves its socket and token in a file, for `agentClient`. */
export function leaveToken(file: string): string {
  return `printf '%s\\n%s' "$STATOR_SOCKET" "$STATOR_TOKEN" > '${file}.part' && mv '${file}.part' '${file}'`;
}

/** A client of the run that left its token there. */
export async function agentClient(file: string): Promise<Client> {
  await untilFile(file);
  const [socket = '', token] = readFileSync(file, 'utf8').split('\n');
  return createClient(callSocket(socket, token), { note: null, close: async () => {} });
}

/** The names of a plan's run folders, without those of checks, the oldest first. */
export function runFolders(home: string, plan: string): string[] {
  return readdirSync(join(home, 'runs'))
    .filter((name) => name.startsWith(`${plan}#`) && !name.includes('-check-'))
    .sort();
}

/** The name of that folder's run in refs: the folder's name without its secret suffix. */
export function runNameOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf('.'));
}

export function runFile(home: string, run: string, file: string): string {
  return readFileSync(join(home, 'runs', run, file), 'utf8');
}

/** Writes an executable shell script, and returns its path. */
export function script(file: string, text: string): string {
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}
