/** A task by itself, with its agent: what it asks for and reports in each of its states, and what becomes of the work. Only the charts. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { agentMachine } from '../../machines/agent/machine.ts';
import { type TaskInput, taskMachine } from '../../machines/task/machine.ts';
import { agentInput } from '../support/agent-input.ts';
import { listened } from '../support/listened.ts';

const input: TaskInput = {
  path: 'wave-1.1/task-1.1',
  wave: 1,
  number: 1,
  message: 'one (hello w1 t1)',
  hasCheck: false,
  requireChange: true,
  agent: { ...agentInput, attempts: 2 },
};
/** The work is done where the plan's branch is checked out. */
const onPlanBranch = { agent: { ...input.agent, branch: 'plan/hello' } };
const firstRun = `${input.path}/agent#1`;

function task(more: Partial<TaskInput> = {}) {
  const did: string[] = [];
  const agent = agentMachine.provide({
    actions: {
      askRun: ({ context: { start } }) => did.push(`run ${start}`),
      stopRun: (_, { afterMs }) => did.push(`stop run in ${afterMs}`),
      askKeep: () => did.push('keep'),
    },
  });
  const numbered = (what: string, { count, work }: { count: number; work: string | null }) =>
    did.push(`${what} #${count}${work === null ? '' : ` for ${work.replace(input.path, '')}`}`);
  const machine = taskMachine.provide({
    actors: { agent },
    actions: {
      askCommit: ({ context }) => numbered('commit', context),
      askCheck: ({ context }) => numbered('check', context),
      stopCheck: ({ context: { work } }) => did.push(`stop check ${work?.replace(input.path, '')}`),
      askMerge: ({ context }) => numbered('merge', context),
      askRemoval: ({ context }) => numbered('remove worktree', context),
      askClearing: ({ context }) => numbered('clear worktree', context),
      askUndo: ({ context }) => numbered('undo', context),
    },
  });
  const { one, event, reported } = listened(machine, { ...input, ...more });
  const agentOf = () => one.getSnapshot().children.agent as AnyActorRef | undefined;
  return {
    send: (type: string, fields: object = {}) => one.send(event(type, fields)),
    /** An event for its agent. */
    say: (type: string, fields: object = {}) => agentOf()?.send(event(type, fields)),
    /** What both asked for since the last call. */
    did: () => did.splice(0),
    /** What it reported since the last call. */
    reported,
    now: () => one.getSnapshot(),
    agent: () => agentOf()?.getSnapshot(),
  };
}
type Task = ReturnType<typeof task>;

/** Its agent's run begins. */
function begin(one: Task): void {
  one.say('run_starting');
  one.say('run_started', { base: 'base' });
}

function exit(one: Task, code: number, fields: object = {}): void {
  one.say('run_exited', { code, cause: 'exit', detail: '', ...fields });
}

const committed = { head: 'work', base: 'base', changed: true };

/** The way into each state, from the task's beginning. */
const ways: Record<string, (one: Task) => void> = {
  pending: () => {},
  working: (one) => {
    one.send('start');
    begin(one);
  },
  committing: (one) => {
    ways.working?.(one);
    exit(one, 0);
  },
  asking: (one) => {
    ways.committing?.(one);
    one.send('work_committed', { ...committed, deletions: 'it deletes 8 of 9 files' });
  },
  checking: (one) => {
    ways.committing?.(one);
    one.send('work_committed', committed);
  },
  merging: (one) => {
    ways.committing?.(one);
    one.send('work_committed', committed);
  },
  ending: (one) => {
    ways.working?.(one);
    one.send('end');
  },
};

/** A task in this state; its requests and reports so far are left out. */
function taskIn(state: string, more: Partial<TaskInput> = {}): Task {
  const one = task({ ...(state === 'checking' ? { hasCheck: true } : {}), ...more });
  ways[state]?.(one);
  expect(one.now().value).toBe(state);
  one.did();
  one.reported();
  return one;
}

/** Each event that the task can get, with the fields that it must have. */
const events: Record<string, object> = {
  start: {},
  finish: {},
  end: {},
  conclude: {},
  requeue: {},
  answered: { answer: 'yes' },
  child_asked: { id: 'agent', title: 'hello-w1-t1', run: firstRun, question: 'tabs?' },
  question_withdrawn: { id: 'agent', run: firstRun },
  implement_task_finished: { wave_number: 1, task_number: 1 },
  work_committed: committed,
  work_merged: { head: 'merged' },
  work_conflicted: { files: ['a.txt', 'b.txt'] },
  check_passed: {},
  check_failed: { detail: 'no' },
  effect_failed: { detail: 'no' },
};

