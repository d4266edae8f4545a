/** A wave: which of its tasks may begin, the effect of a retry, and which tasks an edit ends. */
import { describe, expect, it } from 'vitest';
import { fileHolderOf } from '../../machines/wave/machine.ts';
import type { World } from '../support/chaos.ts';
import { begin, exit, finishTask, reply, run, titles } from '../support/hands.ts';
import { worldOf } from '../support/plan-states.ts';
import { sha } from '../support/simulation.ts';

const document = (...tasks: string[]) => `# P\n\n## Wave 1\n${tasks.map((task) => `### ${task}\n`).join('')}`;

function started(tasks: string[], rest: Parameters<typeof worldOf>[0] = {}): World {
  const world = worldOf({ on: [], content: document(...tasks), ...rest });
  world.person('implement_start');
  world.drain();
  return world;
}

/** A person ends its last attempt. */
function fail(world: World, title: string): void {
  const row = begin(world, title);
  world.person('agent_kill', { title });
  world.drain();
  exit(world, row, 1);
}

/** If tasks share a worktree, there is nothing to merge. */
function finishShared(world: World, title: string): void {
  exit(world, begin(world, title));
  reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
}

describe('the tasks of a wave that share a worktree', () => {
  const rest = { rest: { isolation: 'plan' } } as const;

  it('begin one at a time, in the order of the document', () => {
    const world = started(['Task 1: a', 'Task 2: b', 'Task 3: c'], rest);
    for (const number of [1, 2, 3]) {
      expect(titles(world)).toEqual([`hello-w1-t${number}`]);
      finishShared(world, `hello-w1-t${number}`);
    }
    expect(world.lifecycle()).toBe('done');
  });

  it('work on the branch of the plan, and others each on one of its own', () => {
    const branchesOf = (world: World) =>
      titles(world).map((title) => {
        const { place } = run(world, title).effect;
        return [place.branch, place.from];
      });
    expect(branchesOf(started(['Task 1: a', 'Task 2: b'], rest))).toEqual([['plan/hello', 'plan/hello']]);
    expect(branchesOf(started(['Task 1: a', 'Task 2: b']))).toEqual([
      ['plan/hello-w1-t1', 'plan/hello'],
      ['plan/hello-w1-t2', 'plan/hello'],
    ]);
  });

  it('go on after one has failed, with what does not come after it', () => {
    const world = started(['Task 1: a', 'Task 2: b\n**After:** 1', 'Task 3: c'], rest);
    fail(world, 'hello-w1-t1');
    expect(titles(world)).toEqual(['hello-w1-t3']);
    finishShared(world, 'hello-w1-t3');
    expect(titles(world)).toEqual([]);
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
  });
});

describe('tasks whose files overlap', () => {
  const tasks = ['Task 1: a\n**Files:** src/', 'Task 2: b\n**Files:** src/a.ts', 'Task 3: c\n**Files:** docs/'];

  it('run one after the other, whatever comes of the first, and the others beside them', () => {
    for (const end of [finishTask, fail]) {
      const world = started(tasks);
      expect(titles(world)).toEqual(['hello-w1-t1', 'hello-w1-t3']);
      finishTask(world, 'hello-w1-t3');
      expect(titles(world)).toEqual(['hello-w1-t1']);
      end(world, 'hello-w1-t1');
      expect(titles(world)).toEqual(['hello-w1-t2']);
    }
  });

  const outline = (number: number, files: string[], after: number[] = []) => ({
    number,
    title: `t${number}`,
    hasCheck: false,
    after,
    files,
    digest: `${number}`,
  });
  const done = { status: 'done', runs: 1, reason: null, detail: '', run: null } as const;
  const wave = {
    tasks: [outline(1, ['src/']), outline(2, ['src/a.ts']), outline(3, ['docs/']), outline(4, ['src/b.ts'], [3])],
    results: {},
    liveChildren: { 'task-1.1': 1, 'task-2.1': 2, 'task-3.1': 3, 'task-4.1': 4 },
    started: [1, 3],
  };

  it.each([
    ['a task that only its files hold back', wave, 2, { task: 1, path: 'src/a.ts' }],
    ['a task that is at work', wave, 1, null],
    ['one whose files nobody has', { ...wave, started: [3] }, 2, null],
    ['one that waits for another task', wave, 4, null],
    ['that one, once the other is done', { ...wave, results: { 3: done } }, 4, { task: 1, path: 'src/b.ts' }],
    ['one that waits for a task that failed', { ...wave, results: { 3: { ...done, status: 'failed' } } }, 4, null],
    ['one that has its result', { ...wave, results: { 2: done } }, 2, null],
    ['a task that is not there', wave, 9, null],
    ['one whose holder is final', { ...wave, liveChildren: { 'task-2.1': 2, 'task-3.1': 3 } }, 2, null],
  ] as const)('are said for %s', (_what, context, number, holder) => {
    expect(fileHolderOf(structuredClone(context) as unknown as Parameters<typeof fileHolderOf>[0], number)).toEqual(
      holder,
    );
  });
});

describe('a retry of a wave', () => {
  it('tells an agent how its task ended before, and begins no task that is done', () => {
    const world = started(['Task 1: a', 'Task 2: b', 'Task 3: c\n**After:** 1']);
    const last = run(world, 'hello-w1-t1').effect;
    expect(last.previous).toBeNull();
    finishTask(world, 'hello-w1-t2');
    fail(world, 'hello-w1-t1');
    expect(world.lifecycle()).toBe('underway.implementing.wave.waiting');
    const { runs, reason, status } = world.context().results[1]?.[1] ?? {};
    expect({ runs, status }).toEqual({ runs: 1, status: 'failed' });

    world.person('retry_wave');
    world.drain();
    expect(titles(world)).toEqual(['hello-w1-t1']);
    expect(run(world, 'hello-w1-t1').effect.previous).toMatchObject({ run: last.id, reason });
    finishTask(world, 'hello-w1-t1');
    // The task never ran, so there is no previous run.
    expect(run(world, 'hello-w1-t3').effect.previous).toBeNull();
    finishTask(world, 'hello-w1-t3');
    expect(world.context().results[1]).toMatchObject({ 1: { runs: 2 }, 2: { runs: 1 }, 3: { runs: 1 } });
    expect(world.lifecycle()).toBe('done');
  });

  it('of a task that succeeded in between leaves the earlier failure behind', () => {
    const world = started(['Task 1: a', 'Task 2: b']);
    for (const title of titles(world)) fail(world, title);
    world.person('retry_wave');
    world.drain();
    finishTask(world, 'hello-w1-t1');
    fail(world, 'hello-w1-t2');
    expect(world.context().results[1]).toMatchObject({
      1: { status: 'done', runs: 2, reason: null },
      2: { status: 'failed', runs: 2 },
    });
  });
});

it('the agent that a task names is asked for, and for the others none', () => {
  const world = started(['Task 1: a\n**Agent:** strong', 'Task 2: b']);
  expect(run(world, 'hello-w1-t1').effect.agent).toBe('strong');
  expect('agent' in run(world, 'hello-w1-t2').effect).toBe(false);
});
