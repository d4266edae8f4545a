import { expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { afterFailure, type FailedTry } from '../../runtime/core/outbox/failed-try.ts';
import { StoreTrouble } from '../../runtime/core/store/port.ts';

const [nowMs, timelineMs] = [1_000_000, 5_000];
const fault = (code: 'git_failed' | 'bad_config') => new EngineError(code, 'it failed', 'try again');
const storeTrouble = new StoreTrouble('store_locked', 'it failed', 'try again');
const of = (kind: FailedTry['row']['kind'], row: Partial<FailedTry['row']> = {}): FailedTry['row'] => ({
  ...{ kind, attempts: 1, waiting_since: null },
  ...row,
});

/** The failed try, and the decision. */
const cases: readonly (readonly [string, Partial<FailedTry>, unknown])[] = [
  ['a first failure', {}, { do: 'try-again', nextAt: timelineMs + 500, error: 'it failed' }],
  ['a later one', { row: of('work.merge', { attempts: 3 }) }, { do: 'try-again', nextAt: timelineMs + 2_000 }],
  ['one of many', { row: of('work.merge', { attempts: 20 }), maxTries: 30 }, { nextAt: timelineMs + 30_000 }],
  ['the last one', { row: of('work.merge', { attempts: 5 }) }, { do: 'fail', error: 'it failed' }],
  ['one that no try would mend', { thrown: fault('bad_config') }, { do: 'fail' }],
  ['one of a machine', { row: of('machine.effect', { attempts: 5 }) }, { do: 'fail', thrown: expect.anything() }],
  ['a fault of the environment', { trouble: {} }, { do: 'put-back', nextAt: timelineMs + 500, at: nowMs }],
  ['one that says when it is over', { trouble: { retryAtMs: nowMs + 60_000 } }, { nextAt: timelineMs + 60_000 }],
  ['a repo that is away', { trouble: 'repo' }, { do: 'put-back' }],
  [
    'one that has waited for a while',
    { trouble: 'repo', row: of('work.merge', { waiting_since: nowMs - 20_000 }) },
    { do: 'put-back', nextAt: timelineMs + 10_000 },
  ],
  ['one that is under way', { trouble: 'repo', mayPutBack: false }, { do: 'try-again' }],
  [
    'a run that is under way',
    { trouble: {}, mayPutBack: false, row: of('agent.run'), resumes: 2 },
    { do: 'wait', waitMs: 8_000, reason: 'it failed' },
  ],
  [
    'a store that takes no writes',
    { thrown: storeTrouble, trouble: null },
    { do: 'wait', waitMs: 2_000, reason: null },
  ],
];

it.each(cases)('%s', (_, facts, expected) => {
  const failed: FailedTry = {
    ...{ row: of('work.merge'), thrown: fault('git_failed'), message: 'it failed', resumes: 0, mayPutBack: true },
    ...{ trouble: null, maxTries: 5, nowMs, timelineMs, random: 0.5 },
    ...facts,
  };
  expect(afterFailure(failed)).toMatchObject(expected as object);
});
