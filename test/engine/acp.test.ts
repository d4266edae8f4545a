/** Plans that are worked on by an agent of the Agent Client Protocol, which is a script that behaves well and badly. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentSettings } from '../../runtime/base/config/config.ts';
import type { InstanceEntry } from '../../runtime/engine/engine.ts';
import { acpAgent, acpCalls, stateOf } from '../support/acp.ts';
import {
  begin,
  ground,
  planText,
  runFile,
  runFolders,
  say,
  startEngine,
  type TestEngine,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);

async function engineOf(acts: string, more: AgentSettings = {}, keys = ''): Promise<TestEngine> {
  const on = ground();
  mkdirSync(join(on.repo, '.stator'), { recursive: true });
  writeFileSync(join(on.repo, '.stator', 'config.toml'), keys);
  return startEngine({ on, agents: { default: acpAgent(on.root, acts, more) } });
}

/** The same for several agents, one for each of the acts, and their names; each keeps its calls in its own folder. */
async function engineOfEach(
  acts: readonly (readonly [act: string, more?: AgentSettings, ...rest: unknown[]])[],
  attempts = 1,
) {
  const on = ground();
  const agents = acts.map(([act, more], at) => {
    const root = join(on.root, `agent-${at}`);
    mkdirSync(root);
    return { root, name: `agent-${at}`, settings: acpAgent(root, act, more) };
  });
  const engine = await startEngine({
    on,
    agents: {
      default: { preset: 'sh', attempts },
      ...Object.fromEntries(agents.map(({ name, settings }) => [name, settings])),
    },
  });
  const tasks = agents.map(({ name }) => ({ title: name, sh: null, fields: `**Agent:** ${name}` }));
  await begin(engine, 'work', planText(tasks));
  return { engine, roots: agents.map(({ root }) => root) };
}

/** The agent of a task, by the task's number from 0. */
async function runOf({ client }: TestEngine, task: number): Promise<InstanceEntry> {
  const entry = (await client.instances({ plan: 'work' })).find(({ title }) => title === `work-w1-t${task + 1}`);
  if (entry === undefined) throw new Error('there is no agent');
  return entry;
}

async function agentOf({ client }: TestEngine): Promise<InstanceEntry> {
  const [entry] = await client.instances({ plan: 'work' });
  if (entry === undefined) throw new Error('there is no agent');
  return entry;
}

/** Types a line to the agent. The program may be at its prompt before the engine has noted that it is: until then nothing can be typed. */
async function typed(engine: TestEngine, text: string): Promise<void> {
  await until(async () => (await agentOf(engine)).takes_input);
  const { signal } = await engine.client.typeToInstance({ project: 'demo', title: 'work-w1-t1', text });
  expect(signal.refused).toBeNull();
}

function reportIn({ home }: TestEngine, at: number): unknown {
  return JSON.parse(runFile(home, runFolders(home, 'work').at(at) ?? '', 'report.json'));
}

/** The one task's end: why it failed. */
async function failed(engine: TestEngine) {
  const shown = await untilPhase(engine, 'work', 'wave_waiting');
  const task = shown.tasks_by_wave[0]?.tasks[0];
  if (task === undefined) throw new Error('there is no task');
  return task;
}

const prompts = ({ root }: TestEngine) => acpCalls(root, 'session/prompt');

