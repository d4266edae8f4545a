/** The verbs of agents, the queue, repos, hooks, signals and machines, at the command line, beside an engine. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { permissionPage } from '../../cli/monitor/board/actions.ts';
import { storeFile } from '../../runtime/base/platform/home.ts';
import type { EngineOptions } from '../../runtime/engine/engine.ts';
import { askingClaude } from '../support/asking-claude.ts';
import { planOf, type Terminal, terminal } from '../support/cli.ts';
import { isAlive, makeRepo } from '../support/daemon.ts';
import {
  gate,
  openGate,
  startEngine,
  type TestEngine,
  untilFile,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';

import { until } from '../support/ground.ts';
import { putHooks } from '../support/hooks.ts';
import { defineRelease } from '../support/own-machine.ts';
import { expectRefusal } from '../support/prose.ts';

interface Scene extends Terminal {
  readonly engine: TestEngine;
  /** What a verb answers under `--json`. */
  json<Answer>(...words: string[]): Promise<Answer>;
  /** Runs a verb that must succeed, and answers what it printed. */
  must(...words: string[]): Promise<string>;
}

async function scene(options: Partial<EngineOptions> = {}): Promise<Scene> {
  const made = terminal();
  const daemon = 'max_agents = 8\nblueprint_skip_threshold = 0\n';
  const engine = await startEngine({ on: made, daemon, ...options });
  const must = async (...words: string[]) => {
    const { code, stdout, stderr } = await made.stator(words);
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: expect.anything() });
    return stdout;
  };
  return { ...made, engine, must, json: async (...words) => JSON.parse(await must(...words, '--json')) };
}

interface Agent {
  readonly title: string;
  readonly state: string;
  readonly attempt: number;
  readonly pid: number | null;
}

const agentsOf = ({ json }: Scene, ...words: string[]) => json<Agent[]>('agent', 'list', ...words);
const agentOf = ({ json }: Scene, title: string) => json<Agent>('agent', 'show', title);
const titles = (agents: readonly Agent[]) => agents.map(({ title }) => title).sort();

function untilState(made: Scene, title: string, state: string): Promise<void> {
  return until(async () => (await agentOf(made, title)).state === state);
}

/** Registers a plan of the repo `demo`, or of another, and starts it. */
async function begin({ engine }: Scene, plan: string, content: string, project = 'demo'): Promise<void> {
  await engine.client.registerPlan({ project, plan, content });
  await engine.client.send({ project, plan, type: 'implement_start' });
}

