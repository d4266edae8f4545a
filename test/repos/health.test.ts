/** A repo on a busy machine: checks without an answer in time. */
import { renameSync } from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import { createHealth, type HealthParts } from '../../runtime/work/repos/health.ts';
import { type Ground, makeGround } from '../support/ground.ts';
import { openStoreInMemory } from '../support/memory-store.ts';
import { noTroubles } from '../support/no-troubles.ts';

/** Longer than the limit of a check. */
const lookMs = 12_000;
let ground: Ground;

beforeEach(() => {
  ground = makeGround();
});
afterEach(() => {
  vi.useRealTimers();
  ground.remove();
});

/** A healthy repo on a machine that answers, or does not answer while `isLoaded`. */
async function looked() {
  const store = openStoreInMemory();
  const machine = { isLoaded: false, isClosed: false };
  let silent = false;
  const found: boolean[] = [];
  const known = new Map<string, string>();
  const project = { project: 'demo', path: ground.repo };
  const health = createHealth({
    store,
    // This check gets no answer, but its report is still written.
    treeOf() {
      const isLate = silent;
      silent = false;
      return isLate ? new Promise(() => {}) : Promise.resolve({});
    },
    projects: {
      list: () => [project],
      get: () => project,
      isOpen: () => !machine.isClosed,
      find: () => project,
      isElsewhere: () => false,
      fileProblem: () => null,
      mustBeTrusted: () => {},
    } as unknown as HealthParts['projects'], // what a look asks of them
    watchers: { subscribe: () => () => {} },
    clock: systemClock,
    log: createLog(() => {}, 'error'),
    serviceTroubles: noTroubles,
    lock: async () => {},
    troubles: () => known,
    note(name, reason) {
      if (reason === null) known.delete(name);
      else known.set(name, reason);
    },
    onSignals: () => {},
    onFound: async (_project, { isAgain }) => void found.push(isAgain),
    onRound: async () => {},
  });
  await health.start();
  expect(await health.look('demo')).toBeNull();
  return {
    machine,
    known,
    found,
    async look() {
      if (!machine.isLoaded) return health.look('demo');
      silent = true;
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const found = health.look('demo');
      await vi.advanceTimersByTimeAsync(lookMs);
      vi.useRealTimers();
      return found;
    },
    words: async () => (await store.signals({})).map(({ type }) => type),
    stop: () => health.stop(),
  };
}

it('a healthy repo is not degraded by a machine that is too busy to answer twice in a row', async () => {
  const { machine, known, look, words, stop } = await looked();
  for (let times = 0; times < 3; times += 1) {
    machine.isLoaded = true;
    expect([await look(), await look()]).toEqual([null, null]);
    machine.isLoaded = false;
    expect(await look()).toBeNull();
  }
  expect([known, await words()]).toEqual([new Map(), []]);
  stop();
});

it('a repo that is closed for a moment keeps its known trouble, and its tree is notified when it recovers', async () => {
  const { machine, known, found, look, words, stop } = await looked();
  const away = `${ground.repo}-away`;
  renameSync(ground.repo, away);
  const reason = await look();
  expect(reason).toContain('there is no folder');
  machine.isClosed = true;
  renameSync(away, ground.repo);
  await look();
  expect(known).toEqual(new Map([['demo', reason]]));
  machine.isClosed = false;
  expect(await look()).toBeNull();
  expect(known).toEqual(new Map());
  expect(await words()).toEqual(['repo_recovered', 'repo_degraded']); // the newest first
  // Only then is its configuration read anew.
  expect(found).toEqual([false, true]);
  stop();
});
