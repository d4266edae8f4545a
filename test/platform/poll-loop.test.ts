/** The loop that polls and can be woken: the number and times of its rounds, and what a stop waits for. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPollLoop, type PollLoop, untilBeat } from '../../runtime/base/platform/poll-loop.ts';

/** Rounds that end when the test decides. */
function scripted({ everyMs = 1_000, retryMs = 1_000 }: { everyMs?: number; retryMs?: number } = {}) {
  const errors: unknown[] = [];
  const open: { end(waitMs: number | null): void; fail(thrown: unknown): void }[] = [];
  const seen = { rounds: 0, most: 0 };
  const loop: PollLoop = createPollLoop({
    everyMs,
    retryMs,
    work: () =>
      new Promise((resolve, reject) => {
        seen.rounds += 1;
        open.push({ end: resolve, fail: reject });
        seen.most = Math.max(seen.most, open.length);
      }),
    onError: (thrown) => errors.push(thrown),
  });
  /** Ends the current round; a round that follows at once has begun afterwards. */
  async function end(waitMs: number | null = null): Promise<void> {
    open.shift()?.end(waitMs);
    await settle();
  }
  async function fail(thrown: unknown): Promise<void> {
    open.shift()?.fail(thrown);
    await settle();
  }
  return { loop, seen, errors, end, fail };
}

/** Only `setTimeout` and the clock are faked: the turns of the event loop are real. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
}

describe('a poll loop', () => {
  beforeEach(() => {
    // The faked clock begins at 0.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('does nothing before its start, even if it is woken, and begins the first round at once', async () => {
    const { loop, seen } = scripted();
    loop.wake();
    await settle();
    expect(seen.rounds).toBe(0);
    loop.start();
    loop.start();
    expect(seen.rounds).toBe(0);
    await settle();
    expect(seen.rounds).toBe(1);
  });

  it('waits for the next beat, or as long as the round asked for', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    vi.advanceTimersByTime(300);
    await end();
    vi.advanceTimersByTime(699);
    expect(seen.rounds).toBe(1);
    vi.advanceTimersByTime(1);
    expect(seen.rounds).toBe(2);
    await end(20);
    vi.advanceTimersByTime(20);
    expect(seen.rounds).toBe(3);
    await end(3_000);
    vi.advanceTimersByTime(2_999);
    expect(seen.rounds).toBe(3);
    vi.advanceTimersByTime(1);
    expect(seen.rounds).toBe(4);
  });

  it('rests for as long as a round took, up to its rhythm: a slow look is not made one after the other', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    vi.advanceTimersByTime(800);
    await end();
    vi.advanceTimersByTime(799);
    expect(seen.rounds).toBe(1);
    vi.advanceTimersByTime(1);
    expect(seen.rounds).toBe(2);
    vi.advanceTimersByTime(60_000);
    await end();
    vi.advanceTimersByTime(999);
    expect(seen.rounds).toBe(2);
    vi.advanceTimersByTime(1);
    expect(seen.rounds).toBe(3);
  });

  it('that is woken while it waits works at once, and once more with the beat', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    await end();
    vi.advanceTimersByTime(900);
    loop.wake();
    loop.wake();
    await settle();
    expect(seen.rounds).toBe(2);
    await end();
    vi.advanceTimersByTime(99);
    expect(seen.rounds).toBe(2);
    vi.advanceTimersByTime(1);
    expect(seen.rounds).toBe(3);
  });

  it('wakes with all others of its rhythm, whenever each of them was begun', async () => {
    const begun = [0, 130, 777];
    const woken: number[] = [];
    for (const at of begun) {
      vi.advanceTimersByTime(at - performance.now());
      let isFirst = true;
      createPollLoop({
        everyMs: 1_000,
        async work() {
          if (!isFirst) woken.push(performance.now());
          isFirst = false;
          return null;
        },
        onError: () => {},
      }).start();
      await settle();
    }
    vi.advanceTimersByTime(1_000 - performance.now());
    await settle();
    expect(woken).toEqual([1_000, 1_000, 1_000]);
  });

  it('takes a timer that came a little early for the beat itself', () => {
    vi.advanceTimersByTime(2_990);
    expect(untilBeat(1_000)).toBe(1_010);
    vi.advanceTimersByTime(10);
    expect(untilBeat(1_000)).toBe(1_000);
    expect(untilBeat(15_000)).toBe(12_000);
  });

  it('that is woken during a round works once more after it, and never twice at once', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    for (let wake = 0; wake < 10; wake += 1) loop.wake();
    await settle();
    expect(seen).toEqual({ rounds: 1, most: 1 });
    await end(60_000);
    expect(seen).toEqual({ rounds: 2, most: 1 });
    await end();
    expect(seen.rounds).toBe(2);
  });

  it('whose round throws says so and comes again, sooner where that is asked for', async () => {
    const { loop, seen, errors, fail } = scripted({ everyMs: 10_000, retryMs: 1_000 });
    loop.start();
    await settle();
    await fail('locked');
    expect(errors).toEqual(['locked']);
    vi.advanceTimersByTime(1_000);
    expect(seen.rounds).toBe(2);
  });

  it('whose round throws before it has begun to wait says so too', async () => {
    const errors: unknown[] = [];
    const loop = createPollLoop({
      everyMs: 1_000,
      work: () => {
        throw 'closed';
      },
      onError: (thrown) => errors.push(thrown),
    });
    loop.start();
    await settle();
    vi.advanceTimersByTime(1_000);
    await settle();
    expect(errors).toEqual(['closed', 'closed']);
    await loop.stop();
  });

  it('that is stopped waits for the round under way, and does nothing afterwards', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    loop.wake();
    let hasStopped = false;
    const stopped = Promise.all([loop.stop(), loop.stop()]).then(() => {
      hasStopped = true;
    });
    await settle();
    expect(hasStopped).toBe(false);
    await end(1);
    await stopped;
    loop.wake();
    vi.advanceTimersByTime(60_000);
    await settle();
    expect(seen.rounds).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that is stopped before its first round has none, and can be started again', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await loop.stop();
    await settle();
    expect(seen.rounds).toBe(0);
    loop.start();
    await settle();
    expect(seen.rounds).toBe(1);
    const stopped = loop.stop();
    loop.start();
    await end();
    await stopped;
    expect(seen).toEqual({ rounds: 2, most: 1 });
  });
});
