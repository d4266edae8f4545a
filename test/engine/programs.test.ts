/**
 * Plans that are worked on by claude, codex, opencode and gemini: their runs end, wait, continue and are shown as the programs report. The programs are fakes.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { EngineError } from '../../machines/vocabulary/errors.ts';
import type { AgentSettings } from '../../runtime/base/config/config.ts';
import type { EngineOptions, InstanceEntry } from '../../runtime/engine/engine.ts';
import { reportOf } from '../../runtime/work/agents/reports/read-log.ts';
import { runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { seedOf } from '../support/crash.ts';
import { drawnUnlessWhole } from '../support/drawn.ts';
import {
  begin,
  ground,
  planText,
  register,
  runFile,
  runFolders,
  say,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { callsIn, fakeEnv, optionOf, programPresets } from '../support/program.ts';
import { expectFailure, expectProse } from '../support/prose.ts';
import { randomOf } from '../support/random.ts';

const each = it.each(drawnUnlessWhole(programPresets, 1, randomOf(seedOf('programs'))));
const oneTask = planText([{ title: 'the work', sh: null }]);

interface Scene {
  readonly says: string;
  readonly resetMs?: number;
  readonly dropped?: string;
  readonly agents?: AgentSettings;
  readonly clock?: EngineOptions['clock'];
  readonly daemon?: string;
}

async function engineOf(
  preset: AgentSettings['preset'],
  { agents, clock, daemon, ...scene }: Scene,
): Promise<TestEngine> {
  const on = ground();
  const env = fakeEnv(on.env, { root: on.root, ...scene });
  return startEngine({
    on,
    env,
    ...(clock && { clock }),
    ...(daemon !== undefined && { daemon }),
    agents: { default: { preset, attempts: 1, ...agents }, reviewer: { enabled: false } },
  });
}

async function agentOf({ client }: TestEngine, plan: string): Promise<InstanceEntry> {
  const [entry] = await client.instances({ plan });
  if (entry === undefined) throw new Error('there is no agent');
  return entry;
}

function reportIn({ home }: TestEngine, plan: string, at: number): unknown {
  return JSON.parse(runFile(home, runFolders(home, plan).at(at) ?? '', 'report.json'));
}

describe('an agent that is a program of others', () => {
  each('%s: does its task, and what it took is kept with the run', async (preset) => {
    const engine = await engineOf(preset, { says: 'ok' });
    const { client, repo, root } = engine;
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/work').split('\n')).toContain('made-0.txt');
    const [call] = callsIn(root);
    expect(call?.stdin).toContain('the work');
    expect(call?.cwd).toBe(join(repo, '.worktrees', 'plan-work-w1-t1'));
    expect(reportIn(engine, 'work', 0)).toMatchObject({
      preset,
      inputTokens: 6240,
      outputTokens: 84,
      costUsd: preset === 'claude' ? 0.00388 : preset === 'opencode' ? 0.001008 : null,
      lastMessage: 'It is done.',
      problem: null,
    });
    expect(await agentOf(engine, 'work')).toMatchObject({ preset, state: 'succeeded' });
    const shown = await client.capture({ project: 'demo', title: 'work-w1-t1' });
    expect(shown).toContain('I look first.\n$ echo hello\n');
    expect(shown).toContain('It is done.\n');
    expect(shown).not.toContain('{"');
  });

  each(
    '%s: the next attempt goes on in the same conversation, and its tokens are its own, and counted together',
    async (preset) => {
      const engine = await engineOf(preset, { says: 'idle,ok', agents: { attempts: 2 } });
      await begin(engine, 'again', oneTask);
      await untilStatus(engine, 'again', 'done');
      const [first, second] = callsIn(engine.root);
      const { conversation } = reportIn(engine, 'again', 0) as { conversation: string };
      expect(conversation).toMatch(/./);
      expect(second?.args).toContain(conversation);
      expect(first?.args).not.toContain('--resume');
      expect(second?.stdin).toContain('You worked on this before, in this same conversation');
      expect(second?.stdin).toContain('it changed nothing');
      expect(second?.cwd).toBe(first?.cwd);
      expect(reportIn(engine, 'again', 1)).toMatchObject({ conversation, inputTokens: 6240, outputTokens: 84 });
      expect(await agentOf(engine, 'again')).toMatchObject({ usage: { input_tokens: 12_480, output_tokens: 168 } });
    },
  );

  it.each(['claude', 'opencode'] as const)(
    '%s: a conversation that is gone costs an attempt, and the one after begins anew',
    async (preset) => {
      const engine = await engineOf(preset, { says: 'idle,forgotten,ok', agents: { attempts: 3 } });
      await begin(engine, 'gone', oneTask);
      await untilStatus(engine, 'gone', 'done');
      const calls = callsIn(engine.root);
      const { conversation } = reportIn(engine, 'gone', 0) as { conversation: string };
      expect(
        calls.map(({ args }) => args.includes(conversation) && args.some((arg) => /resume|--session$/.test(arg))),
      ).toEqual([false, true, false]);
      expect(reportIn(engine, 'gone', 1)).toMatchObject({ conversation: null });
      expect(calls[2]?.stdin).toContain('the work');
      expect(calls[2]?.stdin).not.toContain('You worked on this before');
    },
  );

  it('tells the next attempt what the last one said, and no JSON, and begins a new conversation where the last one was full', async () => {
    const engine = await engineOf('codex', { says: 'error,full,ok', agents: { attempts: 3 } });
    await begin(engine, 'full', oneTask);
    await untilStatus(engine, 'full', 'done');
    const { conversation } = reportIn(engine, 'full', 0) as { conversation: string };
    const [, second, third] = callsIn(engine.root);
    const prompt = second?.stdin ?? '';
    expect(prompt).toContain('I look first.');
    expect(prompt).toContain('unexpected status 500 Internal Server Error: something broke');
    expect(prompt).not.toContain('"type"');
    expect(second?.args).toContain(conversation);
    expect(third?.args).not.toContain(conversation);
    expect(third?.args.join(' ')).not.toContain('resume');
  });

  it('a refused model is refused once for all that wait', async () => {
    const engine = await engineOf('claude', {
      daemon: 'blueprint_skip_threshold = 0\nmax_agents = 1\n',
      ...{ says: 'unmodelled,ok', agents: { attempts: 3 } },
    });
    const tasks = [1, 2, 3].map((number) => ({ title: `task ${number}`, sh: null }));
    await begin(engine, 'model', planText(tasks));
    const shown = await untilPhase(engine, 'model', 'wave_waiting');
    const failed = { status: 'failed', reason: 'start-failed' };
    const unbegun = { ...failed, attempts: 0 };
    expect(shown.tasks_by_wave[0]?.tasks).toMatchObject([{ ...failed, attempts: 1 }, unbegun, unbegun]);
    for (const { why } of shown.tasks_by_wave[0]?.tasks ?? [])
      expect(why).toContain('the service does not have the model');
    expect(callsIn(engine.root)).toHaveLength(1);
    // A person has it tried again.
    await say(engine, 'model', 'retry_wave');
    await untilStatus(engine, 'model', 'done');
  });

  it('goes on in the conversation of a run that took too long and was ended', async () => {
    const { clock, pass } = machineClock();
    const engine = await engineOf('claude', { clock, says: 'hang,ok', agents: { attempts: 2, timeout: '1h' } });
    await begin(engine, 'slow', oneTask);
    await until(async () => callsIn(engine.root).length === 1 && (await agentOf(engine, 'slow')).state === 'running');
    pass(3_600_000);
    await untilStatus(engine, 'slow', 'done');
    const { conversation } = reportIn(engine, 'slow', 0) as { conversation: string };
    expect(callsIn(engine.root)[1]?.args).toContain(conversation);
    expect(callsIn(engine.root)[1]?.stdin).toContain('it took longer than it may');
  });

  it('is refused before anything starts where its version does not know a flag any more', async () => {
    const dropped = { claude: '--verbose', opencode: '--auto' };
    for (const preset of ['claude', 'opencode'] as const) {
      const engine = await engineOf(preset, { says: 'ok', dropped: dropped[preset] });
      await register(engine, 'newer', oneTask);
      const refused = await say(engine, 'newer', 'implement_start').catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject({ code: 'agent_unusable', message: expect.stringContaining(dropped[preset]) });
      const { message, hint } = refused as EngineError; // as the line above has shown
      expectProse(`${message}\n${hint}`.replaceAll(engine.root, '<root>'), dropped[preset], 'npm install -g');
      expect([callsIn(engine.root), (await engine.client.plan('demo', 'newer')).status]).toEqual([[], 'ready']);
    }
  });

  it('a flag of its user that it does not take costs one attempt, and the setting is named', async () => {
    const engine = await engineOf('codex', { says: 'ok', agents: { attempts: 3, flags: ['--nonsense'] } });
    await begin(engine, 'flag', oneTask);
    const shown = await untilPhase(engine, 'flag', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', attempts: 1, reason: 'start-failed' });
    expectProse(shown.tasks_by_wave[0]?.tasks[0]?.why ?? '', '`flags` of [agents.coder]', '--nonsense');
  });

  it('begins anew where it could not even be started before', async () => {
    const engine = await engineOf('claude', { says: 'ok', agents: { attempts: 2, env_file: 'agent.env' } });
    await begin(engine, 'late', oneTask);
    await untilPhase(engine, 'late', 'wave_waiting');
    writeFileSync(join(engine.repo, 'agent.env'), 'X=1\n', { mode: 0o600 });
    await say(engine, 'late', 'retry_wave');
    await untilStatus(engine, 'late', 'done');
    const [call] = callsIn(engine.root);
    expect(call?.args).toContain('--session-id');
    expect(call?.args).not.toContain('--resume');
  });

  each('%s: a program that has told its result and stays is ended, and its work is taken', async (preset) => {
    const { clock, pass } = machineClock();
    const engine = await engineOf(preset, { clock, says: 'stays' });
    await begin(engine, 'p', oneTask);
    const isReported = async () => {
      const name = existsSync(join(engine.home, 'runs')) ? runFolders(engine.home, 'p').at(-1) : undefined;
      if (name === undefined) return false;
      return (await reportOf(preset, runFolderAt(join(engine.home, 'runs'), name))).isOver;
    };
    await until(isReported);
    // Once its silence was looked at.
    await sleep(1_500);
    pass(31_000);
    await untilStatus(engine, 'p', 'done');
    expect(await agentOf(engine, 'p')).toMatchObject({ state: 'succeeded' });
    expect(runFolders(engine.home, 'p')).toHaveLength(1);
  });

  it('waits for the end of a limit with no attempt spent, says so, and then goes on in its conversation', async () => {
    const { clock, pass } = machineClock();
    const engine = await engineOf('claude', { clock, says: 'limit,ok', resetMs: Date.now() + 3_600_000 });
    await begin(engine, 'limit', oneTask);
    const waiting = await untilPlan(engine, 'limit', ({ waiting_for: what }) => what?.kind === 'rate_limit');
    expect(waiting.status).toBe('implementing');
    expectProse(waiting.waiting_for?.detail ?? '', 'stator agent restart limit-w1-t1');
    expect(await agentOf(engine, 'limit')).toMatchObject({ state: 'waiting', pid: null });
    expect(
      (await engine.client.capture({ project: 'demo', title: 'limit-w1-t1' })).trimEnd().split('\n').at(-1),
    ).toContain("! You've hit your limit");
    pass(3_600_000);
    await untilStatus(engine, 'limit', 'done');
    const [first, second] = callsIn(engine.root);
    if (first === undefined || second === undefined) throw new Error('it was not called twice');
    expect(optionOf(second, '--resume')).toBe(optionOf(first, '--session-id'));
  });

  it('a limit without a reset is asked for again after five minutes', async () => {
    const expectedMs = 300_000;
    const engine = await engineOf('claude', { says: 'unlimited' });
    await begin(engine, 'long', oneTask);
    await untilPlan(engine, 'long', (shown) => shown.waiting_for?.kind === 'rate_limit');
    const timer = (await engine.client.signals({ project: 'demo' })).find(({ type }) => type === 'timer_due');
    const untilMs = Date.parse(timer?.deliver_at ?? '') - Date.now();
    expect(untilMs).toBeLessThanOrEqual(expectedMs);
    expect(untilMs).toBeGreaterThan(expectedMs - 60_000);
  });

  it('a login that the service refuses ends the run and spends no further attempt, with what to do', async () => {
    const engine = await engineOf('opencode', { says: 'denied', agents: { attempts: 3 } });
    await begin(engine, 'login', oneTask);
    const shown = await untilPhase(engine, 'login', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', attempts: 1, reason: 'start-failed' });
    expect(callsIn(engine.root)).toHaveLength(1);
    expectProse(shown.tasks_by_wave[0]?.tasks[0]?.why ?? '', 'log in to opencode', 'env_file of [agents.coder]');
  });

  it.each(['gemini'] as const)(
    '%s: an agent that stops in a loop, or mentions limits and then fails, has failed with its error, and not for a limit',
    async (preset) => {
      const engine = await engineOf(preset, { says: 'loop,talk', agents: { attempts: 2 } });
      await begin(engine, 'talk', oneTask);
      const shown = await untilPhase(engine, 'talk', 'wave_waiting');
      expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', reason: 'exit-code', attempts: 2 });
      expect(reportIn(engine, 'talk', 0)).toMatchObject({ problem: 'Loop detected, stopping execution' });
      expect(callsIn(engine.root)[1]?.stdin).toContain('Loop detected, stopping execution');
      const { problem, rateLimit } = reportIn(engine, 'talk', 1) as { problem: string; rateLimit: unknown };
      expect(problem).toContain('something broke');
      expect(rateLimit).toBeNull();
      expect((await agentOf(engine, 'talk')).last_line).toContain('something broke');
    },
  );

  it('a reviewer that ends well and says nothing has no verdict', async () => {
    const on = ground();
    const env = fakeEnv(on.env, { root: on.root, says: 'ok' });
    const reviewer = { enabled: true, preset: 'codex' as const, attempts: 1 };
    const engine = await startEngine({ on, env, agents: { default: { preset: 'sh', attempts: 1 }, reviewer } });
    await begin(engine, 'mute', planText(['echo x > x.txt']));
    const shown = await untilBlocked(engine, 'mute');
    expect(shown.blocked).toMatchObject({ source: 'no_verdict' });
    expect((await engine.client.instances({ plan: 'mute' })).find(({ role }) => role === 'reviewer')).toMatchObject({
      reason: 'no-verdict',
    });
  });

  it('where it is not installed nothing starts, and it is said how to get it', async () => {
    const on = ground();
    // Programs that git and the shell are, and nothing else.
    const env = { ...on.env, PATH: '/usr/bin:/bin' };
    const engine = await startEngine({
      on,
      env,
      agents: { default: { preset: 'gemini', attempts: 1 }, reviewer: { enabled: false } },
    });
    const begun = begin(engine, 'absent', oneTask);
    await expectFailure(begun, 'agent_unusable', '"gemini"', 'npm install -g ', '[agents.coder]');
  });

  it('uses the program that the profile names, from the repo', async () => {
    const on = ground();
    mkdirSync(join(on.repo, 'tools'));
    writeFileSync(join(on.repo, 'tools', 'my-claude'), '#!/bin/sh\nexec claude --safe-mode "$@"\n', { mode: 0o755 });
    git(on.repo, 'add', '-A');
    git(on.repo, 'commit', '-qm', 'tools');
    const env = fakeEnv(on.env, { root: on.root, says: 'ok' });
    const agents = {
      default: { preset: 'claude' as const, attempts: 1, program: 'tools/my-claude' },
      reviewer: { enabled: false },
    };
    const engine = await startEngine({ on, env, agents });
    await begin(engine, 'own', oneTask);
    await untilStatus(engine, 'own', 'done');
    expect(callsIn(on.root)[0]?.args[0]).toBe('--safe-mode');
  });
});
