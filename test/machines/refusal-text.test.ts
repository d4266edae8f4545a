import { expect, it } from 'vitest';
import { type Refused, refusalHint, refusalSentence } from '../../machines/plan/refusal-text.ts';

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
  ['an agent', { ...agent, type: 'agent_pause' }, 'agent login-w1-t3 is paused, so it cannot be paused'],
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
    'now it takes: stator plan implement login, or stator plan pause login, or stator plan cancel login; all that it takes: stator plan explain login',
  );
  expect(refusalHint({ ...agent, type: 'agent_pause' })).toContain('stator instance resume login-w1-t3');
  expect(refusalHint({ ...planned, accepts: [] })).toContain('stator plan explain login');
});
