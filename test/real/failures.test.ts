/** What the services answer when something is wrong, and what becomes of the run. */
import { expect } from 'vitest';
import { begin, planText, runFolders, untilPhase, untilPlan, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import type { Asked, Reply, Script } from './model/reply.ts';
import { works } from './model/reply.ts';
import { behaves, startReal, type Tried } from './stage.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);
const does = works('echo hello > made.txt');

/** As each service refuses a key, and as it says that it takes no more. */
const refusals: Readonly<Record<string, { readonly key: Reply; readonly limit: Reply }>> = {
  claude: {
    key: { kind: 'fail', status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
    limit: {
      kind: 'fail',
      status: 429,
      type: 'rate_limit_error',
      message: 'This request would exceed your rate limit',
      headers: { 'x-should-retry': 'false', 'retry-after': '4' },
    },
  },
  codex: {
    key: { kind: 'fail', status: 401, type: 'invalid_request_error', message: 'Incorrect API key provided' },
    limit: {
      kind: 'fail',
      status: 429,
      type: 'usage_limit_reached',
      message: 'The usage limit has been reached',
    },
  },
  gemini: {
    key: {
      kind: 'fail',
      status: 400,
      type: 'INVALID_ARGUMENT',
      message: 'API key not valid. Please pass a valid API key.',
    },
    // A quota by the day; one by the minute it waits for by itself.
    limit: {
      kind: 'fail',
      status: 429,
      type: 'RESOURCE_EXHAUSTED',
      message: 'You exceeded your current quota.',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ quotaMetric: 'requests', quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }],
        },
      ],
    },
  },
  opencode: {
    key: { kind: 'fail', status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
    limit: {
      kind: 'fail',
      status: 429,
      type: 'rate_limit_error',
      message: 'slow down',
      headers: { 'retry-after': '4' },
    },
  },
};

/** The first answers, one a request, and then the other script. */
function first(replies: readonly Reply[], then: Script): Script {
  let count = 0;
  return (asked: Asked) => replies[count++] ?? then(asked);
}

const refusalsOf = ({ program }: Tried) => refusals[program] as { key: Reply; limit: Reply }; // one for each program

/** Once; then it works. */
async function goesOnAfter(each: Tried, reply: Reply): Promise<void> {
  const engine = await startReal(each, { script: first([reply], does), keys: 'attempts = 2\n' });
  await begin(engine, 'cut', oneTask);
  await untilStatus(engine, 'cut', 'done');
  expect(git(engine.repo, 'show', 'plan/cut:made.txt')).toBe('hello');
}

behaves('failures', {
  'a key that the service refuses spends one attempt, and says what to do': async (each) => {
    const engine = await startReal(each, { script: () => refusalsOf(each).key, keys: 'attempts = 3\n' });
    await begin(engine, 'key', oneTask);
    const shown = await untilPhase(engine, 'key', 'wave_waiting');
    expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', attempts: 1 });
    expect(shown.tasks_by_wave[0]?.tasks[0]?.why).toContain(`log in to ${each.program}`);
    expect(runFolders(engine.home, 'key')).toHaveLength(1);
  },

  'a limit is waited for, and spends no attempt': async (each) => {
    let isOver = false;
    const script: Script = (asked) => (isOver ? does(asked) : refusalsOf(each).limit);
    const engine = await startReal(each, { script, keys: 'attempts = 1\n' });
    await begin(engine, 'limit', oneTask);
    await untilPlan(engine, 'limit', ({ waiting_for: what }) => what?.kind === 'rate_limit');
    isOver = true;
    await engine.client.instanceWord('demo', 'limit-w1-t1', 'restart');
    await untilStatus(engine, 'limit', 'done');
  },

  'a stream that is cut spends one attempt at most': (each) => goesOnAfter(each, { kind: 'cut' }),
  'a service that is down spends one attempt at most': (each) =>
    goesOnAfter(each, { kind: 'fail', status: 500, type: 'api_error', message: 'Internal server error' }),
});
