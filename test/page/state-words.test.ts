/** The states of agents in people's words. */
import { expect, it } from 'vitest';
import { agentWords } from '../../page/state-words.ts';
import type { InstanceEntry } from '../../runtime/api/contract/runs.ts';

it('an agent whose work is still checked does not work any more', () => {
  const agent = { state: 'running', permissions: [], waits_until: null } as unknown as InstanceEntry; // what is read of it
  expect(agentWords({ ...agent, exit_code: null })).toBe('at work');
  expect(agentWords({ ...agent, exit_code: 0 })).toBe('ended, its work is not taken yet');
});

it.each([
  ['has asked, whether its program is still there or not', {}, 'asks you'],
  ['asks to be allowed', { permissions: [{ id: '1' }] }, 'asks for 1 permission'],
  [
    'reached a limit of its account',
    { waits_until: '2026-11-20T12:05:00Z' },
    'waits for its account, goes on at 2026-11-20T12:05:00Z',
  ],
])('an agent that waits since it %s', (_, fields, said) => {
  const agent = { state: 'waiting', permissions: [], waits_until: null, ...fields } as unknown as InstanceEntry; // what is read of it
  expect(agentWords(agent)).toBe(said);
});
