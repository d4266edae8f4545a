/** Which actor of a plan's tree a signal is for, and whether that actor still waits for it. */
import { describe, expect, it } from 'vitest';
import { actorAt, actorsOf, addresseeOf, baseOf, childrenOf, notBegunIn } from '../../actors/addressee.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { Signal } from '../../machines/vocabulary/signal.ts';
import { atRest, planAt } from '../support/at-rest.ts';

const agentPath = 'wave-1.1/task-1.1/agent';

/** A plan with a wave of two tasks, and a reviewer; the first task has an agent. */
function family(agent: Partial<AgentContext> = {}, state = 'running') {
  const coder = atRest('agent', state, {
    context: { path: agentPath, run: `${agentPath}#2`, timer: `${agentPath}#3`, ...agent },
  });
  const first = atRest('task', 'working', {
    context: { path: 'wave-1.1/task-1.1', wave: 1, number: 1, work: 'wave-1.1/task-1.1#4' },
    children: { agent: coder },
  });
  const second = atRest('task', 'pending', { context: { path: 'wave-1.1/task-2.1', wave: 1, number: 2 } });
  const wave = atRest('wave', 'running', {
    context: { path: 'wave-1.1', number: 1 },
    children: { 'task-1.1': first, 'task-2.1': second },
  });
  const reviewer = atRest('agent', 'running', {
    context: { path: 'reviewer.2', title: 'hello-review', run: 'reviewer.2#1', base: 'begun' },
  });
  const root = planAt('underway.implementing.wave.running', {
    context: {
      activeChildId: 'wave-1.1',
      ...{ work: '#1', timer: '#2' },
      merge: { work: '#3', into: null, merged: null, refused: null },
      pull: { work: '#4', request: null, refused: null, seen: [], remarks: [] },
    },
    children: { 'wave-1.1': wave, 'reviewer.2': reviewer },
  });
  return { root, wave, first, second, coder, reviewer };
}

const all = family();
const names = new Map(Object.entries(all).map(([name, ref]) => [ref, name]));

/** The name of the actor, or why there is none. */
function foundBy(signal: Partial<Signal>, { root, ...others } = all): string {
  const given = { type: 'timer_due', payload: {}, origin: 'engine', actor: '', run: null, at: 1, ...signal };
  const found = addresseeOf(root, given as Signal);
  if (found.kind === 'actor') return names.get(found.ref) ?? nameIn({ root, ...others }, found.ref);
  return found.kind === 'nobody' ? `nobody: ${found.what}` : found.kind;
}
function nameIn(group: object, ref: unknown): string {
  return Object.entries(group).find(([, each]) => each === ref)?.[0] ?? '?';
}

describe('a tree', () => {
  it('lists its actors, the root first', () => {
    expect([...actorsOf(all.root)].map((ref) => names.get(ref))).toEqual([
      ...['root', 'wave', 'first', 'coder', 'second', 'reviewer'],
    ]);
    expect(childrenOf(all.wave).map((ref) => names.get(ref))).toEqual(['first', 'second']);
    const gone = atRest('wave', 'running', { children: { 'task-1.1': all.first } });
    Object.assign(gone.getSnapshot().children, { 'task-2.1': undefined });
    expect(childrenOf(gone)).toEqual([all.first]);
  });

  it('finds an actor by its path while it is active', () => {
    expect(actorAt(all.root, '')).toBe(all.root);
    expect(actorAt(all.root, agentPath)).toBe(all.coder);
    expect(actorAt(all.root, 'wave-1.1/task-3.1')).toBeNull();
    expect(actorAt(all.root, 'wave-9.1/task-1.1')).toBeNull();
    const ended = family({}, 'succeeded');
    expect(actorAt(ended.root, agentPath)).toBeNull();
  });

  it('finds the next actor of a path once the one before has ended', () => {
    const next = family();
    let current = next.coder.getSnapshot();
    const changing = { ...next.coder, id: 'agent', getSnapshot: () => current };
    Object.assign(next.first.getSnapshot().children, { agent: changing });
    expect(actorAt(next.root, agentPath)).toBe(changing);
    current = family({}, 'failed').coder.getSnapshot();
    expect(actorAt(next.root, agentPath)).toBeNull();
    Object.assign(next.first.getSnapshot().children, { agent: next.coder });
    expect(actorAt(next.root, agentPath)).toBe(next.coder);
    expect(actorAt(next.root, 'reviewer.2')).toBe(next.reviewer);
  });
});

