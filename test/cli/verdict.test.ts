import { expect, it } from 'vitest';
import { createOutput } from '../../cli/output.ts';
import { printVerdict, verdictLine } from '../../cli/verdict.ts';
import type { SignalAnswer } from '../../runtime/api/client/client.ts';

const refused = { by: 'plan', state: 'ready.planned', guard: null, accepts: ['cancel', 'pause'] };
const answer: SignalAnswer = {
  signal: { id: 1, type: 'review_approved', status: 'failed', result: refused, refused },
  plan: { project: 'demo', plan: 'p', status: 'ready', phase: 'planned', waits: null },
};

function printed(env: NodeJS.ProcessEnv, json = false): string {
  const parts: string[] = [];
  const stream = { write: (part: string) => parts.push(part) };
  const out = createOutput({ stdout: stream, stderr: stream, env, json, quiet: false, verbose: false });
  expect(printVerdict({ out, env }, answer)).toBe(1);
  return parts.join('');
}

it('a refusal tells a person the commands that are accepted, and an agent to ask a person', () => {
  expect(printed({})).toContain('stator plan cancel p');
  const agent = printed({ STATOR_RUN: 'plan:demo/p/coder.1/agent#1', STATOR_TOKEN: 'token' });
  expect(agent).toContain('stator signal emit needs_decision --payload "<why>"');
  expect(agent).not.toContain('stator plan cancel p');
  expect(JSON.parse(printed({}, true))).toEqual(answer);
});

it('a signal that belongs to no plan is not said to be of one', () => {
  const plan = { project: '', plan: '', status: null, phase: null, waits: null };
  const line = (status: 'done' | 'held') =>
    verdictLine({ plan, signal: { id: 33, type: 'machine_started', status, result: null, refused: null } });
  expect(line('done')).toBe('done: machine_started');
  expect(line('held')).toBe(
    'held: machine_started is signal 33; it is delivered when its addressee takes it: stator signal show 33',
  );
});
