/** A plan's waves, runs and waits on one axis, and below it each wait with its cause. */
import { duration } from '../machines/vocabulary/time-text.ts';
import { criticalPath, type Step } from './critical-path.ts';
import { h, type View } from './dom.ts';
import { exactTime, glyph, panel, timeView } from './elements.ts';
import { amount, dollars } from './format.ts';
import { journalAt, type PlanActions, type PlanModel } from './plan-model.ts';
import { idleOf, moved, type Range, type Scale, scaleOf, ticksOf, zoomed } from './time-scale.ts';
import { type Lane, namesOf, type Span, type Timeline, timelineOf } from './timeline.ts';

/** The most waits that are listed, the newest first. */
const waitsShown = 100;
/** A span that is too short to be seen is drawn this wide. */
const leastPercent = 0.4;
const zoomFactor = 0.7;
const moveShare = 0.2;

export function timelineView(model: PlanModel, actions: PlanActions, nowMs: number): View {
  const journal = journalAt(model);
  const isOver = model.plan?.turn === 'nobody';
  const endMs = isOver ? Date.parse(journal.at(-1)?.at ?? '') || nowMs : nowMs;
  const timeline = timelineOf(journal, endMs, model.plan === null ? new Map() : namesOf(model.plan));
  if (timeline.lanes.length === 0) return h('p', { key: 'timeline', class: 'nothing' }, 'Nothing has happened yet.');
  const { range, folds } = model.time;
  const shown = range ?? timeline;
  const drawn: Drawn = {
    timeline,
    range: shown,
    scale: scaleOf(shown, folds ? idleOf(timeline) : []),
    critical: criticalPath(timeline),
  };
  return h(
    'div',
    { key: 'timeline', class: 'timeline' },
    panel(
      {
        class: 'panel',
        heading: 'timeline-title',
        title: 'Timeline',
        count: `${duration(timeline.toMs - timeline.fromMs)} in all`,
        more: tools(drawn, model, actions),
      },
      stageView(drawn, model, actions),
      pathView(drawn.critical),
    ),
    waitsView(timeline, actions, nowMs),
  );
}

interface Drawn {
  readonly timeline: Timeline;
  readonly range: Range;
  readonly scale: Scale;
  readonly critical: readonly Step[];
}

function tools({ timeline, range }: Drawn, { time }: PlanModel, actions: PlanActions): View {
  const button = (text: string, label: string, to: Range | null) =>
    h('button', { 'aria-label': label, title: label, on: { click: () => actions.showTime({ range: to }) } }, text);
  return h(
    'span',
    { class: 'commands time-tools' },
    h(
      'button',
      { 'aria-pressed': String(time.folds), on: { click: () => actions.showTime({ folds: !time.folds }) } },
      'fold waits',
    ),
    button('−', 'Zoom out', zoomed(range, timeline, 1 / zoomFactor)),
    button('+', 'Zoom in', zoomed(range, timeline, zoomFactor)),
    time.range === null ? null : button('whole', 'Show the whole', null),
  );
}

