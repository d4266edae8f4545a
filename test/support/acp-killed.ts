/**
 * A complete plan with a misbehaving agent of the Agent Client Protocol, and a judge with the same protocol, while its engine is killed at random.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { acpAgent, acpCalls, stateOf } from './acp.ts';
import { afterwards, ground, planText } from './engine.ts';
import { git } from './ground.ts';
import { killLeft, processesWith } from './leftovers.ts';

const engineScript = join(import.meta.dirname, 'scripts/crash-engine.mjs');
const fixtures = join(import.meta.dirname, 'fixtures');

/** Each kind of misbehaviour, once, in any order; then the agent works. */
const wrongs = [
  ...['die', 'crash', 'half', 'exit', 'deaf', 'hugeAnswer', 'words', 'stop:max_tokens', 'stop:refusal'],
  ...['loop', 'forget', 'deaf'],
];
/** The kinds after which a new conversation may begin. */
const ended = ['die', 'crash', 'half', 'exit', 'hugeAnswer', 'stop:max_tokens', 'stop:refusal', 'forget'];
/** The kinds that are tolerated: the work counts. */
const borne = ['flood', 'noise', 'pong', 'huge', 'odd', 'files', 'late', 'recall'];

interface Killing {
  readonly kills: number;
  /** How many kinds are drawn: of those that fail, and of those that are tolerated. */
  readonly wrong?: number;
  readonly right?: number;
  readonly sandbox: 'bwrap' | 'off';
  readonly random: () => number;
}

export async function killedThroughPlan({ kills, wrong, right, sandbox, random }: Killing): Promise<void> {
  const on = ground();
  const roots = { coder: join(on.root, 'coder'), judge: join(on.root, 'judge') };
  for (const root of Object.values(roots)) mkdirSync(stateOf(root), { recursive: true });
  const drawn = (all: readonly string[], count = all.length) => shuffled(all, random).slice(0, count);
  const finished = drawn(borne, right);
  const acts = [...shuffled([...drawn(wrongs, wrong), ...finished], random), 'edit'];
  const walls = (root: string) => ({ sandbox, writable: [stateOf(root)], readable: [fixtures] });
  const agents = {
    default: {
      ...acpAgent(roots.coder, acts.join(','), walls(roots.coder)),
      attempts: 30,
      idle_timeout: '4s',
    },
    reviewer: {
      ...acpAgent(roots.judge, 'die,forge,verdict:approved', walls(roots.judge)),
      ...{ preset: 'opencode', acp: true, attempts: 30 },
    },
  };
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(on.home, 'daemon.toml'), 'blueprint_skip_threshold = 0\n');
  const content = planText(...acts.filter((act) => !wrongs.includes(act)).map((act) => [{ title: act, sh: null }]));
  const options = { home: on.home, repo: on.repo, plan: 'killed', content, agents, graceMs: 2_000 };
  afterwards(() => killLeft(processesWith((entries) => entries.includes(`STATOR_HOME=${on.home}`))));

  let left = kills;
  for (;;) {
    const engine = spawn(process.execPath, [engineScript, JSON.stringify(options)], {
      env: on.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    engine.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const kill = setTimeout(() => left > 0 && engine.kill('SIGKILL'), 300 + random() * 2_500);
    const [code, signal] = await once(engine, 'exit');
    clearTimeout(kill);
    if (signal === 'SIGKILL') {
      left -= 1;
      continue;
    }
    expect([code, said]).toEqual([0, 'up\ndone\n']);
    break;
  }
  expectNothingDouble(on.home, roots);
  // A conversation continues until its work is done, its agent has forgotten it, or the agent has died without an answer; the last one is the
  // fixer's.
  const lost = acts.filter((act) => ended.includes(act)).length;
  expect(acpCalls(roots.coder, 'session/new').length).toBeLessThanOrEqual(finished.length + 1 + lost + 1);
  expect(git(on.repo, 'ls-tree', '--name-only', 'plan/killed').split('\n')).toContain('made.txt');
  // The remaining kills were not needed: the plan had ended.
  expect(left).toBeLessThan(kills);
}

function expectNothingDouble(home: string, roots: Readonly<Record<'coder' | 'judge', string>>): void {
  const runs = join(home, 'runs');
  const logs = readdirSync(runs).map((run) => readFileSync(join(runs, run, 'log'), 'utf8'));
  const sent = logs.map((log) => log.match(/^\{"stator":\{"sent":"session\/prompt"/gm)?.length ?? 0);
  // One prompt for each run. Each was sent once, to a separate process.
  expect(Math.max(...sent)).toBe(1);
  const prompts = Object.values(roots).map((root) => acpCalls(root, 'session/prompt'));
  expect(prompts.flat().length).toBe(sent.reduce((sum, count) => sum + count, 0));
  expect(new Set(prompts.flat().map(({ run }) => run)).size).toBe(prompts.flat().length);
}

function shuffled(all: readonly string[], random: () => number): string[] {
  return all
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
