/** The loop that polls and can be woken: how many rounds there are, when, and what a stop waits for. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPollLoop, type PollLoop } from '../../runtime/platform/poll-loop.ts';

/** Rounds that end when the test says so. */
function scripted({ everyMs = 1_000 }: { everyMs?: number } = {}) {
  const errors: unknown[] = [];
  const open: { end(waitMs: number | null): void; fail(thrown: unknown): void }[] = [];
  const seen = { rounds: 0, most: 0 };
  const loop: PollLoop = createPollLoop({
    everyMs,
    work: () =>
      new Promise((resolve, reject) => {
        seen.rounds += 1;
        open.push({ end: resolve, fail: reject });
        seen.most = Math.max(seen.most, open.length);
      }),
    onError: (thrown) => errors.push(thrown),
  });
  /** Ends the round under way; what follows at once has begun afterwards. */
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

/** Only `setTimeout` is faked: the turns of the event loop are real. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
}

describe('a poll loop', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('does nothing before it is started, whoever pokes it, and the first round at once', async () => {
    const { loop, seen } = scripted();
    loop.poke();
    await settle();
    expect(seen.rounds).toBe(0);
    loop.start();
    loop.start();
    expect(seen.rounds).toBe(0);
    await settle();
    expect(seen.rounds).toBe(1);
  });

  it('waits from the end of a round, and as long as the round asked for', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    vi.advanceTimersByTime(5_000);
    expect(seen.rounds).toBe(1);
    await end();
    vi.advanceTimersByTime(999);
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

  it('that is poked while it waits works at once, and waits anew afterwards', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    await end();
    vi.advanceTimersByTime(900);
    loop.poke();
    loop.poke();
    await settle();
    expect(seen.rounds).toBe(2);
    await end();
    vi.advanceTimersByTime(900);
    expect(seen.rounds).toBe(2);
    vi.advanceTimersByTime(100);
    expect(seen.rounds).toBe(3);
  });

  it('that is poked during a round works once more after it, and never twice at once', async () => {
    const { loop, seen, end } = scripted();
    loop.start();
    await settle();
    for (let poke = 0; poke < 10; poke += 1) loop.poke();
    await settle();
    expect(seen).toEqual({ rounds: 1, most: 1 });
    await end(60_000);
    expect(seen).toEqual({ rounds: 2, most: 1 });
    await end();
    expect(seen.rounds).toBe(2);
  });

  it('whose round throws says so and comes again', async () => {
    const { loop, seen, errors, fail } = scripted();
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
    loop.poke();
    let hasStopped = false;
    const stopped = Promise.all([loop.stop(), loop.stop()]).then(() => {
      hasStopped = true;
    });
    await settle();
    expect(hasStopped).toBe(false);
    await end(1);
    await stopped;
    loop.poke();
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
