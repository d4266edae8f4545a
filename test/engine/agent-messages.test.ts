/** What people send to an agent is read on its next turn, and its work does not count before. */
import { describe, expect, it } from 'vitest';
import { messagesFor } from '../../machines/vocabulary/agent-message.ts';
import type { World } from '../support/chaos.ts';
import { begin, exit, finishTask, reply, run, runs, say, titles } from '../support/hands.ts';
import { worldOf } from '../support/plan-states.ts';
import { expectProse } from '../support/prose.ts';
import { planText, sha } from '../support/simulation.ts';

const title = 'hello-w1-t1';

function started(start: Parameters<typeof worldOf>[0] = {}): World {
  const world = worldOf({ on: [], content: planText([1]), ...start });
  world.person('implement_start');
  world.drain();
  return world;
}

function send(world: World, body: string, to = title): string {
  const { verdict } = world.person('agent_send', { title: to, body });
  world.drain();
  if (verdict.status === 'refused') return verdict.refusal.guard ?? 'refused';
  return verdict.status === 'held' ? 'held' : verdict.result;
}

/** What a run would find in its prompt now. */
function messagesTo(world: World, { to = title, isResumed = false } = {}): readonly string[] {
  return messagesFor(world.context().words, { title: to, isResumed }).messages;
}

describe('a message to an agent', () => {
  it('at work starts another turn when the run has ended, no attempt spent, and on what the run left', () => {
    const world = started();
    const first = begin(world, title);
    expect(send(world, 'use tabs')).toBe('done');
    exit(world, first);
    expect(run(world, title).effect).toMatchObject({ start: 'continue', attempt: 1 });
    expect(messagesTo(world, { isResumed: true })).toEqual(['use tabs']);
    exit(world, begin(world, title));
    expect(messagesTo(world, { isResumed: true })).toEqual([]);
    expect(world.open().map(({ effect }) => (effect.kind === 'work.commit' ? effect.aside : effect.kind))).toEqual([
      true,
      false,
    ]);
  });

  it('that waits for a slot is in the prompt of the run that gets it, which keeps its place', () => {
    const world = started();
    const asked = run(world, title);
    expect(send(world, 'use tabs')).toBe('done');
    expect(run(world, title).effect.id).toBe(asked.effect.id);
    expect(messagesTo(world)).toEqual(['use tabs']);
    exit(world, begin(world, title));
    expect(titles(world)).toEqual([]);
  });

  it('is told to every attempt until one delivers', () => {
    const world = started();
    const first = begin(world, title);
    send(world, 'use tabs');
    exit(world, first, 1);
    send(world, 'and no spaces');
    const timer = world.timers.at(-1);
    if (timer !== undefined) world.fire(timer);
    world.drain();
    expect(run(world, title).effect).toMatchObject({ attempt: 2 });
    expect(messagesTo(world)).toEqual(['use tabs', 'and no spaces']);
  });

  it('outlives the word that the task is finished, since nobody has read it yet', () => {
    const world = started();
    const first = begin(world, title);
    send(world, 'use tabs');
    expect(say(world, first, 'implement_task_finished', { wave_number: 1, task_number: 1 })).toBe('done');
    exit(world, first, 143);
    expect(messagesTo(world, { isResumed: true })).toEqual(['use tabs']);
    const second = begin(world, title);
    expect(second.effect).toMatchObject({ start: 'continue' });
    exit(world, second);
    reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    reply(world, 'work.merge', 'work_merged', { head: world.nextSha() });
    expect(world.lifecycle()).toBe('done');
  });

  it('does not bring back a reviewer that has given its verdict', () => {
    const world = started({ on: ['reviewer'] });
    finishTask(world, title);
    const review = begin(world, 'hello-review-1');
    send(world, 'mind the tests', 'hello-review-1');
    say(world, review, 'review_approved');
    exit(world, review, 143);
    expect(world.lifecycle()).toBe('done');
    expect(titles(world)).toEqual([]);
  });

  it('is refused where nobody would read it, and where ten wait already', () => {
    const world = started();
    const first = begin(world, title);
    for (let count = 1; count <= 10; count += 1) expect(send(world, `word ${count}`)).toBe('done');
    expectProse(send(world, 'one more'));
    world.person('agent_kill', { title });
    world.drain();
    expectProse(send(world, 'one more'));
    exit(world, first, 143);
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
  });
});

describe('what the next run finds', () => {
  it('is what the last one left after a pause, and its branch anew after a failure or a restart', () => {
    const world = started();
    const starts = () => runs(world).map(({ effect }) => effect.start);
    const first = begin(world, title);
    world.person('pause');
    world.drain();
    world.report(first, 'run_exited', { code: 143, cause: 'stopped', detail: '' });
    world.person('resume');
    world.drain();
    expect(starts()).toEqual(['begin', 'continue']);
    const second = begin(world, title);
    world.person('agent_restart', { title });
    world.drain();
    exit(world, second, 143);
    expect(starts()).toEqual(['begin', 'continue', 'restart']);
    exit(world, begin(world, title), 1);
    const timer = world.timers.at(-1);
    if (timer !== undefined) world.fire(timer);
    world.drain();
    expect(starts()).toEqual(['begin', 'continue', 'restart', 'begin']);
  });
});

describe('an agent that is started in place of one that failed for good', () => {
  it('receives why that one failed, and later agents do not', () => {
    const world = started({ rest: { blueprint_skip_threshold: 9 } });
    const coder = begin(world, 'hello-coder');
    for (let run = coder; ; run = begin(world, 'hello-coder')) {
      exit(world, run, 7);
      const timer = world.timers.at(-1);
      if (world.context().blocked !== null || timer === undefined) break;
      world.fire(timer);
      world.drain();
    }
    expect(world.context().blocked).toMatchObject({ source: 'failed' });
    world.person('resolve', { body: 'use tabs' });
    world.drain();
    expect(run(world, 'hello-coder').effect).toMatchObject({
      feedback: 'A person says: use tabs',
      previous: { reason: 'exit-code', detail: 'exit 7' },
    });
    expect(world.context().failed).toBe(null);
  });
});