describe('agents', () => {
  it('are listed of this repo, of a plan, and with --all of all repos', async () => {
    const made = await scene();
    const other = makeRepo(join(made.root, 'other'));
    await made.engine.client.addRepo(other, { trust: true });
    await made.must('queue', 'pause');
    await begin(made, 'a', planOf(['true']));
    await begin(made, 'b', planOf(['true']));
    await begin(made, 'c', planOf(['true']), 'other');
    await until(async () => (await made.engine.client.instances({})).length === 3);
    expect(titles(await agentsOf(made))).toEqual(['a-w1-t1', 'b-w1-t1']);
    expect(titles(await agentsOf(made, 'b'))).toEqual(['b-w1-t1']);
    expect(titles(await agentsOf(made, '--all'))).toEqual(['a-w1-t1', 'b-w1-t1', 'c-w1-t1']);
    expect(titles(await agentsOf(made, '--project', 'other'))).toEqual(['c-w1-t1']);
  });

  it('are frozen, continued, started anew and killed, in a pipe with --yes as without', async () => {
    const made = await scene();
    const { engine, must, root } = made;
    await begin(made, 'p', planOf([`echo begun; ${gate(join(root, 'never'))}`]));
    await untilRunning(engine, 'p-w1-t1');
    const { pid } = await agentOf(made, 'p-w1-t1');
    for (const yes of [[], ['--yes']]) {
      await must('agent', 'pause', 'p-w1-t1', ...yes);
      await untilState(made, 'p-w1-t1', 'paused');
      await must('agent', 'resume', 'p-w1-t1', ...yes);
      await untilState(made, 'p-w1-t1', 'running');
    }
    expect((await agentOf(made, 'p-w1-t1')).pid).toBe(pid);
    await must('agent', 'restart', 'p-w1-t1', '--yes');
    await until(async () => {
      const agent = await agentOf(made, 'p-w1-t1');
      return agent.state === 'running' && agent.pid !== pid;
    });
    expect(isAlive(pid ?? 0)).toBe(false);
    await must('agent', 'kill', 'p-w1-t1', '--yes');
    await untilState(made, 'p-w1-t1', 'failed');
    expect(await made.json('plan', 'show', 'p')).toMatchObject({ phase: 'wave_waiting' });
  });

  it('have a log, with --tail its last lines, also by the old names', async () => {
    const made = await scene();
    const { engine, must } = made;
    await begin(made, 'p', planOf(['for i in 1 2 3; do echo line $i; done']));
    await untilStatus(engine, 'p', 'done');
    const log = 'line 1\nline 2\nline 3\n';
    expect(await must('agent', 'logs', 'p-w1-t1')).toBe(log);
    expect(await must('agent', 'logs', 'p-w1-t1', '--tail=2')).toBe('line 2\nline 3\n');
    expect(await must('agent', 'logs', 'p-w1-t1', '--attempt', '1')).toBe(log);
    expect((await made.stator(['agent', 'logs', 'p-w1-t1', '--attempt', '2'])).code).toBe(1);
    expect(await must('instance', 'logs', 'p-w1-t1')).toBe(log);
    expect(await must('instance', 'show', 'p-w1-t1')).toBe(await must('agent', 'show', 'p-w1-t1'));
    expect(await must('instance', 'list')).toBe(await must('agent', 'list'));
  });
});

describe('what an agent asks to be allowed', () => {
  it('is denied with a message for the agent, or allowed by the id of the question', async () => {
    const made = terminal();
    askingClaude(made, [['echo one >one.txt'], ['echo two >two.txt', 'echo three >three.txt']]);
    const engine = await startEngine({ on: made, agents: {} });
    await engine.client.registerPlan({ project: 'demo', plan: 'p', content: planOf(['true']) });
    await engine.client.send({ project: 'demo', plan: 'p', type: 'implement_start' });
    const asked = async (detail: string) => {
      let id = '';
      await until(async () => {
        const [agent] = await engine.client.instances({ plan: 'p' });
        id = agent?.permissions.find((question) => question.detail === detail)?.id ?? '';
        return id !== '';
      });
      return id;
    };
    await asked('echo one >one.txt');
    const denied = await made.stator(['agent', 'deny', 'p-w1-t1', '--message', 'use the other file']);
    expect(denied).toMatchObject({ code: 0 });
    const [id, other] = [await asked('echo two >two.txt'), await asked('echo three >three.txt')];
    // On the board, the question of another agent is not that of the marked one.
    const marked = { project: 'demo', plan: 'p', title: 'p-review-1', task: null, role: null };
    expect(await permissionPage(engine.client, marked)).toBeNull();
    for (const words of [[], ['p-w1-t1'], ['--question', `${id}x`]])
      expect((await made.stator(['agent', 'allow', ...words])).code).toBe(1);
    expect(await made.stator(['agent', 'allow', '--question', id])).toMatchObject({ code: 0 });
    expect(await made.stator(['agent', 'deny', '--question', other])).toMatchObject({ code: 0 });
    await untilStatus(engine, 'p', 'done');
    expect((await made.stator(['agent', 'logs', 'p-w1-t1'])).stdout).toContain('denied: use the other file');
    const { diff } = await engine.client.planDiff('demo', 'p');
    expect(['one.txt', 'two.txt', 'three.txt'].map((file) => diff.includes(file))).toEqual([false, true, false]);
  });
});