/** The axis and the lanes, which keys and a pointer zoom and move. */
function stageView(drawn: Drawn, model: PlanModel, actions: PlanActions): View {
  const { timeline, range } = drawn;
  const show = (to: Range | null) => actions.showTime({ range: to });
  const keys: Readonly<Record<string, () => Range | null>> = {
    '+': () => zoomed(range, timeline, zoomFactor),
    '=': () => zoomed(range, timeline, zoomFactor),
    '-': () => zoomed(range, timeline, 1 / zoomFactor),
    ArrowLeft: () => moved(range, timeline, -moveShare),
    ArrowRight: () => moved(range, timeline, moveShare),
    '0': () => null,
  };
  return h(
    'div',
    {
      class: 'time-stage',
      tabindex: '0',
      role: 'group',
      'aria-label': 'Timeline. Plus and minus zoom, arrows move, 0 shows the whole.',
      on: {
        keydown(event) {
          const { key, ctrlKey, metaKey, altKey } = event as KeyboardEvent;
          const to = ctrlKey || metaKey || altKey ? undefined : keys[key];
          if (to === undefined) return;
          event.preventDefault();
          show(to());
        },
        wheel(event) {
          const { ctrlKey, metaKey, deltaY, clientX } = event as WheelEvent;
          // Without a key the page scrolls, as everywhere.
          if (!ctrlKey && !metaKey) return;
          event.preventDefault();
          const { left, width } = axisOf(event).getBoundingClientRect();
          const aroundMs = range.fromMs + ((clientX - left) / width) * (range.toMs - range.fromMs);
          show(zoomed(range, timeline, Math.exp(deltaY / 300), aroundMs));
        },
        pointerdown(event) {
          const { button, clientX, pointerId } = event as PointerEvent;
          if (button !== 0) return;
          (event.currentTarget as HTMLElement).setPointerCapture(pointerId);
          grabs.set(event.currentTarget as HTMLElement, { x: clientX, range });
        },
        pointermove(event) {
          const grab = grabs.get(event.currentTarget as HTMLElement);
          if (grab === undefined || model.time.range === null) return;
          const { width } = axisOf(event).getBoundingClientRect();
          show(moved(grab.range, timeline, (grab.x - (event as PointerEvent).clientX) / width));
        },
        pointerup: (event) => void grabs.delete(event.currentTarget as HTMLElement),
        pointercancel: (event) => void grabs.delete(event.currentTarget as HTMLElement),
      },
    },
    axisView(drawn),
    h(
      'ul',
      { class: 'lanes' },
      timeline.lanes.map((lane) => laneView(lane, drawn)),
      costLane(model, drawn),
    ),
  );
}

/** Where a pointer went down, and the range that was shown then. */
const grabs = new WeakMap<HTMLElement, { readonly x: number; readonly range: Range }>();

function axisOf(event: Event): Element {
  const stage = event.currentTarget as HTMLElement;
  return stage.querySelector('.axis svg') ?? stage;
}

/** A tick closer than this to the mark of a fold gets no text, which would cover the mark. */
const tickPercent = 6;

function axisView({ range, scale }: Drawn): View {
  const anchorOf = (percent: number) => (percent < 5 ? 'start' : percent > 95 ? 'end' : 'middle');
  const foldsAt = scale.folds.map(({ fromMs, toMs }) => scale.at((fromMs + toMs) / 2));
  const ticks = ticksOf(range, scale).filter(({ percent }) =>
    foldsAt.every((at) => Math.abs(at - percent) > tickPercent),
  );
  return h(
    'div',
    { class: 'axis', 'aria-hidden': 'true' },
    h(
      'svg',
      { width: '100%', height: '22' },
      ticks.map(({ percent, text }) =>
        h('text', { key: text, x: `${percent}%`, y: '15', 'text-anchor': anchorOf(percent) }, text),
      ),
      scale.folds.map(({ fromMs, toMs }) =>
        h(
          'text',
          {
            key: String(fromMs),
            class: 'fold',
            x: `${scale.at((fromMs + toMs) / 2)}%`,
            y: '15',
            'text-anchor': 'middle',
          },
          '⋯',
          h('title', null, `${duration(toMs - fromMs)} in which no agent worked`),
        ),
      ),
    ),
  );
}

function foldMarks({ scale }: Drawn): View[] {
  return scale.folds.map(({ fromMs, toMs }) => {
    const x = scale.at(fromMs);
    return h('rect', {
      key: `fold ${fromMs}`,
      class: 'fold',
      x: `${x}%`,
      y: '0',
      width: `${scale.at(toMs) - x}%`,
      height: '100%',
    });
  });
}

function laneView({ name, spans }: Lane, drawn: Drawn): View {
  const { scale, range, critical } = drawn;
  const onPath = new Set(critical.flatMap((step) => step.spans));
  const seen = spans.filter(({ fromMs, toMs }) => toMs >= range.fromMs && fromMs <= range.toMs);
  return h(
    'li',
    { key: name },
    h('span', { class: 'lane-name' }, name),
    h(
      'svg',
      { role: 'img', 'aria-label': `${name}: ${spans.map(spanText).join('; ')}`, width: '100%', height: '18' },
      foldMarks(drawn),
      seen.map((span) => {
        const { kind, text, seq, fromMs, toMs } = span;
        const begin = scale.at(fromMs);
        const width = Math.max(leastPercent, scale.at(toMs) - begin);
        const look = onPath.has(span) ? `${kind} critical` : kind;
        const place = { x: `${Math.min(begin, 100 - width)}%`, y: '2', width: `${width}%`, height: '14', rx: '2' };
        return h(
          'rect',
          { key: `${seq} ${kind}`, class: look, ...place },
          h('title', null, `${text}, ${exactTime(isoOf(fromMs))}, ${duration(toMs - fromMs)}`),
        );
      }),
    ),
  );
}

