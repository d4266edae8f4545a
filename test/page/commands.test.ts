/** What the page shows of the engine's sentences. */
import { expect, it } from 'vitest';
import { shortTitles } from '../../page/needs.ts';

it('agents lose the name of their plan in a sentence, and keep it in a command that somebody pastes', () => {
  const said =
    'login-w1-t1 failed (2 runs; its log: stator agent logs login-w1-t1), login-coder waits; stator agent restart login-coder';
  expect(shortTitles(said, 'login')).toBe(
    'w1-t1 failed (2 runs; its log: stator agent logs login-w1-t1), coder waits; stator agent restart login-coder',
  );
  expect(shortTitles('stator plan answer login-x#1 "<your answer>"\nlogin-coder', 'login')).toBe(
    'stator plan answer login-x#1 "<your answer>"\ncoder',
  );
});