describe('a signal of the engine', () => {
  it('is for the actor that asked, as long as it waits for that', () => {
    expect(foundBy({ run: `${agentPath}#2`, type: 'run_exited' })).toBe('coder');
    expect(foundBy({ run: `${agentPath}#3` })).toBe('coder');
    expect(foundBy({ run: `${agentPath}#1`, type: 'run_exited' })).toBe('gone');
    expect(foundBy({ run: 'wave-1.1/task-1.1#4', type: 'work_merged' })).toBe('first');
    expect(foundBy({ run: 'wave-1.1/task-1.1#3', type: 'work_merged' })).toBe('gone');
    for (const run of ['#1', '#2', '#3', '#4']) expect(foundBy({ run })).toBe('root');
    expect(foundBy({ run: '#5' })).toBe('gone');
    expect(foundBy({ run: 'coder.7#1' })).toBe('gone');
  });

  it('is for nobody once the run has ended', () => {
    const ended = { at: 1, code: 0, cause: 'exit', until: null } as const;
    expect(foundBy({ run: `${agentPath}#2`, type: 'run_exited' }, family({ ended }))).toBe('gone');
    expect(foundBy({ run: `${agentPath}#3` }, family({ ended }))).toBe('coder');
    expect(foundBy({ run: `${agentPath}#2`, origin: 'agent:x', type: 'needs_decision' }, family({ ended }))).toBe(
      'coder',
    );
  });

  it('without a request is for the root, or for the actor that it names', () => {
    expect(foundBy({ type: 'policy' })).toBe('root');
    expect(foundBy({ actor: 'reviewer.2' })).toBe('reviewer');
    expect(foundBy({ actor: 'reviewer.3' })).toBe('gone');
    expect(foundBy({ actor: 'reviewer.2', run: '#1' })).toBe('reviewer');
  });
});

describe('a signal of an agent', () => {
  const origin = 'agent:hello-w1-t1';
  it('is for the plan, and its question for itself', () => {
    expect(foundBy({ origin, run: `${agentPath}#2`, type: 'implement_finished' })).toBe('root');
    expect(foundBy({ origin, run: `${agentPath}#2`, type: 'needs_decision' })).toBe('coder');
    expect(foundBy({ origin, type: 'needs_decision' })).toBe('root');
  });

  it('counts until its next run, and not after it asked', () => {
    expect(foundBy({ origin, run: `${agentPath}#1`, type: 'implement_finished' })).toBe('gone');
    const asking = family({ ending: 'decision' });
    expect(foundBy({ origin, run: `${agentPath}#2`, type: 'implement_finished' }, asking)).toBe('gone');
    expect(foundBy({ run: `${agentPath}#2`, type: 'run_exited' }, asking)).toBe('coder');
    expect(foundBy({ origin, run: 'coder.7#1', type: 'implement_finished' })).toBe('gone');
    const stopping = family({ ending: 'timeout' }, 'stopping');
    expect(foundBy({ origin, run: `${agentPath}#2`, type: 'needs_decision' }, stopping)).toBe('coder');
  });

  it('by a file is the same, but for a question of one that is being ended: a person is asked by the plan', () => {
    const asks = { origin: 'file', run: `${agentPath}#2`, type: 'needs_decision' } as const;
    expect(foundBy(asks)).toBe('coder');
    expect(foundBy({ ...asks, type: 'implement_finished' })).toBe('root');
    expect(foundBy(asks, family({ ending: 'timeout' }, 'stopping'))).toBe('root');
    expect(foundBy(asks, family({ ending: 'decision' }, 'stopping'))).toBe('gone');
  });
});

