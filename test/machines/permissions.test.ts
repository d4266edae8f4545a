/** A permission question of an agent's program, from the question to its end, one story each. */
import { describe, expect, it } from 'vitest';
import { actorsOf, snapshotOf } from '../../actors/addressee.ts';
import { stateText } from '../../actors/recorder.ts';
import { plan, type World } from '../support/chaos.ts';
import { begin, exit, run } from '../support/hands.ts';
import { liveTree, worldOf } from '../support/plan-states.ts';
import { planText } from '../support/simulation.ts';

const title = 'hello-w1-t1';
const limitMs = 60_000;
const [first, second] = ['0000000a', '0000000b'];

function started(): World {
  const world = worldOf({ on: [], content: planText([1]) });
  world.person('implement_start');
  world.drain();
  begin(world, title);
  return world;
}

function ask(world: World, permission: string): void {
  const words = { permission, tool: 'Bash', detail: 'make deploy', limit_ms: limitMs };
  world.post(plan, 'run_waiting', words, { run: run(world, title).effect.id });
  world.drain();
}

function send(
  world: World,
  type: 'agent_allow' | 'agent_deny' | 'agent_pause' | 'agent_resume' | 'agent_kill',
  more: object = {},
) {
  const { verdict } = world.person(type, { title, ...more });
  world.drain();
  return verdict.status;
}

function agentOf(world: World) {
  const found = [...actorsOf(liveTree(world).root)].map(snapshotOf).find(({ context }) => context.title === title);
  if (found === undefined) throw new Error('no agent');
  return { state: stateText(found.value), asks: found.context.permissions.map(({ id }: { id: string }) => id) };
}

function answers(world: World) {
  return [...world.rows.values()].flatMap(({ effect }) => (effect.kind === 'agent.answer' ? [effect] : []));
}

/** Fires the current timers in order. Outdated timers no longer count. */
function fireAll(world: World): void {
  for (const timer of world.timers.toSorted((a, b) => a.dueAt - b.dueAt)) world.fire(timer);
  world.drain();
}

describe('a question of an agent', () => {
  it('is answered once by a person, and the agent goes on with its deadline moved', () => {
    const world = started();
    ask(world, first);
    expect(agentOf(world)).toEqual({ state: 'waiting.permission', asks: [first] });
    expect(send(world, 'agent_allow')).toBe('done');
    expect(agentOf(world)).toEqual({ state: 'running', asks: [] });
    expect(answers(world)).toMatchObject([{ permission: first, isAllowed: true, message: '' }]);
    expect(send(world, 'agent_allow')).toBe('refused');
    expect(send(world, 'agent_deny', { permission: first })).toBe('refused');
    expect(answers(world)).toHaveLength(1);
    world.checkReplay();
  });

  it('is denied when nobody answered until its deadline, with the reason, and the run goes on', () => {
    const world = started();
    ask(world, first);
    fireAll(world);
    expect(agentOf(world)).toEqual({ state: 'running', asks: [] });
    expect(answers(world)).toMatchObject([
      { isAllowed: false, message: expect.stringContaining('nobody answered within 1m 00s') },
    ]);
    expect(run(world, title).isStopped).toBe(false);
  });

  it('waits beside others, and of several one must be named', () => {
    const world = started();
    ask(world, first);
    ask(world, second);
    ask(world, second);
    expect(agentOf(world).asks).toEqual([first, second]);
    expect(send(world, 'agent_allow')).toBe('refused');
    expect(send(world, 'agent_allow', { permission: '0000000c' })).toBe('refused');
    expect(send(world, 'agent_deny', { permission: second, message: 'not on Fridays' })).toBe('done');
    expect(agentOf(world)).toEqual({ state: 'waiting.permission', asks: [first] });
    expect(send(world, 'agent_allow')).toBe('done');
    expect(answers(world)).toMatchObject([
      { permission: second, isAllowed: false, message: 'not on Fridays' },
      { permission: first, isAllowed: true },
    ]);
    expect(agentOf(world).state).toBe('running');
  });

  it('is taken back by the program that asked, and the rest goes on waiting', () => {
    const world = started();
    ask(world, first);
    ask(world, second);
    for (const permission of [first, first, second]) {
      world.post(plan, 'run_going', { permission }, { run: run(world, title).effect.id });
      world.drain();
    }
    expect(agentOf(world)).toEqual({ state: 'running', asks: [] });
    expect(answers(world)).toEqual([]);
  });

  it('that comes while the agent is frozen is taken up when it goes on', () => {
    const world = started();
    send(world, 'agent_pause');
    ask(world, first);
    expect(agentOf(world)).toEqual({ state: 'paused', asks: [first] });
    expect(send(world, 'agent_allow')).toBe('refused');
    send(world, 'agent_resume');
    expect(agentOf(world).state).toBe('waiting.permission');
    expect(send(world, 'agent_allow')).toBe('done');
  });

  it('that came while the agent was frozen has its whole time when it goes on', () => {
    const world = started();
    send(world, 'agent_pause');
    ask(world, first);
    // The run's own deadline was paused, so its rest does not count, and the question's deadline has passed.
    fireAll(world);
    const now = world.now();
    expect(agentOf(world)).toEqual({ state: 'paused', asks: [first] });
    send(world, 'agent_resume');
    expect(agentOf(world).state).toBe('waiting.permission');
    expect(Math.max(...world.timers.map(({ dueAt }) => dueAt))).toBeGreaterThanOrEqual(now + 60_000);
    fireAll(world);
    expect(answers(world)).toMatchObject([{ isAllowed: false }]);
    world.checkReplay();
  });

  it('ends with its run, and the next run has none', () => {
    const world = started();
    ask(world, first);
    exit(world, run(world, title), 1);
    expect(agentOf(world)).toEqual({ state: 'backingOff', asks: [] });
    expect(send(world, 'agent_allow')).toBe('refused');
  });

  it('is refused where the run is being ended', () => {
    const world = started();
    send(world, 'agent_kill');
    ask(world, first);
    expect(agentOf(world)).toEqual({ state: 'stopping', asks: [] });
  });

  it('is one of at most sixteen', () => {
    const world = started();
    for (let n = 0; n < 20; n += 1) ask(world, n.toString(16).padStart(8, '0'));
    expect(agentOf(world).asks).toHaveLength(16);
  });
});