/** What an event leads to in a state: requests and reports, and the next state. An event that has no line is refused. */
const tables: Record<string, string> = {
  pending: `
start                   run begin, to working
finish                  ignored
end                     ends, to cancelled
conclude                ends, to cancelled
requeue                 ignored
answered                ignored`,
  working: `
finish                  stop run in 30000
end                     stop run in 0, to ending
conclude                stop run in 0, to ending
requeue                 stop run in 0
answered                noted
child_asked             tells child_asked
question_withdrawn      tells question_withdrawn
implement_task_finished stop run in 30000`,
  committing: `
finish                  ignored
end                     ends, to cancelled
conclude                noted
requeue                 ignored
answered                ignored
implement_task_finished ignored
work_committed          merge #2 for #2, to merging
effect_failed           keep, to working`,
  asking: `
finish                  ignored
end                     tells question_withdrawn, ends, to cancelled
conclude                remove worktree #2, tells question_withdrawn, ends, to done
requeue                 ignored
answered                merge #2 for #2, to merging
implement_task_finished ignored`,
  checking: `
finish                  ignored
end                     stop check #2, ends, to cancelled
conclude                stop check #2, remove worktree #3, ends, to done
requeue                 ignored
answered                ignored
implement_task_finished ignored
check_passed            merge #3 for #3, to merging
check_failed            keep, to working
effect_failed           keep, to working`,
  merging: `
finish                  ignored
end                     noted
conclude                ignored
requeue                 ignored
answered                ignored
implement_task_finished ignored
work_merged             remove worktree #3, ends, to done
work_conflicted         keep, to working
effect_failed           keep, to working`,
  ending: `
finish                  ignored
end                     stop run in 0
conclude                ignored
requeue                 ignored
answered                ignored
child_asked             ignored
question_withdrawn      tells question_withdrawn
implement_task_finished ignored`,
};

/** `ignored`: the state names the event and says why nothing follows. */
function lineOf(state: string, type: string, fields: object): string[] {
  const one = taskIn(state);
  const event = { type, at: 99, ...fields } as never;
  const { machine } = one.now();
  if (machine.getTransitionData(one.now() as never, event).length === 0) return [];
  const isTaken = one.now().can(event);
  one.send(type, fields);
  const reports = one.reported().map(({ type }) => (type.startsWith('xstate.done') ? 'ends' : `tells ${type}`));
  const next = one.now().value === state ? [] : [`to ${one.now().value}`];
  const follows = [...one.did(), ...reports, ...next].join(', ');
  return [`${type.padEnd(23)} ${follows === '' ? (isTaken ? 'noted' : 'ignored') : follows}`];
}

describe('what follows from each event in', () => {
  it.each(Object.keys(ways))('%s', (state) => {
    const lines = Object.entries(events).flatMap(([type, fields]) => lineOf(state, type, fields));
    expect(lines).toEqual((tables[state] ?? '').trim().split('\n'));
  });
});