describe('a signal of a person', () => {
  const origin = 'person';
  it('finds an agent by its title', () => {
    const to = (title: string, group = all) => foundBy({ origin, type: 'agent_kill', payload: { title } }, group);
    expect(to('hello-w1-t1')).toBe('coder');
    expect(to('hello-review')).toBe('reviewer');
    expect(to('hello-w1-t2')).toBe('nobody: agent hello-w1-t2 is not under way');
    expect(to('hello-w1-t1', family({}, 'cancelled'))).toBe('nobody: agent hello-w1-t1 is not under way');
    const titled = atRest('wave', 'running', { context: { title: 'hello-x' } as object });
    const root = planAt('ready.planned', { children: { x: titled } });
    expect(to('hello-x', { ...all, root })).toBe('nobody: agent hello-x is not under way');
  });

  it('finds the youngest of several agents with one title', () => {
    const twins = ['coder.1', 'coder.2'].map((path) => atRest('agent', 'running', { context: { path } }));
    const [older, younger] = twins;
    if (older === undefined || younger === undefined) throw new Error('two were made');
    const root = planAt('ready.planned', { children: { 'coder.1': older, 'coder.2': younger } });
    expect(
      addresseeOf(root, {
        type: 'agent_kill',
        payload: { title: 'hello-w1-t1' },
        origin,
        actor: '',
        run: null,
        at: 1,
      } as Signal),
    ).toEqual({ kind: 'actor', ref: younger });
  });

  it('finds a task by its numbers', () => {
    const to = (wave_number: number, task_number: number) =>
      foundBy({ origin, type: 'implement_task_finished', payload: { wave_number, task_number } });
    expect(to(1, 1)).toBe('first');
    expect(to(1, 2)).toBe('second');
    expect(to(2, 1)).toBe('nobody: task 1 of wave 2 is not under way');
    expect(to(1, 3)).toBe('nobody: task 3 of wave 1 is not under way');
  });

  it('finds no wave or agent in place of a task', () => {
    const other = atRest('wave', 'running', { context: { wave: 3, number: 4 } as object });
    const root = planAt('ready.planned', { children: { x: other } });
    const payload = { wave_number: 3, task_number: 4 };
    expect(foundBy({ origin, type: 'implement_task_finished', payload }, { ...all, root })).toMatch(/^nobody/);
  });

  it('is else for the plan', () => {
    expect(foundBy({ origin, type: 'cancel' })).toBe('root');
  });
});

describe('an approval', () => {
  it('is about the commit at which its run began', () => {
    expect(baseOf(all.root, { run: 'reviewer.2#1' })).toBe('begun');
    expect(baseOf(all.root, { run: `${agentPath}#2` })).toBeNull();
    expect(baseOf(all.root, { run: 'reviewer.3#1' })).toBeNull();
    expect(baseOf(all.root, { run: 'wave-1.1#1' })).toBeNull();
  });

  it('without a run is about that of the plan’s active agent', () => {
    const at = (activeChildId: string | null) =>
      baseOf(
        planAt('underway.reviewing.working', { context: { activeChildId }, children: { 'reviewer.2': all.reviewer } }),
        { run: null },
      );
    expect(at('reviewer.2')).toBe('begun');
    expect(at('reviewer.3')).toBeNull();
    expect(at(null)).toBeNull();
  });
});

describe('the tasks that may still change', () => {
  const changeable = (agent: Partial<AgentContext>, state: string) => notBegunIn(family(agent, state).root);
  it('are those that wait, and those whose first run has not begun', () => {
    expect(changeable({ runs: 1 }, 'running')).toEqual([2]);
    expect(changeable({ runs: 0 }, 'queued')).toEqual([1, 2]);
    expect(changeable({ runs: 1 }, 'queued')).toEqual([2]);
    expect(changeable({ runs: 0 }, 'running')).toEqual([2]);
  });

  it('are not named without a wave at work', () => {
    const of = (activeChildId: string | null) => notBegunIn(planAt('ready.planned', { context: { activeChildId } }));
    expect(of(null)).toEqual([]);
    expect(of('wave-1.1')).toEqual([]);
  });
});
