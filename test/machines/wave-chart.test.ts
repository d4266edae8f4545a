/** A wave by itself, with its tasks and their agents: which tasks begin when, what an edit changes, and what it reports. Only the charts. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { markedResult, type TaskOutline, type TaskResult } from '../../machines/vocabulary/family.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { type WaveInput, waveMachine } from '../../machines/wave/machine.ts';
import { listened } from '../support/listened.ts';

const task = (number: number, more: Partial<TaskOutline> = {}): TaskOutline => ({
  ...{ number, title: `t${number}`, hasCheck: false, after: [], files: [], digest: `${number}` },
  ...more,
});

function wave(tasks: TaskOutline[], more: Partial<WaveInput> = {}) {
  const { one, event, reported } = listened(waveMachine, {
    ...{ path: 'wave-1.1', plan: 'hello', number: 1, branch: 'plan/hello', tasks, results: {} },
    ...{ requireChange: true, coder: { ...defaultPolicy.roles.coder, attempts: 1 }, feedback: null },
    ...more,
  });
  const now = () => one.getSnapshot();
  const taskOf = (number: number) => {
    const [id = ''] = Object.entries(now().context.liveChildren).find(([, each]) => each === number) ?? [];
    return now().children[id] as AnyActorRef;
  };
  const say = (number: number, type: string, fields: object = {}) =>
    taskOf(number).getSnapshot().children.agent.send(event(type, fields));
  const begin = (number: number) => {
    say(number, 'run_starting');
    say(number, 'run_started', { base: 'base' });
  };
  return {
    send: (type: string, fields: object = {}) => one.send(event(type, fields)),
    say,
    /** What it reported since the last call. */
    reported,
    now,
    state: () => now().value,
    taskOf,
    /** Its tasks with their generations, and the state of each. */
    tasks: () =>
      Object.entries(now().children).map(
        ([id, child]) => `${id.replace('task-', '')} ${(child as AnyActorRef).getSnapshot().value}`,
      ),
    begin,
    succeed(number: number, { head = `head ${number}`, changed = true } = {}) {
      begin(number);
      say(number, 'run_exited', { code: 0, cause: 'exit', detail: '' });
      taskOf(number).send(event('work_committed', { head: `work ${number}`, base: 'base', changed }));
      if (changed && now().context.isolation !== 'plan') taskOf(number).send(event('work_merged', { head }));
    },
    fail(number: number) {
      begin(number);
      say(number, 'run_exited', { code: 1, cause: 'exit', detail: 'it broke' });
    },
  };
}
type Wave = ReturnType<typeof wave>;

const [first, second, third] = [task(1), task(2, { after: [1] }), task(3)];
const failed: TaskResult = { status: 'failed', runs: 2, reason: 'exit-code', detail: 'it broke', run: 'x#1' };
const done: TaskResult = { status: 'done', runs: 2, reason: null, detail: '', run: 'x#1' };

/** The way into each state, from the wave's beginning: its first task works, and the second waits for it. */
const ways: Record<string, (one: Wave) => void> = {
  running: (one) => one.begin(1),
  settled: (one) => one.fail(1),
  ending: (one) => {
    one.begin(1);
    one.send('end');
  },
};

function waveIn(state: string): Wave {
  const one = wave([first, second]);
  ways[state]?.(one);
  expect(one.state()).toBe(state);
  expect([...one.now().tags]).toEqual({ running: ['wave:running'], settled: ['wave:failed'] }[state] ?? []);
  one.reported();
  return one;
}

const question = { id: 'task-1.1', title: 'hello-w1-t1', run: 'wave-1.1/task-1.1/agent#1' };

/** Each event that a wave can get, with the fields that it must have. */
const events: Record<string, object> = {
  retry: {},
  extend: { tasks: [first, second, third] },
  requeue: {},
  answered: { run: question.run, answer: 'spaces' },
  finish: {},
  end: {},
  child_asked: { ...question, question: 'tabs?' },
  question_withdrawn: question,
};