describe('the queue', () => {
  it('holds back a repo, a plan or an agent until its own pause is ended, or with --all every one', async () => {
    const made = await scene();
    const { engine, must } = made;
    await must('queue', 'pause', '--project', 'demo');
    for (const plan of ['a', 'b']) await begin(made, plan, planOf(['true']));
    await until(async () => (await agentsOf(made)).length === 2);
    await must('queue', 'pause', '--plan', 'a');
    await must('queue', 'pause', '--agent', 'b-w1-t1');
    await must('queue', 'resume', '--project', 'demo');
    const held = async () => {
      const { pauses } = await made.json<{ pauses: { of: string }[] }>('queue', 'stats');
      return pauses.map(({ of }) => of).sort();
    };
    expect(await held()).toEqual(['agent', 'plan']);
    await must('queue', 'resume', '--plan', 'a');
    await untilStatus(engine, 'a', 'done');
    expect([await held(), (await agentOf(made, 'b-w1-t1')).state]).toEqual([['agent'], 'queued']);
    await must('queue', 'resume', '--agent', 'b-w1-t1');
    await untilStatus(engine, 'b', 'done');
    expect(await held()).toEqual([]);
    await must('queue', 'pause');
    await must('queue', 'pause', '--plan', 'b');
    await must('queue', 'resume', '--all');
    expect(await held()).toEqual([]);
  });

  it('is cleared of ended agents; what waits stays, and what was done is not forgotten', async () => {
    const made = await scene();
    await begin(made, 'ended', planOf(['true']));
    await untilStatus(made.engine, 'ended', 'done');
    await made.must('queue', 'pause');
    await begin(made, 'waits', planOf(['true']));
    const listed = async () => (await made.json<{ plan: string }[]>('queue', 'list')).map(({ plan }) => plan).sort();
    await until(async () => (await listed()).length === 2);
    expect(await made.json('queue', 'clear')).toMatchObject({ cleared: 1 });
    expect(await listed()).toEqual(['waits']);
    expect(titles(await agentsOf(made))).toEqual(['ended-w1-t1', 'waits-w1-t1']);
  });
});

