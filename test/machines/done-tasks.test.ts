/** Tasks that a document marks as done: nothing is started for them, and an edit applies to tasks that have not begun. */
import { describe, expect, it } from 'vitest';
import type { World } from '../support/chaos.ts';
import { begin, exit, finishTask, titles } from '../support/hands.ts';
import { worldOf } from '../support/plan-states.ts';

const document = (...tasks: string[]) => `# P\n\n## Wave 1\n${tasks.map((task) => `### ${task}\n`).join('')}`;

function started(start: Parameters<typeof worldOf>[0]): World {
  const world = worldOf({ on: [], ...start });
  world.person('implement_start');
  world.drain();
  return world;
}

function send(world: World, ...args: Parameters<World['person']>): string {
  const { verdict } = world.person(...args);
  world.drain();
  if (verdict.status === 'refused') return verdict.refusal.guard ?? 'refused';
  return verdict.status === 'held' ? 'held' : verdict.result;
}

const results = (world: World) =>
  Object.entries(world.context().results[1] ?? {}).map(([task, { status, runs }]) => `${task} ${status} ${runs}`);

describe('a task that its document marks as done', () => {
  it('is done from the beginning: only the others are started, and what comes after it may begin', () => {
    const world = started({ content: document('[x] Task 1: a', 'Task 2: b\n**After:** 1', 'Task 3: c\n**After:** 2') });
    expect(titles(world)).toEqual(['hello-w1-t2']);
    finishTask(world, 'hello-w1-t2');
    finishTask(world, 'hello-w1-t3');
    expect(results(world)).toEqual(['1 done 0', '2 done 1', '3 done 1']);
    expect(world.lifecycle()).toBe('done');
  });

  it('in a wave that is done whole leaves that wave out', () => {
    const content = `${document('✅ Task 1: a')}## Wave 2\n### Task 1: b\n`;
    expect(titles(started({ content }))).toEqual(['hello-w2-t1']);
  });

  it('does not count for whether one coder does all: two open tasks of three are two', () => {
    const content = document('[x] Task 1: a', 'Task 2: b', 'Task 3: c');
    expect(titles(started({ content, rest: { blueprint_skip_threshold: 2 } }))).toEqual(['hello-coder']);
    expect(titles(started({ content, rest: { blueprint_skip_threshold: 1 } }))).toEqual(['hello-w1-t2', 'hello-w1-t3']);
  });

  it('in a document that marks all of them leaves nothing to start, also for an architect or one coder', () => {
    for (const rest of [{}, { blueprint_skip_threshold: 9 }]) {
      const world = worldOf({ on: ['architect'], content: document('[x] Task 1: a', '[x] Task 2: b'), rest });
      expect(send(world, 'implement_start')).toBe('every task of its document is marked as done');
      expect(world.lifecycle()).toBe('ready.planned');
      expect(send(world, 'implement_wave', { wave_number: 1 })).toBe('done');
      expect(titles(world)).toEqual([]);
      expect(world.lifecycle()).toBe('done');
    }
  });

  it('by an edit is not begun any more, while one that is at work goes on and reports its own result', () => {
    const world = started({
      content: document('Task 1: a', 'Task 2: b\n**After:** 1', 'Task 3: c\n**After:** 2'),
    });
    const first = begin(world, 'hello-w1-t1');
    const content = document('[x] Task 1: a', '[x] Task 2: b\n**After:** 1', 'Task 3: c\n**After:** 2');
    expect(send(world, 'plan_updated', { content })).toBe('done');
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t3']);
    exit(world, first);
    world.drain();
    expect(titles(world)).not.toContain('hello-w1-t2');
  });

  it('after it has failed, by an edit, is not run again: the wave goes on with a retry', () => {
    const world = started({ content: document('Task 1: a', 'Task 2: b\n**After:** 1'), rest: {} });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      exit(world, begin(world, 'hello-w1-t1'), 1);
      for (const timer of [...world.timers]) world.fire(timer);
      world.drain();
    }
    expect(results(world)).toEqual(['1 failed 3']);
    const marked = document('[x] Task 1: a', 'Task 2: b\n**After:** 1');
    expect(send(world, 'plan_updated', { content: marked })).toBe('done');
    expect(send(world, 'retry_wave')).toBe('done');
    expect(titles(world)).toEqual(['hello-w1-t2']);
  });

  it('whose mark is taken away is open again', () => {
    const world = worldOf({ on: [], content: document('[x] Task 1: a', 'Task 2: b') });
    expect(results(world)).toEqual(['1 done 0']);
    expect(send(world, 'plan_updated', { content: document('Task 1: a', 'Task 2: b') })).toBe('done');
    expect(results(world)).toEqual([]);
    send(world, 'implement_start');
    expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t2']);
  });
});