/** What an event leads to in a state: reports, its tasks where they change, and the next state. An event that has no line is refused. */
const tables: Record<string, string> = {
  running: `
retry              ignored
extend             1.1 working, 2.1 pending, 3.2 working
requeue            noted
answered           noted
finish             ignored
end                1.1 ending, to ending
child_asked        tells child_asked
question_withdrawn tells question_withdrawn`,
  settled: `
retry              2.1 pending, 1.2 working, to running
extend             no tasks
requeue            ignored
answered           ignored
finish             ignored
end                ends, no tasks, to ended`,
  ending: `
retry              ignored
extend             ignored
requeue            ignored
answered           ignored
finish             ignored
end                ignored
child_asked        ignored
question_withdrawn tells question_withdrawn`,
};

/** `ignored`: the state names the event and says why nothing follows. */
function lineOf(state: string, type: string, fields: object): string[] {
  const one = waveIn(state);
  const event = { type, at: 99, ...fields } as never;
  const { machine } = one.now();
  if (machine.getTransitionData(one.now() as never, event).length === 0) return [];
  const isTaken = one.now().can(event);
  const before = one.tasks().join(', ');
  one.send(type, fields);
  const reports = one.reported().map(({ type }) => (type.startsWith('xstate.done') ? 'ends' : `tells ${type}`));
  const tasks = one.tasks().join(', ');
  const next = one.state() === state ? [] : [`to ${one.state()}`];
  const follows = [...reports, ...(tasks === before ? [] : [tasks || 'no tasks']), ...next].join(', ');
  return [`${type.padEnd(18)} ${follows === '' ? (isTaken ? 'noted' : 'ignored') : follows}`];
}

describe('what follows from each event in', () => {
  it.each(Object.keys(ways))('%s', (state) => {
    const lines = Object.entries(events).flatMap(([type, fields]) => lineOf(state, type, fields));
    expect(lines).toEqual((tables[state] ?? '').trim().split('\n'));
  });
});