describe('an agent of the Agent Client Protocol', () => {
  it('does its task in the mode that was named, and what it took and did is kept and shown', async () => {
    const engine = await engineOf('edit');
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
    expect(git(engine.repo, 'ls-tree', '--name-only', 'plan/work').split('\n')).toContain('made.txt');
    const [call, ...others] = prompts(engine);
    expect(others).toEqual([]);
    expect(call?.params.prompt?.[0]?.text).toContain('the work');
    expect(acpCalls(engine.root).map(({ method }) => method)).toEqual([
      'initialize',
      'session/new',
      'session/set_mode',
      'session/prompt',
    ]);
    const [about, opened, mode] = acpCalls(engine.root).map(({ params }) => params);
    expect(about).toMatchObject({ protocolVersion: 1, clientCapabilities: {} });
    expect(opened).toEqual({ cwd: join(engine.repo, '.worktrees', 'plan-work-w1-t1'), mcpServers: [] });
    expect(mode).toMatchObject({ modeId: 'https://example.com/modes#free' });
    expect(reportIn(engine, 0)).toMatchObject({
      preset: 'acp',
      conversation: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ...{ inputTokens: 130, outputTokens: 20, costUsd: null, lastMessage: 'It is done.', problem: null },
    });
    const shown = await engine.client.capture({ project: 'demo', title: 'work-w1-t1' });
    expect(shown).toContain('scripted 1.2.3 begins\nI look first.\nWrite a file\n');
    expect(shown).toContain('It is done.\nended\n');
    expect(shown).not.toContain('{"');
  });

  it('loads its conversation at the next attempt, and what it repeats of it is no word of that run', async () => {
    const engine = await engineOf('words,recall', { attempts: 2 });
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
    const [first, second] = [reportIn(engine, 0), reportIn(engine, 1)] as { conversation: string }[];
    expect(second).toMatchObject({ conversation: first?.conversation, lastMessage: 'I remember 2 prompts' });
    expect(prompts(engine)[1]?.params.prompt?.[0]?.text).toContain('You worked on this before');
    expect(await engine.client.capture({ project: 'demo', title: 'work-w1-t1' })).not.toContain('replayed');
  });

  it('begins anew with the whole prompt in the same attempt where its conversation is gone', async () => {
    const engine = await engineOf('words,forget', { attempts: 2 });
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
    const [first, second] = [reportIn(engine, 0), reportIn(engine, 1)] as { conversation: string }[];
    expect(second?.conversation).not.toBe(first?.conversation);
    const text = prompts(engine)[1]?.params.prompt?.[0]?.text;
    expect(text).toContain('the work');
    expect(text).not.toContain('You worked on this before');
  });

  it('is given its MCP servers by whole paths, with the variables that they name, and stator itself as its own run', async () => {
    const docs = { command: 'sh', args: ['-c', 'true'], env: ['HOME', 'MISSING'] };
    const { engine, roots } = await engineOfEach([
      ['edit', { mcp: { docs, stator: { command: 'stator', args: ['mcp'] } } }],
      ['edit', { mcp: { docs: { command: 'no-such-server' } } }],
    ]);
    const { tasks_by_wave: waves } = await untilPhase(engine, 'work', 'wave_waiting');
    const [opened] = acpCalls(roots[0] ?? '', 'session/new');
    const [first, own] = (opened?.params.mcpServers ?? []) as { env: { name: string }[] }[];
    expect(first).toEqual({
      ...{ name: 'docs', command: expect.stringMatching(/^\/.*\/sh$/), args: ['-c', 'true'] },
      env: [{ name: 'HOME', value: expect.any(String) }],
    });
    expect(own).toMatchObject({ name: 'stator', command: join(engine.home, 'bin', 'stator'), args: ['mcp'] });
    expect(own?.env.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['STATOR_RUN', 'STATOR_SOCKET', 'STATOR_TOKEN']),
    );
    const [done, missing] = waves[0]?.tasks ?? [];
    expect(done?.status).toBe('done');
    expect(missing?.why).toContain('the MCP server "docs" of the coder is not there: no-such-server');
  });

  it('succeeds with a change although it reported no tool call, and fails with text alone', async () => {
    const engine = await engineOf('quiet');
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
    const other = await engineOf('words', {}, 'require_change = false\n');
    await begin(other, 'work', oneTask);
    const task = await failed(other);
    expect(task.reason).toBe('exit-code');
    expect(task.why).toContain('I would do it like this.');
  });

  it('each bad end of a turn fails, and says so', async () => {
    const ends = {
      'stop:max_tokens': 'ended its turn with max_tokens',
      'stop:refusal': 'ended its turn with refusal',
      'stop:max_turn_requests': 'ended its turn with max_turn_requests',
      'stop:exploded': 'ended its turn with exploded, which is no reason that is known',
      half: 'the agent ended with 0 before its turn did',
      hugeAnswer: 'is no update, and a line may have 1 MiB',
    };
    const { engine } = await engineOfEach(Object.keys(ends).map((act) => [act]));
    const shown = await untilPhase(engine, 'work', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks).toMatchObject(
      Object.values(ends).map((why) => ({
        ...{ status: 'failed', attempts: 1, reason: 'exit-code' },
        why: expect.stringContaining(why) as string,
      })),
    );
  });

  it('what would end the same is not tried again, and a refused login says how to log in', async () => {
    const modes = 'it has careful, https://example.com/modes#free';
    const starts = [
      ['version2', {}, 'speaks version 2 of the Agent Client Protocol'],
      ['edit', { mode: 'bold' }, `has no mode "bold": ${modes}; correct \`mode\``],
      ['edit', { mode: '' }, 'none was named: it has careful'],
      ['edit', { model: 'large' }, 'has no model "large": it names no models'],
      ['noLogin', {}, 'the service refuses the login of'],
      ['login', {}, 'the service refuses the login of'],
    ] as const;
    const { engine, roots } = await engineOfEach(starts, 3);
    const shown = await untilPhase(engine, 'work', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks).toMatchObject(
      starts.map(([, , why]) => ({
        ...{ status: 'failed', attempts: 1, reason: 'start-failed' },
        why: expect.stringContaining(why) as string,
      })),
    );
    const counts = (method: string) => roots.map((root) => acpCalls(root, method).length);
    // Only the last one is refused at its prompt.
    expect(counts('session/prompt')).toEqual([0, 0, 0, 0, 0, 1]);
    expect(counts('authenticate')).toEqual(roots.map(() => 0));
    for (const task of [4, 5]) {
      const { log } = await runOf(engine, task);
      const report = readFileSync(join(dirname(log ?? ''), 'report.json'), 'utf8');
      expectProse(report.replace(/,"trace_id":"\w+","span_id":"\w+"/, ''), 'scripted login');
    }
  });

  it.each(['noise', 'huge', 'flood', 'odd', 'late', 'unended'])('%s: is borne, and its work is taken', async (act) => {
    const engine = await engineOf(act);
    await begin(engine, 'work', oneTask);
    await untilStatus(engine, 'work', 'done');
    const { conversation } = reportIn(engine, 0) as { conversation: string };
    expect(conversation).not.toBe('forged');
    const { log } = await agentOf(engine);
    const text = readFileSync(log ?? '', 'utf8');
    const marks = {
      noise: 'stdout: {"stator":',
      huge: '{"stator":{"leftOut":4194',
      flood: '19999 ',
      odd: 'hologram',
      late: 'after the end',
      unended: 'end_turn',
    };
    expect(text).toContain(marks[act as keyof typeof marks]);
    expect(text.length).toBeLessThan(16 * 1024 * 1024);
    expect(prompts(engine)).toHaveLength(1);
  });

  it.each(['limit', 'limitWords'])('%s: a limit is waited for, and spends no attempt', async (act) => {
    const engine = await engineOf(`${act},edit`);
    await begin(engine, 'work', oneTask);
    await untilPlan(engine, 'work', ({ waiting_for: waits }) => waits?.kind === 'rate_limit');
  });

  it('shows the tool that it uses, its own plan and how full its context is, while it works', async () => {
    const engine = await engineOf('plans');
    await begin(engine, 'work', oneTask);
    await until(async () => prompts(engine).length === 1);
    await until(async () => (await agentOf(engine)).work?.tool === '$ npm test');
    expect(await agentOf(engine)).toMatchObject({
      last_line: '$ npm test',
      work: {
        plan: [
          { text: 'read', state: 'completed' },
          { text: 'write', state: 'in_progress' },
        ],
        context: { used: 50_000, size: 200_000 },
        text: '1 of 2 of its plan, 25 % of its context',
      },
    });
    writeFileSync(join(stateOf(engine.root), 'go'), '');
    await untilStatus(engine, 'work', 'done');
    expect((await agentOf(engine)).work?.tool).toBeNull();
  });

  it('receives at the end of its turn what a person typed meanwhile, as the next prompt of the same conversation', async () => {
    const engine = await engineOf('slow,edit:more');
    await begin(engine, 'work', oneTask);
    await until(async () => prompts(engine).length === 1);
    await typed(engine, 'and one more');
    await until(async () => existsSync(join((await agentOf(engine)).log ?? '', '..', 'input-last.json')));
    writeFileSync(join(stateOf(engine.root), 'go'), '');
    await untilStatus(engine, 'work', 'done');
    expect(
      prompts(engine)
        .map(({ params }) => params.prompt?.[0]?.text.trim())
        .at(1),
    ).toBe('and one more');
    expect(git(engine.repo, 'ls-tree', '--name-only', 'plan/work').split('\n')).toEqual(
      expect.arrayContaining(['made.txt', 'more.txt']),
    );
    expect(await engine.client.capture({ project: 'demo', title: 'work-w1-t1' })).toContain('> and one more');
    expect((await engine.client.instances({ plan: 'work' })).length).toBe(1);
  });

  it('is steered where it says that it can be', async () => {
    const engine = await engineOf('steer');
    await begin(engine, 'work', oneTask);
    await until(async () => prompts(engine).length === 1);
    await typed(engine, 'use tabs');
    await until(async () => acpCalls(engine.root, '_session/steering').length === 1);
    writeFileSync(join(stateOf(engine.root), 'go'), '');
    await untilStatus(engine, 'work', 'done');
    expect(prompts(engine)).toHaveLength(1);
    expect(await engine.client.capture({ project: 'demo', title: 'work-w1-t1' })).toContain('I read: use tabs');
  });

  it('is told to end its turn before it is ended, and goes on in its conversation', async () => {
    const engine = await engineOf('slow,recall');
    await begin(engine, 'work', oneTask);
    await until(async () => prompts(engine).length === 1);
    await say(engine, 'work', 'pause');
    await until(async () => acpCalls(engine.root, 'session/cancel').length === 1);
    await until(async () => (await agentOf(engine)).pid === null);
    await say(engine, 'work', 'resume');
    await untilStatus(engine, 'work', 'done');
    expect(reportIn(engine, 1)).toMatchObject({ lastMessage: 'I remember 2 prompts' });
  });
});