describe('the work of a task', () => {
  it('is committed, checked and merged, one after the other, and then its worktree goes', () => {
    const one = task({ hasCheck: true });
    ways.committing?.(one);
    one.send('work_committed', committed);
    one.send('check_passed');
    one.send('work_merged', { head: 'merged' });
    expect(one.did()).toEqual([
      ...['run begin', 'commit #1 for #1', 'check #2 for #2', 'merge #3 for #3', 'remove worktree #4'],
    ]);
    expect(one.now().output).toEqual({
      ...{ at: 7, outcome: 'succeeded', head: 'merged', commit: 'work' },
      ...{ run: firstRun, runs: 1, reason: null, detail: '' },
    });
  });

  it('is on the plan’s branch where that is checked out: nothing is merged or removed', () => {
    const one = taskIn('committing', onPlanBranch);
    one.send('work_committed', committed);
    expect(one.did()).toEqual([]);
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', head: 'work', commit: 'work', at: 5 });
  });

  it('may change nothing where its plan says so: nothing is merged', () => {
    const one = taskIn('committing', { requireChange: false });
    one.send('work_committed', { ...committed, changed: false });
    expect(one.did()).toEqual(['remove worktree #2']);
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', head: null, commit: null });
  });

  it.each([
    ['its agent', 'implement_task_finished', firstRun],
    ['a person, or a file,', 'implement_task_finished', null],
    ['the coder of the whole plan', 'finish', firstRun],
  ])('that changed nothing counts if %s says why', (_who, type, run) => {
    const one = taskIn('working');
    one.send(type, { run, no_change: 'all tests pass', wave_number: 1, task_number: 1 });
    exit(one, 0);
    one.send('work_committed', { ...committed, changed: false });
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', unchanged: 'all tests pass', commit: null });
  });

  it('that changed something that conflicts, and then nothing for a reason, is done', () => {
    const one = taskIn('merging');
    one.send('work_conflicted', { files: ['a.txt'] });
    one.say('timer_due');
    begin(one);
    const run = one.agent()?.context.run;
    one.send('implement_task_finished', { run, no_change: 'it is there', wave_number: 1, task_number: 1 });
    exit(one, 0);
    one.send('work_committed', { ...committed, changed: false });
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', unchanged: 'it is there', commit: null });
  });

  it('that changed nothing does not count because an earlier run said why', () => {
    const one = taskIn('working');
    one.send('implement_task_finished', {
      run: 'another',
      no_change: 'all tests pass',
      wave_number: 1,
      task_number: 1,
    });
    exit(one, 0);
    one.send('work_committed', { ...committed, changed: false });
    expect(one.agent()?.context.previous).toMatchObject({ reason: 'no-change' });
  });

  it('that changed something has no reason for the opposite', () => {
    const one = taskIn('working', onPlanBranch);
    one.send('finish', { run: firstRun, no_change: 'all tests pass' });
    exit(one, 0);
    one.send('work_committed', committed);
    expect(one.now().output).toEqual(expect.not.objectContaining({ unchanged: expect.anything() }));
  });

  it('that changed nothing is checked, and then counts without a merge', () => {
    const one = taskIn('committing', { hasCheck: true });
    one.send('work_committed', { ...committed, changed: false });
    one.send('check_passed');
    expect(one.did()).toEqual(['check #2 for #2', 'remove worktree #3']);
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', head: null });
  });

  it.each([
    [
      'changed nothing',
      'committing',
      'work_committed',
      { ...committed, base: '0123456789abcdef', changed: false },
      'no-change',
      'the run changed nothing since 0123456789ab',
    ],
    [
      'ended in the middle of a merge',
      'committing',
      'work_committed',
      { ...committed, aside: 'unmerged' },
      'set-aside',
      'unmerged',
    ],
    ['could not be committed', 'committing', 'effect_failed', { detail: 'locked' }, 'merge-failed', 'locked'],
    ['did not pass its check', 'checking', 'check_failed', { detail: 'no' }, 'check-failed', 'no'],
    ['could not be checked', 'checking', 'effect_failed', { detail: 'gone' }, 'check-failed', 'gone'],
    ['conflicts', 'merging', 'work_conflicted', { files: ['a.txt', 'b.txt'] }, 'conflict', 'conflict in a.txt, b.txt'],
    ['could not be merged', 'merging', 'effect_failed', { detail: 'gone' }, 'merge-failed', 'gone'],
  ] as const)(
    'is done again where it %s, and the next run gets the reason',
    (_what, state, type, fields, reason, detail) => {
      const one = taskIn(state);
      one.send(type, fields);
      expect(one.now().value).toBe('working');
      expect(one.now().context.work).toBeNull();
      expect(one.agent()?.context.previous).toEqual({ run: firstRun, reason, detail });
      one.say('timer_due');
      begin(one);
      exit(one, 1, { detail: 'crashed' });
      expect(one.now().output).toMatchObject({
        outcome: 'failed',
        head: null,
        commit: null,
        runs: 2,
        detail: 'crashed',
      });
    },
  );

  it.each([
    [
      'the first files of a conflict',
      'merging',
      'work_conflicted',
      { files: ['x'.repeat(5_000)] },
      `conflict in ${'x'.repeat(4_084)}`,
    ],
    [
      'the end of an output',
      'checking',
      'check_failed',
      { detail: `${'x'.repeat(4_096)}end` },
      `${'x'.repeat(4_093)}end`,
    ],
    [
      'the beginning of what was set aside',
      'committing',
      'work_committed',
      { ...committed, aside: `begin${'x'.repeat(4_096)}` },
      `begin${'x'.repeat(4_091)}`,
    ],
  ] as const)('is rejected with %s', (_what, state, type, fields, detail) => {
    const one = taskIn(state);
    one.send(type, fields);
    expect(one.agent()?.context.previous?.detail).toBe(detail);
  });
});

