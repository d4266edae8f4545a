/** The program as a person runs it, with a temporary repo and home; its processes are killed after the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { extended, type Ground, makeGround, until } from './ground.ts';
import { mayCallHere, watchHere } from './in-process.ts';
import { killLeft, type LeftProcess, processesWith } from './leftovers.ts';
import type { Template } from './template.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running call, and its output so far. */
export interface Watched {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Ended>;
}

export interface Running extends Watched {
  readonly child: ChildProcess;
}

export interface Terminal extends Ground {
  write(file: string, text: string | Uint8Array): void;
  /** Runs a call to its end, by default with empty standard input; in this process, unless the verb needs a separate one. */
  stator(args: readonly string[], how?: How): Promise<Ended>;
  /** Starts a call whose output can be read while it runs. */
  watch(args: readonly string[], how?: How): Watched;
  /** A separate process of the built program, for tests that send it a signal. */
  start(args: readonly string[], how?: How): Running;
}

interface How {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

const grounds: Ground[] = [];
const started: Running[] = [];
/** Also set in this process, for calls that run git here. */
const ofGit = ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_NOSYSTEM'] as const;
const before = ofGit.map((name) => [name, process.env[name]] as const);

afterEach(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  for (const { child, ended } of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  }
  for (const ground of grounds.splice(0)) {
    try {
      let left: LeftProcess[] = [];
      const areGone = () => {
        left = carriersOf(ground.home);
        return left.length === 0;
      };
      await until(areGone).catch(() => undefined);
      killLeft(left);
      expect(left, 'processes left behind by the test').toEqual([]);
    } finally {
      ground.remove();
    }
  }
});

export function terminal(template?: Template): Terminal {
  const ground = makeGround(template);
  grounds.push(ground);
  const own = Object.entries(ground.env).filter(([name]) => !/^(STATOR_(?!HOME$)|NO_COLOR$|FORCE_COLOR$)/.test(name));
  const base: NodeJS.ProcessEnv = {
    ...Object.fromEntries(own),
    GIT_CONFIG_GLOBAL: join(ground.root, 'gitconfig'),
    GIT_CONFIG_NOSYSTEM: '1',
    TMPDIR: ground.root,
    STATOR_SANDBOX: 'off',
    PAGER: 'cat',
  };
  for (const name of ofGit) process.env[name] = base[name];
  const start = (args: readonly string[], { cwd = ground.repo, env = {}, input = '' }: How = {}): Running => {
    const child = spawn(process.execPath, [main, ...args], { cwd, env: { ...base, ...env }, stdio: 'pipe' });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      out.stderr += text;
    });
    child.stdin.on('error', () => {}); // a verb that reads nothing may be gone before it is written to
    child.stdin.end(input);
    const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...out })));
    const running = { child, stdout: () => out.stdout, stderr: () => out.stderr, ended };
    started.push(running);
    return running;
  };
  const watch: Terminal['watch'] = (args, how = {}) => {
    const { cwd = ground.repo, env = {}, input = '' } = how;
    const changed = Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== base[name]));
    if (!mayCallHere(args, changed)) return start(args, how);
    return watchHere({ args, cwd, env: { ...base, ...env }, input, changed });
  };
  return {
    ...ground,
    env: base,
    write(file, text) {
      mkdirSync(dirname(join(ground.repo, file)), { recursive: true });
      writeFileSync(join(ground.repo, file), text);
    },
    start,
    watch,
    stator: (args, how) => watch(args, how).ended,
  };
}

/** A terminal with committed `sh` agents that have one attempt each. */
export function working(): Terminal {
  return terminal(withAgents);
}

/** The same, where a plan of one task has waves too: the tasks that a plan would need for waves cost most of its life. */
export function workingInWaves(): Terminal {
  return terminal(withWaves);
}

const shAgents = '[agents.default]\npreset = "sh"\nattempts = 1\n';
const withAgents = extended('agents', { '.stator/config.toml': shAgents });
const withWaves = extended('waves', { '.stator/config.toml': `blueprint_skip_threshold = 0\n\n${shAgents}` });

/** Waits until all of these runs watch the plan: a signal that the plan refuses is repeated until each has printed it. */
export async function untilWatched({ stator }: Terminal, plan: string, runs: readonly Watched[]): Promise<void> {
  await until(async () => {
    await stator(['signal', 'emit', 'review_approved', plan]);
    return runs.every(({ stdout }) => stdout().includes('review_approved'));
  });
}

/** A plan whose waves are scripts; each task first writes its own line, so that it changes something. */
export function planOf(...waves: readonly (readonly string[])[]): string {
  const parts = waves.map((tasks, w) => {
    const bodies = tasks.map(
      (script, t) =>
        `### Task ${t + 1}: piece ${w + 1}.${t + 1}\n\n\`\`\`sh\necho made >w${w + 1}t${t + 1}.txt\n${script}\n\`\`\`\n`,
    );
    return `## Wave ${w + 1}\n\n${bodies.join('\n')}`;
  });
  return `# A plan\n\n${parts.join('\n')}`;
}

/** The output without the parts that change: times, temporary folders, ids of 8 digits and more. */
export function steady(text: string, { root }: Pick<Ground, 'root'>): string {
  return text
    .replaceAll(root, '<root>')
    .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?/g, '<time>')
    .replace(/\b\d\d:\d\d:\d\d\b/g, '<time>');
}

/** The live processes of that home's agents. */
function carriersOf(home: string): LeftProcess[] {
  return processesWith((entries) => entries.includes(`STATOR_HOME=${home}`) && entries.includes('STATOR=1'));
}
