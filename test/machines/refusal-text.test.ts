/** Refusals are sentences for people. */
import { expect, it } from 'vitest';
import { planSummary } from '../../actors/plan-view.ts';
import { acceptedSignals } from '../../actors/refusal.ts';
import { agentMachine } from '../../machines/agent/machine.ts';
import { failureOf, type Refused, refusalHint, refusalSentence } from '../../machines/plan/refusal-text.ts';
import { publicSignalTypes, signals } from '../../machines/vocabulary/signal.ts';
import { copyOf, worldsByState } from '../support/plan-states.ts';
import { expectProse } from '../support/prose.ts';

const planned: Refused = {
  type: 'merge',
  plan: 'login',
  status: 'ready',
  phase: 'planned',
  by: 'plan',
  state: 'ready.planned',
  guard: null,
  accepts: ['implement_start', 'cancel', 'pause', 'mark_done'],
};
const failed = { id: 7, type: 'merge', refused: null };
const retry = 'deliver it again: stator signal retry 7';

it('a signal that failed gives the text and the hint of a stored error', () => {
  const result = { error: 'the disk is full', code: 'unavailable', hint: 'free some' };
  expect(failureOf({ signal: { ...failed, result }, plan: planned })).toEqual({ why: result.error, hint: result.hint });
});

it.each([
  ['the text that was stored', 'the disk ate it', 'the disk ate it'],
  ['anything else as JSON', { at: 3 }, '{"at":3}'],
  ['null where nothing was stored', undefined, 'null'],
])('a signal that failed gives %s, and how it is delivered again', (_name, result, why) => {
  expect(failureOf({ signal: { ...failed, result }, plan: planned })).toEqual({ why, hint: retry });
});

it('a signal that a machine refused gives the sentence of the refusal', () => {
  const { by, state, guard, accepts } = planned;
  const signal = { ...failed, refused: { by, state, guard, accepts }, result: null };
  const expected = { why: refusalSentence(planned), hint: refusalHint(planned) };
  expect(failureOf({ signal, plan: planned })).toEqual(expected);
});

const wave = {
  status: 'implementing',
  phase: 'wave_running',
  state: 'underway.implementing.wave.running',
  accepts: ['cancel'],
};
const agent = { ...planned, ...wave, by: 'wave-1.2/task-3.1/agent', state: 'paused', accepts: ['agent_resume'] };

it.each<[string, Partial<Refused>, string]>([
  ['a plan that was not started', {}, 'login is planned, so it cannot be merged'],
  [
    'a document whose running task was edited',
    { ...wave, type: 'plan_updated', guard: 'what was begun is fixed: task 1 of wave 1 cannot change' },
    'login is implementing (wave running), so it cannot take the edited document: what was begun is fixed: task 1 of wave 1 cannot change',
  ],
  [
    'a draft without a planner',
    { type: 'plan_start', phase: null, guard: 'no_planner' },
    'login is a draft, so it cannot start planning: no planner is on',
  ],
  [
    'an answer where drafts wait to be chosen from',
    { type: 'resolve', status: 'planning', phase: null, guard: 'choose one of its drafts' },
    'login is planning, so an answer is not enough: choose one of its drafts',
  ],
  [
    'an answer to a question that is closed, while another is open',
    { ...wave, type: 'answer', guard: 'question 1 is not open any more (open: question 3 of login-w1-t2)' },
    'login is implementing (wave running), so nothing was answered: question 1 is not open any more (open: question 3 of login-w1-t2)',
  ],
  [
    'a verdict that is about another commit',
    { type: 'verify_approved', status: 'verifying', phase: null, guard: 'stale_approval: it is about 012345678901' },
    'login is verifying, so this verdict does not count: stale_approval: it is about 012345678901',
  ],
  [
    'the word of another role, while a review is under way',
    { type: 'review_approved', status: 'reviewing', phase: 'reviewing', guard: 'not from a coder' },
    'login is reviewing, so this verdict does not count: not from a coder',
  ],
  ['an agent', { ...agent, type: 'agent_pause' }, 'agent login-w1-t3 is paused already'],
  [
    'an agent that has ended',
    { type: 'agent_send', guard: 'agent login-w1-t3 is not under way' },
    'agent login-w1-t3 is not under way',
  ],
  ['a plan without agents', { type: 'agent_send' }, 'login is planned, so it cannot take a message'],
  [
    'an agent of a late task',
    { ...agent, type: 'agent_kill', by: 'wave-12.10/task-13.14/agent', state: 'backingOff', guard: 'it has ended' },
    'agent login-w12-t13 is waiting for its next attempt, so it cannot be ended: it has ended',
  ],
  [
    'the one coder',
    { ...agent, type: 'agent_pause', by: 'coder.12/agent', state: 'queued' },
    'agent login-coder is waiting for a slot, so there is nothing to pause',
  ],
  [
    'an agent whose round its path does not say',
    { ...agent, type: 'agent_restart', by: 'reviewer.2/agent', state: 'waiting.rateLimit' },
    'login is in waiting rate limit, so it cannot be restarted',
  ],
  [
    'an actor below such a task',
    { ...agent, type: 'agent_restart', by: 'x/wave-1.2/task-3.1/agent', state: 'paused' },
    'login is in paused, so it cannot be restarted',
  ],
  [
    'a wave',
    { ...wave, type: 'mark_done', by: 'wave-1.12', state: 'settled' },
    'login is in settled, so it cannot be marked as done',
  ],
  ['a plan whose status is unknown', { status: null }, 'login is in ready planned, so it cannot be merged'],
  ['a plan that plans already', { type: 'plan_start', status: 'planning', phase: null }, 'login is planning already'],
  [
    'a plan that plans, by a guard',
    { type: 'plan_start', status: 'planning', phase: null, guard: 'no_planner' },
    'login is planning, so it cannot start planning: no planner is on',
  ],
  ['a signal that is not known', { type: 'dance' }, 'login is planned, so it cannot take dance'],
  [
    'a plan by a guard that names it',
    { plan: 'a b', guard: 'see <plan>' },
    "a b is planned, so it cannot be merged: see 'a b'",
  ],
])('a refusal of %s is a sentence without a state of the engine', (_what, fields, sentence) => {
  expect(refusalSentence({ ...planned, ...fields })).toBe(sentence);
});

