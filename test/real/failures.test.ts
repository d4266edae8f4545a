/** Error answers of the services, and their effect on the run. */
import { expect } from 'vitest';
import type { StreamPreset } from '../../runtime/base/config/preset-programs.ts';
import { begin, ground, planText, runFile, runFolders, untilPhase, untilPlan, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import type { Asked, Reply, Script } from './model/reply.ts';
import { works } from './model/reply.ts';
import { behaves, startReal, type Tried } from './stage.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);
const does = works('echo hello > made.txt');

type Failure = Extract<Reply, { kind: 'fail' }>;

const expiredAtAnthropic: Failure = {
  kind: 'fail',
  status: 401,
  type: 'authentication_error',
  message: 'OAuth token has expired. Please obtain a new token or refresh your existing token.',
};

/** The answers of each service for a refused key, an expired login and a rate limit. */
const refusals: Readonly<Record<StreamPreset, { readonly [what in 'key' | 'expired' | 'limit']: Failure }>> = {
  claude: {
    expired: expiredAtAnthropic,
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
    expired: {
      kind: 'fail',
      status: 401,
      type: 'token_expired',
      message: 'Provided authentication token is expired. Please try signing in again.',
    },
    key: { kind: 'fail', status: 401, type: 'invalid_request_error', message: 'Incorrect API key provided' },
    limit: {
      kind: 'fail',
      status: 429,
      type: 'usage_limit_reached',
      message: 'The usage limit has been reached',
    },
  },
  gemini: {
    expired: {
      kind: 'fail',
      status: 401,
      type: 'UNAUTHENTICATED',
      message: 'Request had invalid authentication credentials. Expected OAuth 2 access token.',
    },
    key: {
      kind: 'fail',
      status: 400,
      type: 'INVALID_ARGUMENT',
      message: 'API key not valid. Please pass a valid API key.',
    },
    // A daily quota; the program itself waits for a limit per minute.
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
    expired: expiredAtAnthropic,
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

/** Gives these answers first, one per request, and then continues with the other script. */
function first(replies: readonly Reply[], then: Script): Script {
  let count = 0;
  return (asked: Asked) => replies[count++] ?? then(asked);
}

/** The service refuses this login: one attempt, and a message that helps. */
async function isRefused(each: Tried, { reply, login }: { readonly reply: Reply; readonly login: 'key' | 'expired' }) {
  const engine = await startReal(each, { script: () => reply, login, keys: 'attempts = 3\n' });
  await begin(engine, 'key', oneTask);
  const shown = await untilPhase(engine, 'key', 'wave_waiting');
  expect(shown.tasks_by_wave[0]?.tasks[0]).toMatchObject({ status: 'failed', attempts: 1 });
  expect(shown.tasks_by_wave[0]?.tasks[0]?.why).toContain(`log in to ${each.program}`);
  expect(runFolders(engine.home, 'key')).toHaveLength(1);
}

const overloadedAtAnthropic: Failure = { kind: 'fail', status: 529, type: 'overloaded_error', message: 'Overloaded' };
const unavailable = { kind: 'fail', status: 503, message: 'The model is overloaded. Please try again later.' } as const;
const overloaded: Readonly<Record<StreamPreset, Failure>> = {
  claude: overloadedAtAnthropic,
  codex: { ...unavailable, type: 'server_is_overloaded' },
  gemini: { ...unavailable, type: 'UNAVAILABLE' },
  opencode: overloadedAtAnthropic,
};

/** Fails once, then works. */
async function goesOnAfter(each: Tried, reply: Reply): Promise<void> {
  const engine = await startReal(each, { script: first([reply], does), keys: 'attempts = 2\n' });
  await begin(engine, 'cut', oneTask);
  await untilStatus(engine, 'cut', 'done');
  expect(git(engine.repo, 'show', 'plan/cut:made.txt')).toBe('hello');
}

behaves('failures', {
  'a key that the service refuses spends one attempt, and says what to do': (each) =>
    isRefused(each, { reply: refusals[each.program].key, login: 'key' }),

  'a login that has expired spends one attempt, and says what to do': (each) =>
    isRefused(each, { reply: refusals[each.program].expired, login: 'expired' }),

  'a limit is waited for, and spends no attempt': async (each) => {
    let isOver = false;
    const script: Script = (asked) => (isOver ? does(asked) : refusals[each.program].limit);
    const engine = await startReal(each, { script, keys: 'attempts = 1\n' });
    await begin(engine, 'limit', oneTask);
    await untilPlan(engine, 'limit', ({ waiting_for: what }) => what?.kind === 'rate_limit');
    isOver = true;
    await engine.client.restartInstance({ project: 'demo', title: 'limit-w1-t1' });
    await untilStatus(engine, 'limit', 'done');
  },

  'a stream that is cut spends one attempt at most': (each) => goesOnAfter(each, { kind: 'cut' }),
  'a service that is down spends one attempt at most': (each) =>
    goesOnAfter(each, { kind: 'fail', status: 500, type: 'api_error', message: 'Internal server error' }),

  'a service that is overloaded for a moment is asked again, and spends no attempt': async (each) => {
    const reply = overloaded[each.program];
    const engine = await startReal(each, { script: first([reply, reply], does), keys: 'attempts = 1\n' });
    await begin(engine, 'moment', oneTask);
    await untilStatus(engine, 'moment', 'done');
    expect(runFolders(engine.home, 'moment')).toHaveLength(1);
  },

  // Each program retries by itself for some time: claude ten times in three minutes.
  'a service that stays overloaded spends one attempt, with its words, and the next goes on': async (each) => {
    const on = ground();
    const script: Script = (asked) =>
      runFolders(on.home, 'stays').length < 2 ? overloaded[each.program] : does(asked);
    const engine = await startReal(each, { on, script, keys: 'attempts = 2\n' });
    await begin(engine, 'stays', oneTask);
    await untilStatus(engine, 'stays', 'done');
    const [run = ''] = runFolders(on.home, 'stays');
    const { problem } = JSON.parse(runFile(on.home, run, 'report.json')) as { problem: string };
    expect(problem).toMatch(/overloaded|high demand|at capacity/i);
    expect(runFolders(on.home, 'stays')).toHaveLength(2);
  },
});