describe('a task whose work a person must accept', () => {
  const deletions = 'it deletes 8 of 9 files';
  const additions = { question: 'it adds .env', accepts: ['0123456789abcdef'] };
  const asked = { type: 'child_asked', at: 5, id: 'task-1.1', title: 'hello-w1-t1', run: firstRun };

  it('asks about what it deletes, what it adds, or both', () => {
    const questionOf = (fields: object) => {
      const one = taskIn('committing');
      one.send('work_committed', { ...committed, ...fields });
      expect(one.now().value).toBe('asking');
      return one.reported();
    };
    expect(questionOf({ deletions })).toEqual([{ ...asked, question: deletions }]);
    expect(questionOf({ additions })).toEqual([{ ...asked, question: 'it adds .env', accepts: additions.accepts }]);
    expect(questionOf({ deletions, additions })).toMatchObject([{ question: `${deletions}\nit adds .env` }]);
  });

  it.each([
    ['yes', { deletions }, 'merging', null],
    ['Yes.', { additions }, 'merging', null],
    ['yes, but keep the tests', { deletions }, 'working', 'deletions'],
    ['no', { deletions }, 'working', 'deletions'],
    ['without the key', { additions }, 'working', 'additions'],
    ['no', { deletions, additions }, 'working', 'additions'],
  ] as const)('is answered %s', (answer, fields, state, reason) => {
    const one = taskIn('committing');
    one.send('work_committed', { ...committed, ...fields });
    one.send('answered', { answer: ` ${answer} ` });
    expect(one.now().value).toBe(state);
    const previous = one.agent()?.context.previous;
    expect(previous?.reason ?? null).toBe(reason);
    if (reason !== null) expect(previous?.detail).toMatch(new RegExp(`\na person says: ${answer}$`));
    expect(one.now().context.at).toBe(6);
  });

  it('asks again after an empty answer', () => {
    const one = taskIn('asking');
    one.send('answered', { answer: ' \n' });
    expect(one.now().value).toBe('asking');
    expect(one.reported()).toEqual([{ ...asked, at: 6, question: deletions }]);
  });

  it('is then checked, or accepted where nothing is to be merged', () => {
    const checked = taskIn('asking', { hasCheck: true });
    checked.send('answered', { answer: 'yes' });
    expect(checked.did()).toEqual(['check #2 for #2']);
    const accepted = taskIn('asking', onPlanBranch);
    accepted.send('answered', { answer: 'yes' });
    expect(accepted.now().output).toMatchObject({ outcome: 'succeeded', head: 'work' });
  });

  it('withdraws its question when it is ended', () => {
    for (const order of ['end', 'conclude']) {
      const one = taskIn('asking');
      one.send(order);
      expect(one.reported()[0]).toEqual({ type: 'question_withdrawn', at: 6, id: 'task-1.1', run: firstRun });
    }
  });
});

