/** The axis of a timeline: its folds, its ticks, its range, and the steps that determined the plan's duration. */
import { expect, it } from 'vitest';
import { criticalPath } from '../../page/critical-path.ts';
import { idleOf, moved, scaleOf, ticksOf, zoomed } from '../../page/time-scale.ts';
import { namesOf, type Span, type Timeline, timelineOf } from '../../page/timeline.ts';
import type { HistoryEntry, PlanShow } from '../../runtime/api/contract/plans.ts';

const minute = 60_000;
/** A round hour of the day where this test runs. */
const start = new Date(2026, 10, 27, 9, 0, 0).getTime();
const span = (kind: Span['kind'], from: number, to: number): Span => ({
  ...{ kind, text: kind, seq: from },
  ...{ fromMs: start + from * minute, toMs: start + to * minute },
});

/** Ten minutes of work, three hours of a person, and ten minutes of work beside a shorter one. */
const timeline: Timeline = {
  ...{ fromMs: start, toMs: start + 200 * minute },
  lanes: [
    { name: 'plan', spans: [span('work', 0, 200)] },
    { name: 'wave 1', spans: [span('work', 0, 10)] },
    { name: 'w1-t1', spans: [span('work', 0, 4)] },
    { name: 'w1-t2', spans: [span('wait', 0, 2), span('work', 2, 10), span('ask', 10, 190)] },
    { name: 'w2-t1', spans: [span('work', 190, 200)] },
    { name: 'w2-t2', spans: [span('work', 190, 195)] },
  ],
};

it('agents that work for the whole plan have the names that they have everywhere', () => {
  const line = (actor: string, to_tags: string[], seq: number) =>
    ({
      seq,
      actor,
      to_tags,
      from_tags: [],
      at: new Date(start + seq * minute).toISOString(),
      refused: null,
      why: null,
      reason: null,
      attempt: null,
    }) as unknown as HistoryEntry; // what is read of it
  const journal = [
    line('reviewer.4', ['run:running'], 1),
    line('fixer.5/agent', ['run:running'], 2),
    line('fixer.6', ['run:running'], 3),
  ];
  const runs = [
    { run: 'plan:demo/mail/reviewer.4#1@5f2cab12', title: 'mail-review-1' },
    { run: 'plan:demo/mail/fixer.5/agent#2@5f2cab12', title: 'mail-fix-1' },
  ];
  const plan = { project: 'demo', plan: 'mail', run_list: runs } as unknown as PlanShow; // what is read of it
  const lanes = timelineOf(journal, start + 9 * minute, namesOf(plan)).lanes;
  expect(lanes.map(({ name }) => name)).toEqual(['review-1', 'fix-1', 'fixer 6']);
});

it('a wait and a failure give their reason as text', () => {
  const line = (seq: number, to_tags: string[], rest: Partial<HistoryEntry>) =>
    ({
      ...{ seq, actor: 'wave-1.1/task-1.2/agent', to_tags, from_tags: [], refused: null, attempt: null },
      ...{ at: new Date(start + seq * minute).toISOString(), why: null, reason: null, ...rest },
    }) as unknown as HistoryEntry; // what is read of it
  const journal = [
    line(1, ['run:running'], {}),
    line(2, ['run:backing_off'], { reason: 'no-change' }),
    line(3, ['run:failed'], { reason: 'idle' }),
  ];
  const spans = timelineOf(journal, start + 9 * minute).lanes.flatMap((lane) => lane.spans);
  expect(spans.map(({ kind, text }) => [kind, text])).toEqual([
    ['work', 'at work'],
    ['wait', 'waits for its next attempt: changed nothing'],
    ['failed', 'failed: was silent for too long'],
  ]);
});

it('a time in which no agent worked is folded, and all others keep their proportions', () => {
  const idle = idleOf(timeline);
  expect(idle).toEqual([{ fromMs: start + 10 * minute, toMs: start + 190 * minute }]);
  const scale = scaleOf(timeline, idle);
  const at = [0, 5, 10, 190, 195, 200].map((ms) => Math.round(scale.at(start + ms * minute)));
  expect(at).toEqual([0, 24, 48, 52, 76, 100]);
  expect(scaleOf(timeline, []).at(start + 50 * minute)).toBe(25);
  // If only a wait is in view, folding would leave nothing.
  const within = { fromMs: start + 20 * minute, toMs: start + 100 * minute };
  expect(scaleOf(within, idle).folds).toEqual([]);
});

it('marks are round times of the day, far enough from each other, and none is in a fold', () => {
  const texts = (folds: ReturnType<typeof idleOf>) =>
    ticksOf(timeline, scaleOf(timeline, folds)).map(({ text }) => text);
  expect(texts([])).toEqual(['09:00', '09:30', '10:00', '10:30', '11:00', '11:30', '12:00']);
  expect(texts(idleOf(timeline))).toEqual(['09:00', '09:05', '09:10', '12:15', '12:20']);
  const seconds = { fromMs: start, toMs: start + 20_000 };
  expect(
    ticksOf(seconds, scaleOf(seconds, []))
      .map(({ text }) => text)
      .slice(0, 2),
  ).toEqual(['09:00:00', '09:00:05']);
});

it('where another day begins, its date is beside the time', () => {
  const night = { fromMs: start + 14 * 60 * minute, toMs: start + 16 * 60 * minute };
  const texts = ticksOf(night, scaleOf(night, [])).map(({ text }) => text);
  expect(texts).toEqual(['11-27 23:00', '23:15', '23:30', '23:45', '11-28 00:00', '00:15', '00:30', '00:45', '01:00']);
});

it('a part that is zoomed or moved stays within the whole', () => {
  const whole = { fromMs: 0, toMs: 100_000 };
  const half = zoomed(whole, whole, 0.5, 100_000);
  expect(half).toEqual({ fromMs: 50_000, toMs: 100_000 });
  expect(moved(half, whole, -0.5)).toEqual({ fromMs: 25_000, toMs: 75_000 });
  expect(moved(half, whole, 3)).toEqual(half);
  expect(zoomed(half, whole, 9)).toEqual(whole);
  expect(zoomed(half, whole, 0)).toMatchObject({ fromMs: 74_500, toMs: 75_500 });
});

it('the critical path is read back from the end, through what ended last each time', () => {
  const steps = criticalPath(timeline).map(({ name, spans }) => `${name}: ${spans.map(({ kind }) => kind).join(' ')}`);
  expect(steps).toEqual(['w1-t2: wait work ask', 'w2-t1: work']);
});
