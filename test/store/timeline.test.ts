/** The time for deadlines does not include times in which the process was stopped. */
import { expect, it } from 'vitest';
import { openTimeline } from '../../runtime/core/store/timeline.ts';
import { machineClock } from '../support/machine-clock.ts';

const empty = { timeline: async () => null };
const hourMs = 3_600_000;

it('counts the time in which the process ran, and a stop as one beat', async () => {
  const machine = machineClock();
  const timeline = await openTimeline(empty, machine.beating);
  const begunMs = timeline.nowMs();
  machine.runs(60_000);
  expect(timeline.nowMs() - begunMs).toBeGreaterThanOrEqual(60_000);
  machine.pass(hourMs);
  // Read before the next beat.
  expect(timeline.nowMs() - begunMs).toBeLessThan(70_000);
  machine.runs(60_000);
  expect(timeline.nowMs() - begunMs).toBeGreaterThanOrEqual(120_000);
  expect(timeline.nowMs() - begunMs).toBeLessThan(140_000);
});

it('counts a pause of four seconds, as a busy process has', async () => {
  const machine = machineClock();
  const timeline = await openTimeline(empty, machine.beating);
  const begunMs = timeline.nowMs();
  machine.pass(4_000);
  expect(timeline.nowMs() - begunMs).toBeGreaterThanOrEqual(4_000);
});

it('is kept by the next engine, which takes only what passed since the last reading', async () => {
  const machine = machineClock();
  const first = await openTimeline(empty, machine.beating);
  machine.pass(hourMs);
  const { at_ms, boot, steady_ms, wall_ms } = first.note();
  const begunMs = first.nowMs();
  machine.pass(2_000);
  const next = await openTimeline({ timeline: async () => ({ at_ms, boot, steady_ms, wall_ms }) }, machine.beating);
  expect(next.nowMs() - begunMs).toBeGreaterThanOrEqual(2_000);
  expect(next.nowMs() - begunMs).toBeLessThan(10_000);
});
