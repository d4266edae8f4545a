/** A plan's waves, runs and waits on one axis, and below it each wait with its cause. */
import { duration } from '../machines/vocabulary/time-text.ts';
import { h, type View } from './dom.ts';
import { clock } from './format.ts';
import { glyph } from './glyph.ts';
import { panel } from './panel.ts';
import { journalAt, type PlanActions, type PlanModel } from './plan-model.ts';
import { type Lane, type Span, type Timeline, timelineOf } from './timeline.ts';

const ticks = 5;
/** The newest are shown. */
const waitsShown = 100;
/** A span that is too short to be seen is drawn this wide. */
const leastPercent = 0.4;

export function timelineView(model: PlanModel, actions: PlanActions, nowMs: number): View {
  const journal = journalAt(model);
  const isOver = model.plan?.turn === 'nobody';
  const endMs = isOver ? Date.parse(journal.at(-1)?.at ?? '') || nowMs : nowMs;
  const timeline = timelineOf(journal, endMs);
  if (timeline.lanes.length === 0) return h('p', { key: 'timeline', class: 'nothing' }, 'Nothing has happened yet.');
  return h(
    'div',
    { key: 'timeline', class: 'timeline' },
    panel(
      {
        class: 'panel',
        heading: 'timeline-title',
        title: 'Timeline',
        count: `${duration(timeline.toMs - timeline.fromMs)} in all`,
      },
      axisView(timeline),
      h(
        'ul',
        { class: 'lanes' },
        timeline.lanes.map((lane) => laneView(lane, timeline)),
      ),
    ),
    waitsView(timeline, actions),
  );
}

function axisView({ fromMs, toMs }: Timeline): View {
  const marks = Array.from({ length: ticks }, (_, index) => (index / (ticks - 1)) * (toMs - fromMs));
  return h(
    'div',
    { class: 'axis dim', 'aria-hidden': 'true' },
    marks.map((ms, index) => h('span', { key: String(index) }, index === 0 ? clockOf(fromMs) : `+${duration(ms)}`)),
  );
}

function clockOf(ms: number): string {
  return clock(new Date(ms).toISOString());
}

function laneView({ name, spans }: Lane, { fromMs, toMs }: Timeline): View {
  const percent = (ms: number) => (ms / (toMs - fromMs)) * 100;
  return h(
    'li',
    { key: name },
    h('span', { class: 'lane-name' }, name),
    h(
      'svg',
      { role: 'img', 'aria-label': `${name}: ${spans.map(spanText).join('; ')}`, width: '100%', height: '18' },
      spans.map(({ kind, text, seq, fromMs: from, toMs: to }) => {
        const width = Math.max(leastPercent, percent(to - from));
        const x = Math.min(percent(from - fromMs), 100 - width);
        return h(
          'rect',
          { key: `${seq} ${kind}`, class: kind, x: `${x}%`, y: '2', width: `${width}%`, height: '14', rx: '2' },
          h('title', null, `${text}, ${duration(to - from)}`),
        );
      }),
    ),
  );
}

function spanText({ text, fromMs, toMs }: Span): string {
  return `${text}, ${duration(toMs - fromMs)}`;
}

/** A failure, and a wait that a person would notice. */
function isToldOf({ kind, fromMs, toMs }: Span): boolean {
  return kind === 'failed' || ((kind === 'wait' || kind === 'ask') && toMs - fromMs >= 1_000);
}

const glyphs = { work: 'working', wait: 'queued', ask: 'asks', failed: 'failed', done: 'done' } as const;

/** Each leads to the moment at which it began. */
function waitsView({ lanes }: Timeline, actions: PlanActions): View {
  const waits = lanes
    .flatMap(({ name, spans }) => spans.map((span) => ({ name, span })))
    .filter(({ span }) => isToldOf(span))
    .sort((a, b) => a.span.fromMs - b.span.fromMs)
    .slice(-waitsShown);
  return panel(
    { heading: 'waits-title', title: 'Waits and failures', count: waits.length },
    h(
      'ol',
      { class: 'waits' },
      waits.length === 0 ? h('li', { class: 'dim' }, 'None.') : null,
      waits.map(({ name, span }) =>
        h(
          'li',
          { key: `${name} ${span.seq} ${span.kind}` },
          h('button', { class: 'quiet', on: { click: () => actions.goTo(span.seq) } }, clockOf(span.fromMs)),
          glyph(glyphs[span.kind]),
          h('b', null, name),
          h('span', null, span.text),
          h('span', { class: 'dim' }, span.toMs > span.fromMs ? duration(span.toMs - span.fromMs) : ''),
        ),
      ),
    ),
  );
}