describe('a repo', () => {
  it('that is paused starts no plan until it is resumed; what is implemented continues', async () => {
    const made = await scene();
    const { engine, must, root } = made;
    await begin(made, 'runs', planOf([gate(join(root, 'go'))]));
    await untilRunning(engine, 'runs-w1-t1');
    await must('repo', 'pause');
    expect(await made.json('repo', 'show')).toMatchObject({ state: 'paused' });
    await begin(made, 'waits', planOf(['true']));
    openGate(join(root, 'go'));
    await untilStatus(engine, 'runs', 'done');
    expect(await made.json('plan', 'show', 'waits')).toMatchObject({ waiting_for: { kind: 'repo' } });
    expect(titles(await agentsOf(made))).toEqual(['runs-w1-t1']);
    await must('repo', 'resume', 'demo');
    await untilStatus(engine, 'waits', 'done');
  });

  it('with agents is removed with --stop only, and they begin again when it is back', async () => {
    const made = await scene();
    const { engine, must, root, repo } = made;
    const begun = join(root, 'begun');
    await begin(made, 'p', planOf([`echo $$ >'${begun}'; ${gate(join(root, 'go'))}`]));
    await untilFile(begun);
    await untilRunning(engine, 'p-w1-t1');
    const { pid } = await agentOf(made, 'p-w1-t1');
    const refused = await made.stator(['repo', 'remove', 'demo']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--stop')]);
    expect([isAlive(pid ?? 0), await made.json('repo', 'list')]).toMatchObject([true, [{ project: 'demo' }]]);
    await must('repo', 'remove', 'demo', '--stop');
    expect([isAlive(pid ?? 0), await made.json('repo', 'list')]).toEqual([false, []]);
    openGate(join(root, 'go'));
    await must('repo', 'add', repo);
    await untilStatus(engine, 'p', 'done');
    expect(await agentOf(made, 'p-w1-t1')).toMatchObject({ attempt: 1 });
  });
});

interface Delivery {
  readonly id: string;
  readonly hook: string;
  readonly plan: string;
}

describe('hooks', () => {
  it('and their deliveries are listed by repo, hook and plan, and each delivery is shown', async () => {
    const made = terminal();
    const hook = (name: string) =>
      `[[hooks]]\ntype = "command"\nname = "${name}"\nevents = ["cancel"]\ncommand = "echo ${name}"\n`;
    putHooks(made.repo, hook('one') + hook('two'));
    const other = makeRepo(join(made.root, 'other'));
    putHooks(other, hook('three'));
    const engine = await startEngine({ on: made });
    await engine.client.addRepo(other, { trust: true });
    for (const [project, plan] of [
      ['demo', 'a'],
      ['demo', 'b'],
      ['other', 'c'],
    ] as const) {
      await engine.client.registerPlan({ project, plan, content: planOf(['true']) });
      await engine.client.send({ project, plan, type: 'cancel' });
    }
    const json = async <Row>(...words: string[]): Promise<Row> =>
      JSON.parse((await made.stator([...words, '--json'])).stdout);
    const hooks = async (...flags: string[]) => {
      const rows = await json<{ hook: string; state: string }[]>('hook', 'list', ...flags);
      return rows.map(({ hook: name, state }) => `${name} ${state}`).sort();
    };
    expect(await hooks()).toEqual(['one on', 'two on']);
    expect(await hooks('--all')).toEqual(['one on', 'three on', 'two on']);
    const deliveriesShown = async (...flags: string[]) => {
      const rows = await json<Delivery[]>('hook', 'deliveries', ...flags);
      return rows.map(({ hook: name, plan }) => `${name} ${plan}`).sort();
    };
    await until(async () => (await deliveriesShown('--all', '--state', 'delivered')).length === 5);
    expect(await deliveriesShown()).toEqual(['one a', 'one b', 'two a', 'two b']);
    expect(await deliveriesShown('--hook', 'one')).toEqual(['one a', 'one b']);
    expect(await deliveriesShown('--hook', 'one', '--plan', 'b')).toEqual(['one b']);
    expect(await deliveriesShown('--plan', 'c', '--all')).toEqual(['three c']);
    expect(await deliveriesShown('--state', 'dead', '--all')).toEqual([]);
    const [row] = await json<Delivery[]>('hook', 'deliveries', '--hook', 'two', '--plan', 'a');
    const shown = await json<{ body: string }>('hook', 'show', row?.id ?? '');
    expect(shown).toMatchObject({ ...row, output: 'two\n' });
    expect(JSON.parse(shown.body)).toMatchObject({ event: 'cancel', plan_file: 'a', to_status: 'cancelled' });
    await made.stator(['hook', 'disable', 'one']);
    expect(await hooks()).toEqual(['one off', 'two on']);
    await made.stator(['hook', 'enable', 'one']);
    expect(await hooks()).toEqual(['one on', 'two on']);
  });
});

describe('notifications', () => {
  it('are listed until they are cleared, and after that with --all only', async () => {
    const made = await scene();
    await begin(made, 'p', planOf(['exit 1']));
    const list = (...flags: string[]) => made.json<{ type: string; read: boolean }[]>('notify', 'list', ...flags);
    await until(async () => (await list()).some(({ type }) => type === 'wave_waiting'));
    const before = (await list()).map(({ type }) => type);
    expect(await made.json('notify', 'clear')).toMatchObject({ read: before.length });
    expect(await list()).toEqual([]);
    expect((await list('--all')).map(({ type, read }) => [type, read])).toEqual(before.map((type) => [type, true]));
  });
});

interface Signal {
  readonly id: number;
  readonly plan: string;
  readonly type: string;
}

describe('signals', () => {
  it('are sent with a payload, listed by plan, repo and status, shown, and delivered again if they failed', async () => {
    const made = await scene();
    const { engine, must } = made;
    const other = makeRepo(join(made.root, 'other'));
    await engine.client.addRepo(other, { trust: true });
    const content = planOf(['true']);
    for (const plan of ['p', 'q']) await engine.client.registerPlan({ project: 'demo', plan, content });
    await engine.client.registerPlan({ project: 'other', plan: 'r', content });
    await must('signal', 'send', 'needs-decision', 'p', '--payload', 'tabs or spaces?');
    expect(await made.json('plan', 'show', 'p')).toMatchObject({ blocked: { reason: 'question 1: tabs or spaces?' } });
    expect((await made.stator(['signal', 'send', 'reopen', 'q'])).code).toBe(1);
    const listed = (...words: string[]) => made.json<Signal[]>('signal', 'list', ...words);
    const plans = async (...words: string[]) => [...new Set((await listed(...words)).map(({ plan }) => plan))];
    expect((await plans()).filter((plan) => plan !== '').sort()).toEqual(['p', 'q']);
    expect(await plans('--all')).toEqual(expect.arrayContaining(['p', 'q', 'r']));
    expect(await plans('p')).toEqual(['p']);
    const [failed, ...more] = await listed('--status', 'failed');
    expect([failed, more]).toMatchObject([{ plan: 'q', type: 'reopen' }, []]);
    const id = String(failed?.id);
    expect((await made.stator(['signal', 'list', '--status', 'dun'])).stderr).toContain('write one of pending, held,');
    expect(await must('signal', 'list', '--status', 'failed')).toMatch(/refused by plan in ready\.planned\s*$/);
    expect(await made.json('signal', 'show', id)).toMatchObject({ type: 'reopen', plan: 'q', status: 'failed' });
    await must('plan', 'cancel', 'q');
    await must('signal', 'retry', id);
    expect(await made.json('plan', 'show', 'q')).toMatchObject({ status: 'ready' });
    expect(await made.json('signal', 'show', id)).toMatchObject({ status: 'done' });
    expect((await made.stator(['signal', 'retry', id])).code).toBe(1);
    const broken = ['signal', 'send', 'implement-task-finished', 'p', '--payload', '{"wave_number": 1'];
    expectRefusal((await made.stator(broken)).stderr, 'is no JSON object');
  });
});

interface Line {
  readonly seq: number;
  readonly event: string;
}

describe('a tree of your own machine', () => {
  it('is started with its input, sent signals with a payload, shown, and deleted with --yes', async () => {
    const made = await scene({ machines: [defineRelease()] });
    const { must } = made;
    const listed = async () => (await made.json<{ id: string }[]>('machine', 'list', 'release')).map(({ id }) => id);
    const state = async (id: string) => (await made.json<{ value: string }>('machine', 'show', 'release', id)).value;
    for (const id of ['1', '2']) await must('machine', 'start', 'release', id, '--input', `{"version": "${id}"}`);
    expect((await listed()).sort()).toEqual(['1', '2']);
    expect((await made.stator(['machine', 'send', 'release', '1', 'refuse'])).code).not.toBe(0);
    expect(await state('1')).toBe('asking');
    await must('machine', 'send', 'release', '1', 'refuse', '--payload', '{"reason": "not yet"}');
    expect(await state('1')).toBe('refused');
    const lines = await made.json<Line[]>('machine', 'history', 'release', '1');
    expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['begun', 'refuse']));
    const begun = lines.find(({ event }) => event === 'begun')?.seq ?? 0;
    const later = await made.json<Line[]>('machine', 'history', 'release', '1', '--after', `${begun}`);
    expect(later).toEqual(lines.filter(({ seq }) => seq > begun));
    expect(await made.json('machine', 'explain', 'release', '2')).toMatchObject({ value: 'asking' });
    for (const [id, flags, place] of [
      ['1', [], '--yes'],
      ['2', ['--yes'], '--force'],
    ] as const) {
      const refused = await made.stator(['machine', 'delete', 'release', id, ...flags]);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(place)]);
    }
    expect((await listed()).sort()).toEqual(['1', '2']);
    await must('machine', 'delete', 'release', '1', '--yes');
    expect(await listed()).toEqual(['2']);
    const db = new Database(storeFile(made.home));
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
      INSERT INTO trees SELECT 'release:more-' || i, machine, version, steps, snapshot, updated_at, stator FROM n, trees WHERE address = 'release:2'`);
    expect(await listed()).toHaveLength(1_101);
    db.exec("DELETE FROM trees WHERE address LIKE 'release:more-%'");
    db.close();
    await must('machine', 'delete', 'release', '2', '--yes', '--force');
    expect(await listed()).toEqual([]);
  });
});
