/** An agent by itself: what it asks for and reports in each of its states, how its attempts and time limits are counted. Only the chart. */
import { describe, expect, it } from 'vitest';
import { backOffMs } from '../../machines/agent/context.ts';
import { agentMachine } from '../../machines/agent/machine.ts';
import { permissionOf } from '../../machines/agent/setup.ts';
import type { AgentInput } from '../../machines/vocabulary/family.ts';
import { agentInput } from '../support/agent-input.ts';
import { listened } from '../support/listened.ts';

const input: AgentInput = { ...agentInput, path: 'wave-1.1/task-1.1/agent' };

function agent(more: Partial<AgentInput> = {}) {
  const did: string[] = [];
  const short = (id: string | null) => id?.replace(input.path, '') ?? 'none';
  const machine = agentMachine.provide({
    actions: {
      askRun: ({ context: { run, start } }) => did.push(`run ${short(run)} ${start}`),
      stopRun: (_, { afterMs }) => did.push(`stop in ${afterMs}`),
      askTimer: ({ context: { timer, dueAt } }) => did.push(`timer ${short(timer)} at ${dueAt}`),
      askKeep: ({ context: { count } }) => did.push(`keep #${count}`),
      freezeRun: ({ context: { count } }) => did.push(`freeze #${count}`),
      thawRun: ({ context: { count } }) => did.push(`thaw #${count}`),
      askTyping: ({ context: { count } }) => did.push(`type #${count}`),
      askAnswer: ({ context, event }) => did.push(`answer #${context.count} ${permissionOf(context, event)?.id}`),
    },
  });
  const { one, event, reported } = listened(machine, { ...input, ...more });
  return {
    send: (type: string, fields: object = {}) => one.send(event(type, fields)),
    /** What it asked for since the last call. */
    did: () => did.splice(0),
    /** What it reported since the last call. */
    reported,
    now: () => one.getSnapshot(),
    state: () => JSON.stringify(one.getSnapshot().value).replaceAll(/["{}]/g, '').replace(':', '.'),
  };
}
type Agent = ReturnType<typeof agent>;

const question = { permission: 'a', tool: 'Bash', detail: 'make', limit_ms: 500 };

/** The way into each state, from the agent's beginning. */
const ways: Record<string, (one: Agent) => void> = {
  queued: () => {},
  starting: (one) => one.send('run_starting'),
  running: (one) => {
    ways.starting?.(one);
    one.send('run_started', { base: 'base', takes_input: true });
  },
  'waiting.permission': (one) => {
    ways.running?.(one);
    one.send('run_waiting', question);
  },
  'waiting.rateLimit': (one) => {
    ways.running?.(one);
    one.send('run_exited', { code: 1, cause: 'rate-limited', detail: '', until: 9_000 });
  },
  'waiting.decision': (one) => {
    ways.running?.(one);
    one.send('needs_decision', { reason: 'tabs?' });
    one.send('run_exited', { code: 1, cause: 'stopped', detail: '' });
  },
  paused: (one) => {
    ways.running?.(one);
    one.send('agent_pause');
  },
  stopping: (one) => {
    ways.running?.(one);
    one.send('needs_decision', { reason: 'tabs?' });
  },
  delivered: (one) => {
    ways.running?.(one);
    one.send('run_exited', { code: 0, cause: 'exit', detail: '' });
  },
  backingOff: (one) => {
    ways.running?.(one);
    one.send('run_exited', { code: 1, cause: 'exit', detail: '' });
  },
};

/** Each event that the agent can get, with the fields that it must have. */
const events: Record<string, object> = {
  accept: {},
  reject: { reason: 'no-change', detail: '' },
  finish: {},
  end: {},
  requeue: {},
  answered: { answer: 'spaces' },
  run_starting: {},
  run_started: { base: 'base' },
  run_waiting: { ...question, permission: 'b' },
  run_going: { permission: 'a' },
  run_idle: {},
  run_exited: { code: 0, cause: 'exit', detail: '' },
  run_lost: { detail: '' },
  effect_failed: { detail: '' },
  timer_due: {},
  needs_decision: { reason: 'tabs?' },
  agent_allow: {},
  agent_deny: {},
  agent_kill: {},
  agent_restart: {},
  agent_pause: {},
  agent_resume: {},
  agent_send: { body: 'use tabs', word: 1 },
  agent_type: { text: 'yes' },
};

/** What an event leads to in a state: its requests and reports, and the next state. An event that has no line is refused. */
const tables: Record<string, string> = {
  queued: `
finish          stop in 0, to stopping
end             stop in 0, to stopping
requeue         stop in 0, to stopping
answered        ignored
run_starting    to starting
run_exited      tells agent_delivered, to delivered
run_lost        timer #2 at 1001, to backingOff
effect_failed   timer #2 at 1001, to backingOff
agent_kill      stop in 0, to stopping
agent_restart   stop in 0, to stopping
agent_send      noted`,
  starting: `
finish          stop in 30000, to stopping
end             stop in 0, to stopping
requeue         stop in 0, to stopping
answered        ignored
run_started     timer #2 at 60002, to running
run_waiting     noted
run_going       ignored
run_idle        ignored
run_exited      tells agent_delivered, to delivered
run_lost        timer #2 at 1002, to backingOff
effect_failed   timer #2 at 1002, to backingOff
needs_decision  stop in 30000, tells child_asked, to stopping
agent_kill      stop in 0, to stopping
agent_restart   stop in 0, to stopping
agent_send      noted`,
  running: `
finish          stop in 30000, to stopping
end             stop in 0, to stopping
requeue         stop in 0, to stopping
answered        ignored
run_waiting     timer #3 at 503, to waiting.permission
run_going       ignored
run_idle        stop in 0, to stopping
run_exited      tells agent_delivered, to delivered
run_lost        keep #3, timer #4 at 1003, to backingOff
effect_failed   keep #3, timer #4 at 1003, to backingOff
timer_due       stop in 0, to stopping
needs_decision  stop in 30000, tells child_asked, to stopping
agent_kill      stop in 0, to stopping
agent_restart   stop in 0, to stopping
agent_pause     freeze #3, to paused
agent_send      noted
agent_type      type #3`,
  'waiting.permission': `
finish          stop in 30000, to stopping
end             stop in 0, to stopping
requeue         stop in 0, to stopping
answered        ignored
run_waiting     noted
run_going       timer #4 at 60003, to running
run_idle        ignored
run_exited      tells agent_delivered, to delivered
run_lost        keep #4, timer #5 at 1004, to backingOff
effect_failed   keep #4, timer #5 at 1004, to backingOff
timer_due       answer #4 a, timer #5 at 60003, to running
needs_decision  stop in 30000, tells child_asked, to stopping
agent_allow     answer #4 a, timer #5 at 60003, to running
agent_deny      answer #4 a, timer #5 at 60003, to running
agent_kill      stop in 0, to stopping
agent_restart   stop in 0, to stopping
agent_send      noted`,
  'waiting.rateLimit': `
finish          tells agent_delivered, to delivered
end             ends, to cancelled
requeue         ignored
answered        ignored
timer_due       run #5 continue, to queued
agent_kill      ends, to failed
agent_restart   run #5 restart, to queued
agent_send      noted`,
  'waiting.decision': `
finish          tells question_withdrawn, tells agent_delivered, to delivered
end             tells question_withdrawn, ends, to cancelled
requeue         ignored
answered        run #4 continue, to queued
agent_kill      tells question_withdrawn, ends, to failed
agent_send      noted`,
  paused: `
finish          stop in 30000, to stopping
end             stop in 0, to stopping
requeue         stop in 0, to stopping
answered        ignored
run_waiting     noted
run_going       ignored
run_idle        ignored
run_exited      tells agent_delivered, to delivered
run_lost        keep #4, timer #5 at 1004, to backingOff
effect_failed   keep #4, timer #5 at 1004, to backingOff
needs_decision  stop in 30000, tells child_asked, to stopping
agent_kill      stop in 0, to stopping
agent_restart   stop in 0, to stopping
agent_resume    timer #4 at 60003, thaw #5, to running
agent_send      noted`,
  stopping: `
finish          tells question_withdrawn
end             stop in 0, tells question_withdrawn
requeue         ignored
answered        noted
run_starting    ignored
run_started     noted
run_going       ignored
run_idle        ignored
run_exited      keep #3, to waiting.decision
run_lost        keep #3, to waiting.decision
effect_failed   keep #3, to waiting.decision
agent_kill      stop in 0, tells question_withdrawn
agent_send      noted`,
  delivered: `
accept          ends, to succeeded
reject          keep #3, timer #4 at 1004, to backingOff
finish          ends, to succeeded
end             ends, to cancelled
requeue         ignored
answered        ignored`,
  backingOff: `
finish          tells agent_delivered, to delivered
end             ends, to cancelled
requeue         ignored
answered        ignored
timer_due       run #5 begin, to queued
agent_kill      ends, to failed
agent_restart   run #5 restart, to queued
agent_send      noted`,
};

/** `ignored`: the state names the event and says why nothing follows. */
function lineOf(state: string, type: string, fields: object): string[] {
  const one = agent();
  ways[state]?.(one);
  expect(one.state()).toBe(state);
  one.did();
  one.reported();
  const event = { type, at: 99, ...fields } as never;
  const { machine } = one.now();
  if (machine.getTransitionData(one.now() as never, event).length === 0) return [];
  const isTaken = one.now().can(event);
  one.send(type, fields);
  const reports = one.reported().map(({ type }) => (type.startsWith('xstate.done') ? 'ends' : `tells ${type}`));
  const next = one.state() === state ? [] : [`to ${one.state()}`];
  const follows = [...one.did(), ...reports, ...next].join(', ');
  return [`${type.padEnd(15)} ${follows === '' ? (isTaken ? 'noted' : 'ignored') : follows}`];
}

describe('what follows from each event in', () => {
  it.each(Object.keys(ways))('%s', (state) => {
    const lines = Object.entries(events).flatMap(([type, fields]) => lineOf(state, type, fields));
    expect(lines).toEqual((tables[state] ?? '').trim().split('\n'));
  });
});

/** What others may read of a state. */
const tags: Record<string, string> = {
  ...{ queued: 'run:queued not_begun', starting: 'run:starting', running: 'run:running at-work' },
  'waiting.permission': 'run:waiting waits:permission',
  'waiting.rateLimit': 'run:waiting waits:rate-limited run-over not_begun',
  'waiting.decision': 'run:waiting waits:needs_decision run-over',
  ...{ paused: 'run:paused', stopping: 'run:stopping', delivered: 'run:running' },
  backingOff: 'run:backing_off run-over not_begun',
};

it('says in each state whether its run waits, works or is over', () => {
  const tagsOf = (one: Agent) => [...one.now().tags].join(' ');
  expect(Object.fromEntries(Object.keys(ways).map((state) => [state, tagsOf(agentIn(state))]))).toEqual(tags);
  for (const [type, outcome] of [
    ['accept', 'succeeded'],
    ['end', 'cancelled'],
  ] as const) {
    const one = agentIn('delivered');
    one.send(type, { at: 99 });
    expect([tagsOf(one), one.now().output]).toMatchObject([`run:${outcome} run-over`, { outcome, at: 99 }]);
  }
  const killed = agentIn('backingOff');
  killed.send('agent_kill', { at: 99 });
  expect([tagsOf(killed), killed.now().output]).toMatchObject(['run:failed run-over', { reason: 'killed', at: 99 }]);
});

/** An agent in this state; its requests and reports so far are left out. */
function agentIn(state: string, more: Partial<AgentInput> = {}): Agent {
  const one = agent(more);
  ways[state]?.(one);
  one.did();
  one.reported();
  return one;
}

function begin(one: Agent, fields: object = {}): void {
  one.send('run_starting');
  one.send('run_started', { base: 'base', ...fields });
}

function exit(one: Agent, code: number | null, fields: object = {}): void {
  one.send('run_exited', { code, cause: 'exit', detail: '', ...fields });
}

describe('attempts', () => {
  it('are spent by runs that end badly; the next run gets the end of the one before, and the agent fails with the last', () => {
    const one = agent();
    for (const number of [1, 2, 3]) {
      expect(one.did().at(-1)).toBe(`run ${one.now().context.run?.replace(input.path, '')} begin`);
      begin(one);
      const { run } = one.now().context;
      exit(one, 3, { detail: `try ${number}` });
      const previous = { run, reason: 'exit-code', detail: `try ${number}` };
      expect(one.now().context).toMatchObject({ failures: number, reason: 'exit-code', previous });
      if (number < 3) one.send('timer_due');
    }
    expect(one.now().output).toEqual({
      ...{ at: one.now().context.at, outcome: 'failed', run: one.now().context.run, runs: 3 },
      ...{ reason: 'exit-code', detail: 'try 3' },
    });
    expect(one.now().output?.at).toBe(11);
  });

  it.each([
    ['an exit with an error', {}, { code: 2 }, 'exit-code'],
    ['the limit of memory', {}, { code: 137, cause: 'resource-limit' }, 'resource-limit'],
    ['a program that cannot start', {}, { code: null, cause: 'start-failed' }, 'start-failed'],
    ['a judge with an exit code that is no verdict', { speaksByExit: true }, { code: 2 }, 'exit-code'],
    ['an exit with 1 of an agent that is no judge', {}, { code: 1 }, 'exit-code'],
  ] as const)('one is spent by %s', (_what, more, fields, reason) => {
    const one = agentIn('running', more);
    exit(one, null, fields);
    expect(one.state()).toBe('backingOff');
    expect(one.now().context).toMatchObject({ reason, failures: 1, at: 3 });
  });

  it.each([
    ['run_lost', 'lost'],
    ['effect_failed', 'start-failed'],
  ])('one is spent by %s', (type, reason) => {
    const one = agentIn('running');
    one.send(type, { detail: 'gone' });
    expect(one.now().context).toMatchObject({ reason, detail: 'gone', previous: { reason, detail: 'gone' }, at: 3 });
    expect(one.now().context.ended).toEqual({ at: 3, code: null, cause: reason, until: null });
  });

  it.each([
    ['timer_due', 'timeout'],
    ['run_idle', 'idle'],
  ])('one is spent by a run that %s stops, unless it had ended by itself', (type, reason) => {
    const [stopped, crashed, done] = [agentIn('running'), agentIn('running'), agentIn('running')];
    for (const one of [stopped, crashed, done]) one.send(type);
    exit(stopped, 0, { cause: 'stopped' });
    exit(crashed, 1);
    exit(done, 0);
    expect(stopped.now().context).toMatchObject({ reason, failures: 1 });
    expect(crashed.now().context).toMatchObject({ reason: 'exit-code', failures: 1 });
    expect(done.now().context).toMatchObject({ reason: null, failures: 0 });
    const lost = agentIn('running');
    lost.send(type);
    lost.send('run_lost', { detail: '' });
    expect(lost.now().context).toMatchObject({ reason });
  });

  it('none is spent by a run that is stopped from outside, or that the service limits: it goes on with its conversation', () => {
    for (const cause of ['stopped', 'withdrawn', 'rate-limited']) {
      const one = agentIn('running');
      exit(one, 1, { cause });
      if (cause === 'rate-limited') one.send('timer_due');
      expect(one.state()).toBe('queued');
      expect(one.now().context).toMatchObject({ failures: 0, start: 'continue', reason: null, previous: null });
      // Its work so far is kept.
      expect(one.did()[0]).toBe('keep #3');
    }
  });

  it('none follows where a program cannot be used, whatever is left', () => {
    const one = agentIn('running', { attempts: 9 });
    exit(one, null, { cause: 'unusable' });
    expect(one.now().output).toMatchObject({ outcome: 'failed', reason: 'start-failed' });
  });

  it('a judge may say no with its exit code', () => {
    const one = agentIn('running', { speaksByExit: true });
    exit(one, 1, { detail: 'no tests' });
    expect(one.reported()).toEqual([
      {
        type: 'agent_delivered',
        at: 3,
        id: 'agent',
        run: `${input.path}#1`,
        code: 1,
        detail: 'no tests',
        base: 'base',
      },
    ]);
  });

  it('the parent may reject what was delivered; the next run gets the reason', () => {
    const one = agentIn('delivered', { attempts: 2 });
    one.send('reject', { reason: 'conflict', detail: 'in a.txt' });
    const previous = { run: `${input.path}#1`, reason: 'conflict', detail: 'in a.txt' };
    expect(one.now().context).toMatchObject({ failures: 1, start: 'begin', previous, at: 4 });
    expect(one.now().context).toMatchObject({ reason: 'conflict', detail: 'in a.txt' });
    one.send('timer_due');
    begin(one);
    exit(one, 0);
    one.send('reject', { reason: 'no-change', detail: '' });
    expect(one.now().output).toMatchObject({ outcome: 'failed', reason: 'no-change', detail: '', runs: 2 });
  });

  it('success has no reason, whatever the attempts before it ended with', () => {
    const one = agentIn('backingOff');
    expect(one.now().context.reason).toBe('exit-code');
    one.send('timer_due');
    begin(one);
    exit(one, 0);
    one.send('accept');
    expect(one.now().output).toMatchObject({ outcome: 'succeeded', reason: null, runs: 2, at: 8 });
  });

  it('begin with what an earlier agent of this title left', () => {
    const previous = { run: 'other#1', reason: 'lost', detail: '' } as const;
    expect(agent({ previous }).now().context.previous).toEqual(previous);
    expect(agent().now().context).toMatchObject({ previous: null, start: 'begin', outcome: 'cancelled', at: 0 });
  });

  it('keep the end of a long output', () => {
    const detail = `${'x'.repeat(8_192)}end`;
    const [crashed, rejected] = [agentIn('running'), agentIn('delivered')];
    exit(crashed, 1, { detail });
    rejected.send('reject', { reason: 'check-failed', detail });
    for (const one of [crashed, rejected]) {
      expect(one.now().context.detail).toBe(detail.slice(3));
      expect(one.now().context.previous?.detail).toBe(detail.slice(3));
    }
  });
});

describe('the work of a run that does not count', () => {
  it.each(['coder', 'fixer', 'session'] as const)('is kept under a ref if its role is %s', (role) => {
    const one = agentIn('running', { role });
    exit(one, 1);
    expect(one.did()).toEqual(['keep #3', 'timer #4 at 1003']);
  });

  it.each(['planner', 'architect', 'reviewer', 'verifier'] as const)('is not kept if its role is %s', (role) => {
    const one = agentIn('running', { role });
    exit(one, 1);
    expect(one.did()).toEqual(['timer #3 at 1003']);
  });

  it.each([
    ['end', 'cancelled', []],
    ['agent_kill', 'failed', []],
    ['requeue', 'queued', ['run #4 continue']],
    ['agent_restart', 'queued', ['run #4 restart']],
  ])('is kept after %s', (type, state, next) => {
    const one = agentIn('running');
    one.send(type);
    exit(one, 143, { cause: 'stopped' });
    expect(one.state()).toBe(state);
    expect(one.did()).toEqual(['stop in 0', 'keep #3', ...next]);
    expect(one.now().context.at).toBe(4);
    expect(one.now().context.reason).toBe(type === 'agent_kill' ? 'killed' : null);
  });

  it.each([
    ['is counted', {}, 0, 'delivered'],
    ['is done again after a failure, with no attempt spent', {}, 1, 'queued'],
    ['is a verdict, where the exit code says it', { speaksByExit: true, role: 'reviewer' }, 1, 'delivered'],
  ] as const)('%s if it had ended before the stop of a paused plan reached it', (_what, more, code, state) => {
    const one = agentIn('running', more);
    one.send('requeue');
    exit(one, code, { cause: 'exit' });
    expect([one.state(), one.now().context.failures]).toEqual([state, 0]);
  });

  it('is not counted before it has read a message, also if its plan was paused when it ended', () => {
    const one = agentIn('running');
    one.send('agent_send');
    one.send('requeue');
    exit(one, 0, { cause: 'exit' });
    expect(one.state()).toBe('queued');
  });

  it('is counted if another has reported it as finished', () => {
    const one = agentIn('running');
    one.send('finish');
    exit(one, 143, { cause: 'stopped' });
    expect(one.state()).toBe('delivered');
    expect(one.did()).toEqual(['stop in 30000']);
  });

  it('a run that never began leaves no conversation to continue, and the next begins as it would have', () => {
    const [fresh, anew] = [agentIn('queued'), agentIn('backingOff')];
    anew.send('agent_restart');
    anew.did();
    for (const one of [fresh, anew]) {
      one.send('requeue');
      exit(one, null, { cause: 'withdrawn' });
    }
    expect(fresh.did()).toEqual(['stop in 0', 'run #2 begin']);
    expect(anew.did()).toEqual(['stop in 0', 'run #6 restart']);
  });
});

describe('the time of an agent', () => {
  it('is the limit of its run, which ends nothing after the run', () => {
    const one = agent();
    one.did();
    begin(one);
    expect(one.did()).toEqual(['timer #2 at 60002']);
    exit(one, 0);
    expect(one.now().context.timer).toBeNull();
  });

  it('does not count while it is frozen', () => {
    const one = agentIn('running');
    one.send('agent_pause', { at: 20_002 });
    expect(one.now().context.timer).toBeNull();
    one.send('agent_resume', { at: 90_000 });
    expect(one.did()).toEqual(['freeze #3', 'timer #4 at 130000', 'thaw #5']);
  });

  it.each([
    ['the rest of it', 20_002, 40_000],
    ['its last millisecond', 60_001, 1],
    ['the whole, before any has passed', 2, 60_000],
    ['the whole, where the clock says that all has passed', 60_002, 60_000],
    ['the whole, where the clock was set back', 1, 60_000],
  ])('that is left when it is frozen: %s', (_what, at, remainingMs) => {
    const one = agentIn('running');
    one.send('agent_pause', { at });
    expect(one.now().context.remainingMs).toBe(remainingMs);
  });

  it('is at least a millisecond', () => {
    const one = agentIn('running', { timeoutMs: 0 });
    one.send('agent_pause');
    expect(one.now().context.remainingMs).toBe(1);
  });

  it.each([
    [0, 1_000],
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [9, 256_000],
    [10, 300_000],
    [60, 300_000],
  ])('before the next attempt after %i failures is %i ms', (failures, ms) => {
    expect(backOffMs(failures)).toBe(ms);
  });

  it('before the next attempt grows with its failures', () => {
    const one = agentIn('backingOff');
    one.send('timer_due');
    begin(one);
    one.did();
    exit(one, 1);
    expect(one.did()).toEqual(['keep #7', 'timer #8 at 2007']);
  });

  it('of a rate limit is the reset that the service names, and else five minutes', () => {
    for (const [until, dueAt] of [
      [9_000, 9_000],
      [undefined, 300_003],
    ]) {
      const one = agentIn('running');
      exit(one, 1, { cause: 'rate-limited', ...(until === undefined ? {} : { until }) });
      expect(one.did()).toEqual(['keep #3', `timer #4 at ${dueAt}`]);
    }
  });

  it('a rate limit that comes while the run is being stopped changes nothing', () => {
    const one = agentIn('running');
    one.send('timer_due');
    exit(one, 1, { cause: 'rate-limited' });
    expect(one.state()).toBe('backingOff');
  });
});

describe('a question to a person', () => {
  const asked = {
    type: 'child_asked',
    at: 3,
    id: 'agent',
    title: 'hello-w1-t1',
    run: `${input.path}#1`,
    question: 'tabs?',
  };
  const withdrawn = { type: 'question_withdrawn', id: 'agent', run: `${input.path}#1` };

  it('is reported with its run, and withdrawn if the agent goes on without an answer', () => {
    const one = agent();
    begin(one);
    one.send('needs_decision', { reason: 'tabs?' });
    expect(one.reported()).toEqual([asked]);
    one.send('end');
    expect(one.reported()).toEqual([{ ...withdrawn, at: 4 }]);
  });

  it('is answered before the run has ended, and is then not withdrawn', () => {
    const one = agentIn('stopping');
    one.send('answered', { answer: 'spaces' });
    expect(one.now().context).toMatchObject({ question: 'tabs?', answer: 'spaces' });
    one.send('finish');
    expect(one.reported()).toEqual([]);
    const goesOn = agentIn('stopping');
    goesOn.send('answered', { answer: 'spaces' });
    exit(goesOn, 143, { cause: 'stopped' });
    expect(goesOn.did()).toEqual(['keep #3', 'run #4 continue']);
  });

  it('has no answer of an earlier one', () => {
    const one = agentIn('stopping');
    one.send('answered', { answer: 'spaces' });
    exit(one, 143, { cause: 'stopped' });
    begin(one);
    one.send('needs_decision', { reason: 'which?' });
    expect(one.now().context).toMatchObject({ question: 'which?', answer: null });
  });

  it('does not matter any more where another reports the work as finished; an answered one stays', () => {
    const open = agentIn('waiting.decision');
    open.send('finish');
    expect(open.now().context).toMatchObject({ question: null, answer: null, timer: null, at: 5 });
    const answered = agentIn('waiting.decision');
    answered.send('answered', { answer: 'spaces' });
    begin(answered);
    exit(answered, 1);
    answered.send('finish');
    expect(answered.now().context).toMatchObject({ question: 'tabs?', answer: 'spaces' });
  });
});

describe('an agent that is being stopped', () => {
  const orders = ['finish', 'end', 'agent_kill', 'agent_restart'] as const;
  const noted = { finish: 'finish', end: 'cancel', agent_kill: 'kill', agent_restart: 'restart' } as const;
  /** Which orders change why it is stopped. */
  const takes = {
    finish: ['finish', 'end', 'agent_kill'],
    end: ['end'],
    agent_kill: ['end', 'agent_kill', 'agent_restart'],
    agent_restart: orders,
    requeue: orders,
    timer_due: orders,
    run_idle: orders,
    needs_decision: ['finish', 'end', 'agent_kill'],
  } as const;

  it.each(Object.keys(takes) as (keyof typeof takes)[])('by %s follows some later orders', (first) => {
    for (const order of orders) {
      const one = agentIn('running');
      one.send(first, { reason: 'tabs?' });
      const before = one.now().context.ending;
      one.send(order);
      const isTaken = (takes[first] as readonly string[]).includes(order);
      expect([order, one.now().context.ending]).toEqual([order, isTaken ? noted[order] : before]);
    }
  });

  it('has no timer and no open permissions', () => {
    const one = agentIn('waiting.permission');
    one.send('end');
    expect(one.now().context).toMatchObject({ ending: 'cancel', timer: null, permissions: [] });
  });

  it('counts its run if that began only now, and knows where it began', () => {
    const one = agentIn('starting');
    one.send('agent_restart');
    one.send('run_started', { base: 'base' });
    exit(one, 143, { cause: 'stopped' });
    expect(one.did()).toEqual(['stop in 0', 'keep #2', 'run #3 restart']);
    expect(one.now().context).toMatchObject({ runs: 1, base: null, ending: null, ended: null });
  });
});

describe('a permission', () => {
  it('has a deadline; the next one is the deadline of the oldest that is open', () => {
    const one = agentIn('running');
    one.send('run_waiting', { ...question, limit_ms: 500 });
    one.send('run_waiting', { ...question, permission: 'b', limit_ms: 900 });
    expect(one.did()).toEqual(['timer #3 at 503']);
    expect(one.now().context.permissions).toEqual([
      { id: 'a', tool: 'Bash', detail: 'make', askedAt: 3, dueAt: 503 },
      { id: 'b', tool: 'Bash', detail: 'make', askedAt: 4, dueAt: 904 },
    ]);
    one.send('timer_due');
    expect(one.state()).toBe('waiting.permission');
    expect(one.did()).toEqual(['answer #4 a', 'timer #5 at 904']);
    one.send('timer_due');
    expect(one.state()).toBe('running');
    expect(one.did()).toEqual(['answer #6 b', 'timer #7 at 60005']);
  });

  it.each(['agent_allow', 'agent_deny', 'run_going'])('is named where several are open: %s', (type) => {
    const one = agentIn('waiting.permission');
    one.send('run_waiting', { ...question, permission: 'b' });
    const open = () => one.now().context.permissions.map(({ id }) => id);
    const fits = (fields: object) => one.now().can({ type, at: 9, ...fields } as never);
    expect([fits({}), fits({ permission: 'c' }), fits({ permission: 'b' })]).toEqual([false, false, true]);
    one.send(type, { permission: 'c' });
    expect(open()).toEqual(['a', 'b']);
    one.send(type, { permission: 'b' });
    expect(open()).toEqual(['a']);
    expect(one.state()).toBe('waiting.permission');
    one.send(type, type === 'run_going' ? { permission: 'a' } : {});
    expect([open(), one.state()]).toEqual([[], 'running']);
  });

  it('that is not open is no reason to go on', () => {
    for (const type of ['agent_allow', 'run_going']) {
      const one = agentIn('waiting.permission');
      one.send(type, { permission: 'c' });
      expect(one.state()).toBe('waiting.permission');
    }
  });

  it('is asked once, and sixteen at most are open', () => {
    const one = agentIn('waiting.permission');
    const takes = (permission: string) =>
      one.now().can({ ...question, type: 'run_waiting', at: 9, permission } as never);
    expect([takes('a'), takes('b')]).toEqual([false, true]);
    for (let number = 1; number < 16; number += 1) {
      expect(takes(`p${number}`)).toBe(true);
      one.send('run_waiting', { ...question, permission: `p${number}` });
    }
    expect(one.now().context.permissions).toHaveLength(16);
    expect(takes('b')).toBe(false);
  });

  it('that is asked before the start is reported holds the whole time of the run', () => {
    const one = agentIn('starting');
    one.send('run_waiting', question);
    one.send('run_started', { base: 'base' });
    expect(one.state()).toBe('waiting.permission');
    expect(one.did()).toEqual(['timer #2 at 502']);
    expect(one.now().context).toMatchObject({ runs: 1, base: 'base', remainingMs: 60_000 });
    one.send('agent_allow');
    expect(one.did()).toEqual(['answer #3 a', 'timer #4 at 60004']);
  });

  it.each(['starting', 'paused'])('may be taken back: %s', (state) => {
    const one = agentIn(state);
    one.send('run_waiting', question);
    one.send('run_going', { permission: 'b' });
    expect(one.now().context.permissions).toHaveLength(1);
    one.send('run_going', { permission: 'a' });
    expect(one.now().context.permissions).toEqual([]);
  });

  it('that is asked while the agent is frozen gets its whole time when it goes on', () => {
    const one = agentIn('paused');
    one.send('run_waiting', question);
    one.send('run_waiting', { ...question, permission: 'b', limit_ms: 700 });
    one.send('agent_resume', { at: 5_000 });
    expect(one.state()).toBe('waiting.permission');
    expect(one.did()).toEqual(['thaw #4', 'timer #5 at 5500']);
    expect(one.now().context.permissions.map(({ dueAt }) => dueAt)).toEqual([5_500, 5_700]);
  });

  it('of an ended run is closed', () => {
    const one = agentIn('waiting.permission');
    exit(one, 1);
    expect(one.now().context).toMatchObject({ permissions: [] });
  });
});

describe('a message to an agent', () => {
  const send = (one: Agent, word: number | null) => one.send('agent_send', { body: 'use tabs', word });
  const unread = (one: Agent) => one.now().context.unread;

  it('waits for the run that is given it', () => {
    const one = agent();
    for (const word of [1, 2, null]) send(one, word);
    expect(unread(one)).toEqual([1, 2, 0]);
    begin(one, { words: [1, 0] });
    expect(unread(one)).toEqual([2]);
  });

  it('was in the prompt, where a host numbers none', () => {
    const one = agent();
    send(one, 1);
    begin(one);
    expect(unread(one)).toEqual([]);
  });

  it('is refused where ten wait, running or being stopped', () => {
    const one = agentIn('running');
    const takes = () => one.now().can({ type: 'agent_send', at: 9, body: '' } as never);
    for (let word = 1; word <= 10; word += 1) {
      expect(takes()).toBe(true);
      send(one, word);
    }
    expect(takes()).toBe(false);
    one.send('agent_restart');
    expect(takes()).toBe(false);
  });

  it('is refused by an agent that is not wanted any more', () => {
    for (const [order, isTaken] of [
      ['end', false],
      ['agent_kill', false],
      ['agent_restart', true],
      ['finish', true],
    ] as const) {
      const one = agentIn('running');
      one.send(order);
      expect([order, one.now().can({ type: 'agent_send', at: 9, body: '' } as never)]).toEqual([order, isTaken]);
    }
  });

  it('that came too late for a run begins another before its work counts', () => {
    const one = agentIn('running');
    send(one, 1);
    exit(one, 0);
    expect(one.did()).toEqual(['keep #3', 'run #4 continue']);
    expect(one.reported()).toEqual([]);
  });

  it('does not change how a failed run counts', () => {
    const one = agentIn('running');
    send(one, 1);
    exit(one, 1);
    expect(one.state()).toBe('backingOff');
  });

  it.each([
    ['coder', 'queued'],
    ['reviewer', 'delivered'],
  ] as const)('to a %s whose work is reported as finished: %s', (role, state) => {
    const one = agentIn('running', { role });
    send(one, 1);
    one.send('finish');
    exit(one, 143, { cause: 'stopped' });
    expect(one.state()).toBe(state);
  });

  it('that a run was given and did not read waits again', () => {
    const one = agentIn('running');
    send(one, 3);
    exit(one, 1, { returned: [1, 2] });
    expect(unread(one)).toEqual([3, 1, 2]);
  });
});

describe('typed text', () => {
  const takes = (takesInput: boolean | 'messages' | undefined, fields: object) => {
    const one = agent();
    begin(one, takesInput === undefined ? {} : { takes_input: takesInput });
    return one.now().can({ type: 'agent_type', at: 9, ...fields } as never);
  };

  it.each([
    ['a terminal takes a line', true, { text: 'yes' }, true],
    ['a terminal takes an empty line', true, { text: '' }, true],
    ['a terminal takes a key', true, { key: 'Enter' }, true],
    ['a terminal takes a line that is not stored', true, { text: 'yes', word: null }, true],
    ['a program takes a message', 'messages', { text: 'yes', word: 4 }, true],
    ['a program takes no empty message', 'messages', { text: ' \n' }, false],
    ['a program takes no key', 'messages', { key: 'Enter' }, false],
    ['a program takes no message for which there is no room', 'messages', { text: 'yes', word: null }, false],
    ['a run without input takes none', false, { text: 'yes' }, false],
    ['a run that says nothing about it takes none', undefined, { text: 'yes' }, false],
  ] as const)('%s', (_what, takesInput, fields, isTaken) => {
    expect(takes(takesInput, fields)).toBe(isTaken);
  });

  it('is not for the next run, until that says so', () => {
    const one = agentIn('running');
    one.send('agent_restart');
    expect(one.now().context.takesInput).toBe(true);
    exit(one, 143, { cause: 'stopped' });
    expect(one.now().context.takesInput).toBe(false);
    const silent = agent();
    begin(silent);
    expect('takesInput' in silent.now().context).toBe(false);
  });
});
