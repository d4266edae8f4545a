/** A plan of two waves with three tasks each, an engine in a separate process that can be killed at any line, and the killing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FaultPoint } from '../../runtime/engine/engine.ts';
import { type Carry, createHere } from './engine.ts';
import { type Ground, makeGround } from './ground.ts';

/** Where an engine kills itself: at the nth visit of the point in this life, or (`isLate`) right after it. */
export interface Fault {
  readonly point: FaultPoint;
  readonly nth: number;
  readonly isLate?: boolean;
  /** Wrappers that are started there claim their runs only after this many seconds. */
  readonly wrapperLateS?: number;
}

/** How one life of an engine ended: killed, with a done plan, or waiting for a person. */
export interface LifeEnd {
  readonly how: 'killed' | 'done' | 'stuck';
  readonly said: string;
}

export interface Life {
  readonly process: ChildProcess;
  readonly ended: Promise<LifeEnd>;
}

/** A line that an agent wrote: `start` or `end`, its title, and its run. */
export interface Entry {
  readonly word: string;
  readonly title: string;
  readonly attempt: number;
  readonly pid: number;
  readonly run: string;
}

export interface Scenario extends Ground {
  readonly plan: string;
  readonly content: string;
  /** The agents' lines, in order. */
  entries(): Entry[];
  /** `untilMerged`: runs until the pull request is merged, which is checked every 50 ms. */
  live(options?: { fault?: Fault; untilMerged?: boolean }): Life;
  /** The same in this process, for a life that nobody kills: a process takes half a second of processor to start. */
  carry(options?: { untilMerged?: boolean }): Promise<LifeEnd>;
  /** All live processes of this home: engine, git, wrappers, agents. */
  processes(): number[];
}

export const waves = [1, 2] as const;
export const tasksOfWave = [1, 2, 3] as const;
const engineScript = fileURLToPath(new URL('./scripts/crash-engine.mjs', import.meta.url));
/** More attempts than the kills of any test use up. */
const attempts = 30;

/** A place in the document where a test can add lines: the task, and the command that writes into the agents' file. */
export interface Place {
  readonly wave: number;
  readonly task: number;
  note(word: string): string;
}
export type Extra = (place: Place) => string;

/** Every third task commits itself; the others leave their work uncommitted. Each takes 0.05 to 0.25 s. */
function documentOf(ledger: string, tasks: readonly number[], extra: Extra = () => ''): string {
  const note = (word: string) => `echo "${word} $STATOR_TITLE $STATOR_ATTEMPT $$ $STATOR_RUN" >> '${ledger}'`;
  const task = (wave: number, number: number) =>
    [
      `### Task ${number}: piece ${wave}-${number}`,
      '```sh',
      note('start'),
      extra({ wave, task: number, note }),
      `sleep 0.${((wave + number) % 3) * 10 + 5}`.replace('0.5', '0.05'),
      `echo "${wave}-${number}" > w${wave}-t${number}.txt`,
      number === 3 ? 'git add -A && git commit -qm "by itself"' : '',
      note('end'),
      '```',
    ]
      .filter((line) => line !== '')
      .join('\n');
  return `# Crash\n\n${waves.map((wave) => `## Wave ${wave}\n${tasks.map((number) => task(wave, number)).join('\n')}`).join('\n')}\n`;
}

/** `tasks`: of each wave, for tests of the steps after the work. */
export function makeScenario(
  extra?: (place: Place & { root: string }) => string,
  { isWalled = false, tasks = tasksOfWave }: { isWalled?: boolean; tasks?: readonly number[] } = {},
): Scenario {
  const ground = makeGround();
  // Inside walls only this folder of the test is visible.
  const notes = join(ground.root, 'notes');
  mkdirSync(notes);
  const ledger = join(notes, 'ledger');
  const content = documentOf(ledger, tasks, (place) => extra?.({ ...place, root: ground.root }) ?? '');
  const plan = 'crash';
  const walls = isWalled ? { sandbox: 'bwrap', writable: [notes] } : {};
  const agents = { default: { preset: 'sh', attempts, ...walls } };
  const { home, repo, env } = ground;
  const all = { home, repo, plan, content, agents, graceMs: 2_000 };
  return {
    ...ground,
    plan,
    content,
    entries: () => readOrEmpty(ledger).split('\n').filter(Boolean).map(entryOf),
    processes: () => carriersOf(`STATOR_HOME=${ground.home}`),
    live({ fault, untilMerged = false } = {}) {
      const child = spawn(process.execPath, [engineScript, JSON.stringify({ ...all, fault, untilMerged })], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return { process: child, ended: endOf(child) };
    },
    async carry({ untilMerged = false } = {}) {
      const { carryPlan } = (await import(engineScript)) as { carryPlan: Carry }; // as that script is
      const said: string[] = [];
      const end = await carryPlan(createHere(said), (word) => said.push(word), { ...all, env, untilMerged });
      return { how: end === 'done' ? 'done' : 'stuck', said: said.join('\n') };
    },
  };
}

function endOf(child: ChildProcess): Promise<LifeEnd> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve({ how: 'killed', said });
      else if (code === 0) resolve({ how: 'done', said });
      else if (code === 3) resolve({ how: 'stuck', said });
      else reject(new Error(`the engine ended with ${signal ?? code}\n${said}`));
    });
  });
}

function entryOf(line: string): Entry {
  const [word = '', title = '', attempt = '', pid = '', run = ''] = line.split(' ');
  return { word, title, attempt: Number(attempt), pid: Number(pid), run };
}

/** Scenarios for the tests of one file: after each test its processes are killed and its folders removed. */
export function createGrounds() {
  const open: Scenario[] = [];
  return {
    make(...of: Parameters<typeof makeScenario>): Scenario {
      const scenario = makeScenario(...of);
      open.push(scenario);
      return scenario;
    },
    clear(): void {
      for (const { processes, remove } of open.splice(0)) {
        for (const pid of processes()) kill(pid);
        remove();
      }
    },
  };
}

/** The live processes with this entry in their environment. */
export function carriersOf(entry: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readOrEmpty(`/proc/${pid}/environ`).split('\0').includes(entry))
    .map(Number);
}

/** The number in the file `pid` or `claim` of each unfinished run of a home. */
export function openRuns(home: string, file: 'pid' | 'claim'): number[] {
  const root = join(home, 'runs');
  const names = readdirOrEmpty(root).filter((name) => readOrEmpty(join(root, name, 'exit')) === '');
  return names.map((name) => Number(readOrEmpty(join(root, name, file)).split(' ')[1])).filter((pid) => pid > 1);
}

/** Sends SIGKILL to a process of the test; it may have ended. */
export function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown; // process.kill throws system errors only
  }
}

/** `$STATOR_CRASH_SEED`, or a random seed, which is printed so that the test can be repeated. */
export function seedOf(what: string): number {
  const seed = Number(process.env.STATOR_CRASH_SEED ?? Date.now() % 1_000_000);
  process.stdout.write(`${what}: STATOR_CRASH_SEED=${seed}\n`);
  return seed;
}

export function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // missing, gone, or not ours to read
  }
}

function readdirOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
