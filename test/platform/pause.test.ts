import { once } from 'node:events';
import { setImmediate as immediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { timeLimit } from '../../runtime/base/platform/pause.ts';

it('a time limit that only a combined signal refers to comes also after memory was collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const stop = AbortSignal.any([timeLimit(100), new AbortController().signal]);
  await immediate();
  collect();
  if (!stop.aborted) await once(stop, 'abort');
  expect(stop.reason).toMatchObject({ name: 'TimeoutError' });
});
