import { expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { createServiceLoop, createTroubles, type ReportedTrouble } from '../../runtime/base/platform/poll-loop.ts';
import { until } from '../support/ground.ts';

function recorded() {
  const reported = new Map<string, ReportedTrouble | null>();
  const log: string[] = [];
  const note = (text: string) => void log.push(text);
  const troubles = createTroubles({
    log: { debug: note, info: note, warn: note, error: note },
    report: (what, now) => void reported.set(what, now),
  });
  return { troubles, reported, log };
}

it('an action that fails twice in a row is reported with its reason, is logged once, and is forgotten when it works', () => {
  const { troubles, reported, log } = recorded();
  const trouble = { what: 'the moon is not looked at' };
  troubles.failed(trouble, new EngineError('unavailable', 'there are clouds', 'wait for the wind'));
  expect([...reported]).toEqual([]);
  troubles.failed(trouble, new EngineError('unavailable', 'there are clouds', 'wait for the wind'));
  const text = expect.stringMatching(
    /^the moon is not looked at: there are clouds.*wait for the wind.*; it is tried again/,
  );
  expect(reported.get(trouble.what)).toEqual({ text, holdsPlans: false });
  expect(log).toEqual([text]);
  troubles.worked(trouble);
  expect(reported.get(trouble.what)).toBeNull();
  troubles.failed(trouble, new Error('clouds'));
  expect(reported.get(trouble.what)).toBeNull();
});

it('an action that is tried every few hours is reported from its first failure on, with what a person can do', () => {
  const { troubles, reported } = recorded();
  troubles.failed({ what: 'the cellar is not swept', isRare: true, hint: 'sweep it: broom' }, new Error('no broom'));
  expect(reported.get('the cellar is not swept')?.text).toBe('the cellar is not swept: no broom; sweep it: broom');
});

it('trouble with the store has one text, whichever action meets it', () => {
  const { troubles, reported } = recorded();
  for (const what of ['a', 'a', 'b', 'b'])
    troubles.failed({ what }, new EngineError('store_full', 'it is full', 'make room'));
  expect(reported.get('a')?.text).toBe(reported.get('b')?.text);
});

it('a loop tells of its failures until a round goes well', async () => {
  const { troubles, reported } = recorded();
  let isDown = true;
  const loop = createServiceLoop({
    trouble: { what: 'it does not turn', holdsPlans: true },
    troubles,
    everyMs: 1,
    async work() {
      if (isDown) throw new Error('stuck');
      return null;
    },
  });
  loop.start();
  await until(() => reported.get('it does not turn')?.holdsPlans === true);
  isDown = false;
  await until(() => reported.get('it does not turn') === null);
  await loop.stop();
});