describe('a task that is ended', () => {
  it('has an agent that ends first', () => {
    const one = taskIn('ending');
    exit(one, 143, { cause: 'stopped' });
    expect(one.did()).toEqual(['keep']);
    expect(one.now().output).toMatchObject({ outcome: 'cancelled', head: null, commit: null, runs: 1, at: 5 });
    expect(one.agent()).toBeUndefined();
  });

  it('waits for a merge that runs, and counts it; one that fails is not tried again', () => {
    const [merged, conflicted, failed] = [taskIn('merging'), taskIn('merging'), taskIn('merging')];
    for (const one of [merged, conflicted, failed]) one.send('end');
    merged.send('work_merged', { head: 'merged' });
    conflicted.send('work_conflicted', { files: ['a.txt'] });
    failed.send('effect_failed', { detail: '' });
    expect(merged.now().output).toMatchObject({ outcome: 'succeeded', head: 'merged' });
    for (const one of [conflicted, failed])
      expect(one.now().output).toMatchObject({ outcome: 'cancelled', head: null });
  });

  it('stores its work on the plan’s branch, where it is to be concluded while it works', () => {
    const one = taskIn('working', onPlanBranch);
    one.send('conclude');
    exit(one, 143, { cause: 'stopped' });
    expect(one.did()).toEqual(['stop run in 0', 'keep', 'commit #1 for #1']);
    expect(one.now().context).toMatchObject({ run: firstRun, at: 5 });
    one.send('work_committed', committed);
    expect(one.now().output).toMatchObject({ outcome: 'cancelled', run: firstRun, runs: 1 });
    expect(one.now().context).toMatchObject({ committed: 'work', work: null, head: 'work' });
  });

  it.each([
    ['a task on a branch of its own', {}, 'conclude'],
    ['a task that is not to be concluded', onPlanBranch, 'end'],
  ] as const)('stores nothing more: %s', (_what, more, order) => {
    const one = taskIn('working', more);
    one.send(order);
    exit(one, 143, { cause: 'stopped' });
    expect(one.now().value).toBe('cancelled');
  });

  it('ends after its last commit, also if that fails or an end comes meanwhile', () => {
    for (const last of ['effect_failed', 'end']) {
      const one = taskIn('working', onPlanBranch);
      one.send('conclude');
      exit(one, 143, { cause: 'stopped' });
      one.send('end');
      expect(one.now().value).toBe('committing');
      if (last === 'effect_failed') one.send('effect_failed', { detail: '' });
      else one.send('work_committed', committed);
      expect(one.now().value).toBe('cancelled');
      expect(one.now().context.work).toBeNull();
    }
  });

  it('counts the work that is being committed when it is to be concluded; a commit that fails ends it', () => {
    const [stored, failed] = [taskIn('committing', { hasCheck: true }), taskIn('committing')];
    for (const one of [stored, failed]) one.send('conclude');
    stored.send('work_committed', committed);
    failed.send('effect_failed', { detail: '' });
    expect(stored.now().output).toMatchObject({ outcome: 'succeeded', commit: 'work' });
    expect(failed.now().output).toMatchObject({ outcome: 'cancelled' });
  });

  it('never began: it has no run', () => {
    const one = task();
    one.send('end');
    expect(one.now().output).toEqual({
      ...{ at: 1, outcome: 'cancelled', head: null, commit: null, run: null, runs: 0, reason: null, detail: '' },
    });
  });
});

describe('a task whose agent fails', () => {
  const failWith = (more: Partial<TaskInput>, cause: string) => {
    const one = task({ ...more, agent: { ...(more.agent ?? input.agent), attempts: 1 } });
    one.send('start');
    one.did();
    exit(one, 1, { cause });
    expect(one.now().value).toBe('failed');
    return one.did();
  };

  it('leaves nothing where it could not be started', () => {
    expect(failWith({}, 'start-failed')).toEqual(['clear worktree #1']);
    expect(failWith({}, 'exit')).toEqual([]);
  });

  it('takes its work back from the next task of its wave, which works in the same worktree', () => {
    expect(failWith(onPlanBranch, 'exit')).toEqual(['undo #1']);
    expect(failWith({ ...onPlanBranch, wave: null }, 'exit')).toEqual([]);
  });
});

describe('the agent of a task', () => {
  it('gets its orders and its answers', () => {
    const one = taskIn('working');
    one.say('needs_decision', { reason: 'tabs?' });
    expect(one.reported()).toEqual([
      { type: 'child_asked', at: 4, id: 'task-1.1', title: 'hello-w1-t1', run: firstRun, question: 'tabs?' },
    ]);
    exit(one, 143, { cause: 'stopped' });
    one.send('answered', { answer: 'spaces' });
    expect(one.agent()?.context).toMatchObject({ answer: 'spaces' });
    expect(one.did()).toEqual(['stop run in 30000', 'keep', 'run continue']);
    begin(one);
    one.send('requeue');
    exit(one, 143, { cause: 'stopped' });
    expect(one.did()).toEqual(['stop run in 0', 'keep', 'run continue']);
  });

  it.each(['finish', 'implement_task_finished'])('is let end by itself after %s, and its work then counts', (type) => {
    const one = taskIn('working');
    one.send(type);
    exit(one, 143, { cause: 'stopped' });
    expect(one.now().value).toBe('committing');
    expect(one.now().context).toMatchObject({ run: firstRun, at: 5 });
  });

  it('is known by its place below the task', () => {
    expect(taskIn('working').agent()?.context).toMatchObject({ path: `${input.path}/agent`, attempts: 2, at: 1 });
  });

  it.each([
    ['agent_kill', 'failed', 'failed'],
    ['end', 'cancelled', 'cancelled'],
  ])('ends its task with it: %s', (type, state, outcome) => {
    const one = taskIn('working');
    one.say(type);
    exit(one, 143, { cause: 'stopped' });
    expect(one.now().value).toBe(state);
    expect(one.now().output).toMatchObject({ outcome, run: firstRun, runs: 1 });
    expect(one.agent()).toBeUndefined();
  });
});
