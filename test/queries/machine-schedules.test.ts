/** The list of schedules, from the marks in a store. */
import { expect, it } from 'vitest';
import { createMachine } from 'xstate';
import type { AnyDefinition } from '../../actors/definition.ts';
import { scheduleEntries } from '../../runtime/api/queries/machine-schedules.ts';
import { defineMachine } from '../../runtime/engine/engine.ts';

const machine = createMachine({ id: 'report', initial: 'open', states: { open: {} } });
const report = defineMachine({ machine, signals: {}, schedules: { nightly: { cron: '0 3 * * *' } } }) as AnyDefinition;
const nowMs = Date.parse('2026-11-27T09:00:00Z');
const threeMs = Date.parse('2026-11-27T03:00:00Z');
const mark = { intake: 'machine:report/nightly', pattern: '0 3 * * * UTC', reachedAt: threeMs, reason: null };
const due = '2026-11-27T03:00:00.000Z';

it.each([
  ['no engine has looked at it', [], { seen: false, due: null, passed: null }],
  ['its pattern is another one now', [{ ...mark, pattern: '0 4 * * * UTC' }], { seen: false, due: null }],
  ['its times were looked at', [mark], { seen: true, due: null, passed: null, last: null }],
  ['no engine has run since yesterday', [{ ...mark, reachedAt: threeMs - 1 }], { seen: true, due }],
  ['nothing began', [{ ...mark, reason: 'why' }], { passed: { at: due, reason: 'why' } }],
  [
    'a tree began',
    [mark, { ...mark, intake: 'machine:report/nightly:begun', pattern: 'nightly-1' }],
    { last: { at: due, id: 'nightly-1' } },
  ],
] as const)('%s', (_what, marks, told) => {
  const [entry, ...others] = scheduleEntries([report], { marks, nowMs });
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ next: '2026-11-28T03:00:00.000Z', ...told });
});
