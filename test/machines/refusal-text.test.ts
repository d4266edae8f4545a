/** Refusals are sentences for people. */
import { expect, it } from 'vitest';
import { planSummary } from '../../actors/plan-view.ts';
import { acceptedSignals } from '../../actors/refusal.ts';
import { agentMachine } from '../../machines/agent/machine.ts';
import { type Refused, refusalHint, refusalSentence } from '../../machines/plan/refusal-text.ts';
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
  ['an agent', { ...agent, type: 'agent_pause' }, 'agent login-w1-t3 is paused already'],
  [
    'an agent that has ended',
    { type: 'agent_send', guard: 'agent login-w1-t3 is not under way' },
    'agent login-w1-t3 is not under way',
  ],
])('a refusal of %s is a sentence without a state of the engine', (_what, fields, sentence) => {
  expect(refusalSentence({ ...planned, ...fields })).toBe(sentence);
});

it('a refusal names the commands for what would be taken, the likeliest first', () => {
  expect(refusalHint(planned)).toBe(
    'it accepts now: stator plan advance login, or stator plan pause login, or stator plan cancel login; all commands: stator plan explain login',
  );
  expect(refusalHint({ ...agent, type: 'agent_pause' })).toContain('stator agent resume login-w1-t3');
  expect(refusalHint({ ...planned, accepts: [] })).toContain('stator plan explain login');
});

it('no refusal repeats its state as a reason, or speaks in words of the engine', () => {
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