it('a refusal names the commands for what would be taken, the likeliest first', () => {
  expect(refusalHint(planned)).toBe(
    'it accepts now: stator plan advance login, or stator plan pause login, or stator plan cancel login; all commands: stator plan explain login',
  );
  expect(refusalHint({ ...agent, type: 'agent_pause' })).toContain('stator agent resume login-w1-t3');
  expect(refusalHint({ ...planned, type: 'resolve', accepts: ['resolve', 'cancel'] })).toBe(
    'it accepts now: stator plan cancel login; all commands: stator plan explain login',
  );
  for (const none of [[], ['agent_resume']])
    expect(refusalHint({ ...planned, accepts: none })).toMatch(/^see what it .*: stator plan explain login$/);
  const draft = { ...planned, phase: null, accepts: ['cancel'] };
  expect(refusalHint(draft)).toMatch(/stator plan start login --solo; .* plan explain login$/);
  expect(refusalHint({ ...draft, accepts: ['plan_start'] })).toMatch(/^it accepts now: stator plan start login; /);
  expect(refusalHint({ ...draft, by: 'wave-1.12' })).toMatch(/^it accepts now: stator plan cancel login; /);
  // Without --force they are refused to a plan that is done.
  const done = { ...planned, status: 'done', phase: null, type: 'resume', accepts: ['start_over', 'pause', 'cancel'] };
  expect(refusalHint(done)).toBe(
    'it accepts now: stator plan advance login start-over; all commands: stator plan explain login',
  );
});

it('no refusal repeats its state as a reason, or uses internal names of the engine', () => {
  const sentences = matrix();
  expect(sentences.length).toBeGreaterThan(200);
  for (const sentence of sentences) {
    expect(sentence).not.toMatch(/_|underway| is (\w+), so it cannot be \1$/);
    expect(sentence).toMatch(/^(login|agent login-w1-t3) is .+(, so | already$)/);
  }
  expectProse(sentences.join('\n'));
});

/** Every signal that a plan or an agent refuses in its present state. */
function matrix(): string[] {
  const ofPlans = Object.values(worldsByState).flatMap((make) => {
    const world = make();
    const { tree } = copyOf(world);
    const taken = acceptedSignals(tree.root, world.now());
    const { status, phase } = planSummary(tree);
    const refusedTypes = publicSignalTypes.filter((type) => signals[type].to === 'plan' && !taken.includes(type));
    return refusedTypes.map((type) => refusalSentence({ ...planned, type, status, phase }));
  });
  const agentTypes = publicSignalTypes.filter((type) => signals[type].to === 'agent');
  const ofAgents = Object.values(agentMachine.root.states).flatMap((state) => {
    const below = Object.values(state.states).map((inner) => ({
      name: `${state.key}.${inner.key}`,
      takes: [state, inner],
    }));
    const states = below.length === 0 ? [{ name: state.key, takes: [state] }] : below;
    return states.flatMap(({ name, takes }) => {
      const refusedTypes = agentTypes.filter(
        (type) => !takes.some(({ ownEvents }) => (ownEvents as readonly string[]).includes(type)),
      );
      return refusedTypes.map((type) => refusalSentence({ ...agent, type, state: name }));
    });
  });
  return [...new Set([...ofPlans, ...ofAgents])].sort();
}