/** The total spent up to each time. The use of a run is known at its end. The unit is money if it is known, otherwise tokens. */
function costLane({ plan, at }: PlanModel, drawn: Drawn): View | null {
  if (plan === null || at !== null) return null;
  const { scale, timeline } = drawn;
  const inMoney = plan.usage.cost_usd !== null;
  const total = inMoney ? plan.usage.cost_usd : tokensOf(plan.usage);
  if (total === null || total === 0) return null;
  const ends = plan.run_list
    .map((run) => ({ ms: Date.parse(run.ended_at ?? ''), spent: (inMoney ? run.cost_usd : tokensOf(run)) ?? 0 }))
    .filter(({ ms, spent }) => !Number.isNaN(ms) && spent > 0)
    .sort((a, b) => a.ms - b.ms);
  // Only the newest runs are listed; the rest of the total was spent before them.
  let spent = total - ends.reduce((sum, end) => sum + end.spent, 0);
  const height = () => 30 - (28 * spent) / total;
  const points = [`M0 ${height()}`];
  for (const end of ends) {
    points.push(`H${scale.at(end.ms)}`);
    spent += end.spent;
    points.push(`V${height()}`);
  }
  points.push(`H${scale.at(timeline.toMs)}`);
  const text = inMoney ? dollars(total) : `${amount(total)} tokens`;
  return h(
    'li',
    { key: 'cost' },
    h('span', { class: 'lane-name' }, inMoney ? 'cost' : 'tokens', h('span', { class: 'dim' }, ` ${text}`)),
    h(
      'svg',
      {
        role: 'img',
        'aria-label': `${text} by the end`,
        width: '100%',
        height: '34',
        viewBox: '0 0 100 32',
        preserveAspectRatio: 'none',
      },
      h('path', { class: 'spent', d: points.join(' ') }),
    ),
  );
}

function tokensOf(of: { readonly input_tokens: number | null; readonly output_tokens: number | null }): number | null {
  return of.input_tokens === null ? null : of.input_tokens + (of.output_tokens ?? 0);
}

function pathView(steps: readonly Step[]): View | null {
  if (steps.length === 0) return null;
  const lengthOf = ({ spans }: Step) => spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return h(
    'p',
    { class: 'critical-path' },
    h('b', null, 'Critical path '),
    h('span', { class: 'dim' }, steps.map((step) => `${step.name} ${duration(lengthOf(step))}`).join(' → ')),
  );
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function spanText({ text, fromMs, toMs }: Span): string {
  return `${text}, ${duration(toMs - fromMs)}`;
}

/** Whether a span is mentioned as text: a failure, or a wait that is long enough to be noticed. */
function isMentioned({ kind, fromMs, toMs }: Span): boolean {
  return kind === 'failed' || ((kind === 'wait' || kind === 'ask') && toMs - fromMs >= 1_000);
}

const glyphs = { work: 'working', wait: 'queued', ask: 'asks', failed: 'failed', done: 'done' } as const;

/** Each wait links to the line at which it began. */
function waitsView({ lanes }: Timeline, actions: PlanActions, nowMs: number): View {
  const waits = lanes
    .flatMap(({ name, spans }) => spans.map((span) => ({ name, span })))
    .filter(({ span }) => isMentioned(span))
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
          h(
            'button',
            { class: 'quiet', on: { click: () => actions.goTo(span.seq) } },
            timeView(isoOf(span.fromMs), nowMs),
          ),
          glyph(glyphs[span.kind]),
          h('b', null, name),
          h('span', null, span.text),
          h('span', { class: 'dim' }, span.toMs > span.fromMs ? duration(span.toMs - span.fromMs) : ''),
        ),
      ),
    ),
  );
}