describe('the tasks of a wave', () => {
  it('begin when those before them are done, and their results and the last head are its output', () => {
    const one = wave([first, second, third], { requireChange: false });
    expect(one.tasks()).toEqual(['1.1 working', '2.1 pending', '3.1 working']);
    one.succeed(3);
    expect(one.tasks()).toEqual(['1.1 working', '2.1 pending']);
    one.succeed(1, { changed: false });
    expect(one.tasks()).toEqual(['2.1 working']);
    expect(one.now().context).toMatchObject({ started: [2], head: 'head 3', at: 9 });
    one.succeed(2);
    const result = (number: number, commit: object = { commit: `work ${number}` }) => ({
      ...{ status: 'done', runs: 1, reason: null, detail: '', run: `wave-1.1/task-${number}.1/agent#1` },
      ...commit,
    });
    expect(one.now().output).toEqual({
      ...{ at: 14, outcome: 'succeeded', head: 'head 2' },
      results: { 1: result(1, {}), 2: result(2), 3: result(3) },
    });
    expect([...one.now().tags]).toEqual(['wave:done']);
  });

  it('that fail leave the wave to a person, with the tasks that wait for them', () => {
    const one = wave([first, second, third]);
    one.fail(1);
    expect([one.state(), one.reported()]).toEqual(['running', []]);
    one.succeed(3);
    const { results } = one.now().context;
    expect(results[1]).toEqual({ ...failed, runs: 1, run: 'wave-1.1/task-1.1/agent#1' });
    expect(one.reported()).toEqual([{ type: 'wave_failed', at: 8, id: 'wave-1.1', head: 'head 3', results }]);
    expect(one.tasks()).toEqual(['2.1 pending']);
    const other = wave([task(1), third]);
    other.fail(1);
    other.succeed(3);
    expect([other.state(), other.tasks()]).toEqual(['settled', []]);
  });

  it('have the limits of the coder, a branch of their own and the feedback of the plan', () => {
    const coder = { ...defaultPolicy.roles.coder, attempts: 4, timeoutMs: 70_000, idleMs: 6_000 };
    const one = wave([task(1, { hasCheck: true, agent: 'strong' }), task(2)], {
      ...{ number: 3, coder, feedback: 'smaller', requireChange: false },
    });
    expect(one.taskOf(1).getSnapshot().context).toMatchObject({
      ...{ path: 'wave-1.1/task-1.1', wave: 3, number: 1, message: 't1 (hello w3 t1)', hasCheck: true, at: 0 },
      requireChange: false,
      agent: {
        ...{ title: 'hello-w3-t1', role: 'coder', wave: 3, task: 1, branch: 'plan/hello-w3-t1', from: 'plan/hello' },
        ...{ attempts: 4, timeoutMs: 70_000, idleMs: 6_000, speaksByExit: false, agent: 'strong', feedback: 'smaller' },
        previous: null,
      },
    });
    expect('agent' in one.taskOf(2).getSnapshot().context.agent).toBe(false);
  });

  it('with overlapping files run one after the other, in their order', () => {
    const files = [['src/'], ['src/a.ts'], ['docs/'], ['src/a.ts', 'docs/b.md']];
    const one = wave(files.map((files, index) => task(index + 1, { files })));
    expect(one.now().context.started).toEqual([1, 3]);
    one.succeed(1);
    expect(one.now().context.started).toEqual([3, 2]);
    one.succeed(3);
    expect(one.now().context.started).toEqual([2]);
    one.fail(2);
    expect(one.now().context.started).toEqual([4]);
  });

  it('that share the worktree of the plan begin one at a time, on its branch', () => {
    const one = wave([task(1), task(2), task(3)], { isolation: 'plan' });
    for (const number of [1, 2, 3]) {
      expect(one.now().context.started).toEqual([number]);
      expect(one.taskOf(number).getSnapshot().context.agent.branch).toBe('plan/hello');
      one.send('extend', { tasks: [task(1), task(2), task(3)] });
      expect(one.now().context.started).toEqual([number]);
      one.succeed(number);
    }
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', head: 'work 3' });
  });

  it('of earlier generations that are done do not run again, and the runs of the others are counted on', () => {
    const more = { results: { 1: done, 2: failed, 3: { ...failed, run: null }, 4: { ...failed, reason: null } } };
    const one = wave([task(1), task(2), task(3), task(4)], more);
    expect(one.tasks()).toEqual(['2.1 working', '3.1 working', '4.1 working']);
    const previous = [2, 3, 4].map((number) => one.taskOf(number).getSnapshot().context.agent.previous);
    expect(previous).toEqual([{ run: 'x#1', reason: 'exit-code', detail: 'it broke' }, null, null]);
    one.fail(2);
    expect(one.now().context.results).toMatchObject({ 1: done, 2: { runs: 3 } });
    const settled = wave([task(1)], { results: { 1: done } });
    expect(settled.now().output).toMatchObject({ outcome: 'succeeded', results: { 1: done } });
  });

  it('get what concerns them: an answer goes to the task that asked, another order to all', () => {
    const one = wave([task(1), task(2)]);
    const endings = () => [1, 2].map((number) => one.taskOf(number).getSnapshot().children.agent.getSnapshot().context);
    for (const number of [1, 2]) {
      one.begin(number);
      one.say(number, 'needs_decision', { reason: 'tabs?' });
    }
    const asked = { type: 'child_asked', id: 'wave-1.1', question: 'tabs?' };
    expect(one.reported()).toMatchObject([
      { ...asked, title: 'hello-w1-t1' },
      { ...asked, title: 'hello-w1-t2' },
    ]);
    one.send('answered', { run: 'wave-1.1/task-9.1/agent#1', answer: 'spaces' });
    one.send('answered', { run: 'wave-1.1/task-2.1/agent#1', answer: 'spaces' });
    expect(endings().map(({ answer }) => answer)).toEqual([null, 'spaces']);
    const other = wave([task(1), task(2)]);
    other.send('requeue');
    for (const number of [1, 2])
      expect(other.taskOf(number).getSnapshot().children.agent.getSnapshot().context.ending).toBe('requeue');
  });
});

describe('an edit of a running wave', () => {
  const changed = (number: number) => task(number, { after: [1], digest: 'other' });

  it.each([
    ['the text of a task that waits', [first, changed(2), third], ['1.1 working', '3.1 working', '2.3 pending']],
    ['its name', [first, { ...second, title: 'x' }, third], ['1.1 working', '3.1 working', '2.3 pending']],
    ['nothing', [first, second, third], ['1.1 working', '2.1 pending', '3.1 working']],
    [
      'that there is another',
      [first, second, third, task(4)],
      ['1.1 working', '2.1 pending', '3.1 working', '4.2 working'],
    ],
    ['that it is gone', [first, third], ['1.1 working', '3.1 working']],
    ['that it is done', [first, { ...second, isDone: true }, third], ['1.1 working', '3.1 working']],
    [
      'that one at work is done',
      [{ ...first, isDone: true }, second, third],
      ['1.1 working', '2.1 pending', '3.1 working'],
    ],
  ] as [string, TaskOutline[], string[]][])('changes %s', (_what, tasks, expected) => {
    const one = wave([first, second, third]);
    one.begin(1);
    one.send('extend', { tasks });
    expect(one.tasks()).toEqual(expected);
    expect(one.now().context.tasks).toEqual(tasks);
    expect(one.now().context.started.toSorted()).toEqual(tasks.length > 3 ? [1, 3, 4] : [1, 3]);
    expect(one.now().context.results).toEqual(tasks[1]?.isDone === true ? { 2: markedResult } : {});
  });

  it('begins what it frees, and nothing that has failed', () => {
    const one = wave([first, second, third]);
    one.fail(1);
    one.send('extend', { tasks: [{ ...first, digest: 'other' }, task(2, { digest: 'other' }), third] });
    expect(one.tasks()).toEqual(['3.1 working', '2.3 working']);
    expect(one.taskOf(2).getSnapshot().context.at).toBe(4);
    expect(one.now().context).toMatchObject({ started: [3, 2], at: 4 });
  });

  it('marks no task as done that is, and begins none after it', () => {
    const one = wave([first, second]);
    one.succeed(1);
    const { results } = one.now().context;
    one.send('extend', { tasks: [{ ...first, isDone: true }, second] });
    expect(one.now().context.results).toEqual(results);
  });

  it('that removes a task at work waits for its end', () => {
    const one = wave([task(1), third]);
    one.begin(1);
    one.succeed(3);
    one.send('extend', { tasks: [third] });
    expect([one.state(), one.tasks()]).toEqual(['running', ['1.1 ending']]);
    one.say(1, 'run_exited', { code: 143, cause: 'stopped', detail: '' });
    expect(one.state()).toBe('succeeded');
  });

  it('reserves the place of a task until it has ended', () => {
    const one = wave([task(1, { files: ['a'] }), task(2, { files: ['a'] })]);
    one.begin(1);
    one.send('extend', { tasks: [task(1, { files: ['a'], digest: 'other' }), task(2, { files: ['a'] })] });
    expect(one.tasks()).toEqual(['1.1 ending', '2.1 pending']);
    one.say(1, 'run_exited', { code: 143, cause: 'stopped', detail: '' });
    expect(one.tasks()).toEqual(['2.1 pending', '1.3 working']);
    expect(one.now().context.results).toEqual({});
  });
});

describe('a wave that ended with failures', () => {
  it('runs only what is not done when it is tried again', () => {
    const one = wave([first, second, third]);
    one.succeed(3);
    one.fail(1);
    one.send('retry', { at: 500 });
    expect(one.now().context.at).toBe(500);
    expect(one.tasks()).toEqual(['2.1 pending', '1.2 working']);
    expect(one.taskOf(1).getSnapshot().context.agent.previous).toMatchObject({ run: 'wave-1.1/task-1.1/agent#1' });
    one.succeed(1);
    one.succeed(2);
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', results: { 1: { status: 'done', runs: 2 } } });
  });

  it('takes an edit: what waits is begun anew by the next try, and what is marked as done is', () => {
    const one = waveIn('settled');
    one.send('extend', { at: 500, tasks: [{ ...first, isDone: true }, second, third] });
    expect([one.state(), one.tasks(), one.now().context.at]).toEqual(['settled', [], 500]);
    expect(one.now().context.results).toMatchObject({ 1: markedResult, 2: { status: 'cancelled' } });
    one.send('retry');
    expect(one.tasks()).toEqual(['2.2 working', '3.2 working']);
  });

  it.each(['running', 'settled'])('or is told to end ends when its last task has ended: %s', (state) => {
    const one = waveIn(state);
    one.send('end', { at: 500 });
    if (state === 'running') one.say(1, 'run_exited', { code: 143, cause: 'stopped', detail: '' });
    expect(one.state()).toBe('ended');
    expect(one.now().output).toMatchObject({ at: state === 'running' ? 4 : 500, outcome: 'ended', head: null });
    expect(one.now().output?.results[2]).toMatchObject({ status: 'cancelled', runs: 0 });
  });
});
