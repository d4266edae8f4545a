/** The charts that the package brings are those of the machines that run, and can be read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AnyStateNode, and, createMachine, not, or, setup, stateIn } from 'xstate';
import { snapshotOf } from '../../actors/addressee.ts';
import { defineMachine } from '../../actors/define-machine.ts';
import { foldChart } from '../../page/chart-fold.ts';
import { chartOf } from '../../runtime/api/queries/chart.ts';
import { activeStateIds } from '../../runtime/base/charts/active-states.ts';
import { arrowsOf, pathOf } from '../../runtime/base/charts/arrows.ts';
import type { Box, Chart } from '../../runtime/base/charts/chart.ts';
import { columnOf } from '../../runtime/base/charts/column.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { chartStyle, renderChart } from '../../runtime/base/charts/render.ts';
import { chartNames, storedChart } from '../../runtime/base/charts/stored.ts';
import { chartFiles } from '../../scripts/chart-files.ts';
import { plan } from '../support/chaos.ts';
import { worldOf } from '../support/plan-states.ts';

const root = join(import.meta.dirname, '../..');
const charts = chartNames.flatMap((name) => [
  [name, name, storedChart(name)] as const,
  [`${name} in one column`, name, columnOf(machines[name])] as const,
]);

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...nodesOf(child)]);
}

function isInside(inner: Box, outer: Box): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.w <= outer.x + outer.w &&
    inner.y + inner.h <= outer.y + outer.h
  );
}

function touches(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** Boxes that overlap: two states where neither contains the other, or a label on a foreign state. */
function overlaps({ states, labels }: Chart): string[] {
  const boxes = [
    ...states.map((state) => ({ box: state as Box, name: state.id, within: state.id })),
    ...labels.map((label, index) => ({ box: label as Box, name: `label ${index}`, within: label.state })),
  ];
  return boxes.flatMap((one, index) =>
    boxes.slice(index + 1).flatMap((other) => {
      if (!touches(one.box, other.box)) return [];
      const holds = (outer: typeof one, inner: typeof one) =>
        !outer.name.startsWith('label ') &&
        isInside(inner.box, outer.box) &&
        (inner.within === null || inner.within === outer.name || inner.within.startsWith(`${outer.name}.`));
      return holds(one, other) || holds(other, one) ? [] : [`${one.name} lies on ${other.name}`];
    }),
  );
}

describe('the charts', () => {
  it('are laid out from the machines that run; npm run docs lays them out anew', async () => {
    for (const [file, text] of await chartFiles())
      expect(readFileSync(join(root, file), 'utf8') === text, file).toBe(true);
  });

  for (const [named, name, chart] of charts) {
    it(`${named}: every state has its place, and every transition with a target its words`, () => {
      const nodes = nodesOf(machines[name].root);
      expect(chart.states.map(({ id }) => id)).toEqual(nodes.map(pathOf));
      const arrows = nodes.flatMap(arrowsOf).filter(({ target }) => target !== null);
      expect(chart.edges.map(({ id }) => id).sort()).toEqual(arrows.map(({ id }) => id).sort());
      for (const { id, label, lines } of chart.edges) {
        expect(chart.labels[label], id).toBeDefined();
        if (lines.length === 0) expect(id).toContain(':always:');
      }
    });

    it(`${named}: nothing lies on anything else, and it is no wider than a page`, () => {
      expect(overlaps(chart)).toEqual([]);
      expect(chart.width).toBeLessThanOrEqual(1280);
      const sheet = { x: 0, y: 0, w: chart.width, h: chart.height };
      for (const box of [...chart.states, ...chart.labels]) expect(isInside(box, sheet)).toBe(true);
    });

    it(`${named}: an arrow begins and ends at the border of its states`, () => {
      const states = new Map(chart.states.map((state) => [state.id, state]));
      const isAt = ([x, y]: readonly [number, number], { x: left, y: top, w, h }: Box) =>
        (x >= left && x <= left + w && (y === top || y === top + h)) ||
        ((x === left || x === left + w) && y >= top && y <= top + h);
      for (const { source, target, points } of chart.routes) {
        const [from, to] = [states.get(source), states.get(target)];
        const [first, last] = [points[0], points.at(-1)];
        if (from === undefined || to === undefined || first === undefined || last === undefined)
          throw new Error(`${source} → ${target} leads nowhere`);
        expect(isAt(first, from) && isAt(last, to), `${source} → ${target}`).toBe(true);
      }
    });
  }
});

/** Parts of an arrow within a state that is neither of its ends nor around one of them. */
function crossings({ states, routes }: Chart): string[] {
  const holds = (outer: string, id: string) => id === outer || id.startsWith(`${outer}.`);
  return routes.flatMap(({ source, target, points }) =>
    points.slice(1).flatMap(([x, y], index) => {
      const [fromX = x, fromY = y] = points[index] ?? [];
      const line = { x: Math.min(x, fromX), y: Math.min(y, fromY), w: Math.abs(x - fromX), h: Math.abs(y - fromY) };
      return states
        .filter((state) => !holds(state.id, source) && !holds(state.id, target) && touches(line, state))
        .map(({ id }) => `${source} → ${target} crosses ${id}`);
    }),
  );
}

describe('a chart in one column', () => {
  const lift = createMachine({
    id: 'lift',
    initial: 'still',
    on: { alarm: '.stopped' },
    states: {
      still: { on: { call: 'moving', leave: 'out' } },
      moving: {
        initial: 'up',
        states: { up: { on: { turn: 'down' } }, down: { on: { turn: 'up' } }, was: { type: 'history' } },
        on: { arrive: [{ guard: 'isFull', target: 'open' }, { target: 'still' }] },
      },
      open: { on: { close: 'still', resume: 'moving.was' } },
      stopped: { on: { repair: 'still' } },
      out: { type: 'final' },
    },
  });

  it.each([...chartNames.map((name) => machines[name]), lift])('$id: no arrow crosses a state', (machine) => {
    const chart = columnOf(machine);
    expect(chart.routes.length).toBeGreaterThan(0);
    expect(crossings(chart)).toEqual([]);
  });

  it('has an arrow from each state to the next, one at the side to every other, and the words of all of them', () => {
    const { routes, labels, edges, starts } = columnOf(lift);
    const bends = routes.map(({ source, target, points }) => `${source} → ${target}: ${points.length - 1}`);
    expect(bends.toSorted()).toEqual([
      'moving → open: 1',
      'moving → still: 3',
      'moving.down → moving.up: 3',
      'moving.up → moving.down: 1',
      'open → moving: 3',
      'open → still: 3',
      'still → moving: 1',
      'still → out: 3',
      'stopped → still: 3',
    ]);
    // Of the whole machine: above all states, on no arrow.
    const [alarm] = edges.filter(({ source }) => source === '');
    expect([alarm?.event, alarm?.route, labels[alarm?.label ?? -1]?.state]).toEqual(['alarm', null, null]);
    expect(edges.map(({ event, guard, target }) => [event, guard, target].join(' '))).toContain('arrive isFull open');
    expect(starts.map(({ target }) => target)).toEqual(['moving.up', 'still']);
  });

  it('keeps the words of the whole machine when its states are folded, and nothing lies on anything else', () => {
    const folded = foldChart(columnOf(lift), new Set(['moving']));
    expect(folded.states.map(({ id }) => id)).toEqual(['still', 'moving', 'open', 'stopped', 'out']);
    expect(folded.edges.some(({ source, label }) => source === '' && label >= 0)).toBe(true);
    expect(folded.height).toBeLessThan(columnOf(lift).height - 60);
    expect(overlaps(folded)).toEqual([]);
    expect(crossings(folded)).toEqual([]);
  });
});

describe('what is drawn', () => {
  const chart = storedChart('plan');

  it('lights the states that a plan is in', () => {
    const world = worldOf({ on: [] });
    world.person('implement_start');
    world.drain();
    const lit = activeStateIds(snapshotOf(world.root(plan)).value);
    expect(lit).toEqual([
      'lifecycle',
      'lifecycle.underway',
      'lifecycle.underway.implementing',
      'lifecycle.underway.implementing.wave',
      'lifecycle.underway.implementing.wave.running',
      'merge',
      'merge.none',
      'attention',
      'attention.clear',
      'gate',
      'gate.open',
      'pullRequest',
      'pullRequest.none',
      'pullRequest.none.idle',
    ]);
    const svg = renderChart(chart, { theme: 'none', lit: new Set(lit) });
    const states = [...svg.matchAll(/class="([^"]*)" data-state="([^"]*)"/g)];
    expect(states.map(([, , id]) => id).sort()).toEqual(chart.states.map(({ id }) => id).sort());
    expect(states.flatMap(([, classes = '', id]) => (classes.split(' ').includes('lit') ? [id] : [])).sort()).toEqual(
      [...lit].sort(),
    );
    const edges = [...svg.matchAll(/class="([^"]*)" data-edge="([^"]*)"/g)];
    expect(edges.map(([, , id]) => id).sort()).toEqual(chart.edges.map(({ id }) => id).sort());
    expect(svg).not.toContain('<style>');
    expect(svg).toContain(
      'aria-label="plan: lifecycle.underway.implementing.wave.running, merge.none, attention.clear, gate.open, pullRequest.none.idle"',
    );
  });

  it('follows the theme that is asked for, or the one of the reader', () => {
    expect(chartStyle('light')).not.toBe(chartStyle('dark'));
    expect(chartStyle('both')).toContain('prefers-color-scheme:dark');
    expect(chartStyle('light')).not.toContain('prefers-color-scheme');
  });

  it('shows words with the signs of a page as text', () => {
    const [state] = chart.states;
    if (state === undefined) throw new Error('it has no states');
    const odd = {
      ...chart,
      states: [{ ...state, id: 'a"b', key: '<script>&' }],
      edges: [],
      labels: [],
      routes: [],
      starts: [],
    };
    const svg = renderChart(odd, { theme: 'dark' });
    expect(svg).toContain('&lt;script&gt;&amp;');
    expect(svg).toContain('data-state="a&quot;b"');
  });
});

it('in Mermaid a chart keeps names with any sign, what its guards mean, and the transitions of its root', () => {
  const guards = { paid: () => true, late: () => true, min: (_: unknown, _params: { of: number }) => true };
  const machine = setup({ guards }).createMachine({
    id: 'order (new)',
    initial: 'to-do',
    on: { 'order:stop;now': '.in progress' },
    states: {
      'to-do': {
        always: [
          { guard: not('paid'), target: 'in progress' },
          { guard: and(['paid', or(['late', stateIn({ 'to-do': 'a' })])]), target: 'in progress' },
          { guard: { type: 'min', params: { of: 1 } }, target: 'in progress' },
        ],
      },
      'in progress': { type: 'final' },
      last: { type: 'history' },
    },
  });
  expect(chartOf('order', 'mermaid', [defineMachine({ name: 'order', machine })])).toMatchInlineSnapshot(`
    "stateDiagram-v2
      state "to-do" as order_32__40_new_41__to_45_do
      state "in progress" as order_32__40_new_41__in_32_progress
      state "last" as order_32__40_new_41__last
      [*] --> order_32__40_new_41__to_45_do
      order_32__40_new_41__in_32_progress --> [*]
      order_32__40_new_41__to_45_do --> order_32__40_new_41__in_32_progress : order#58;stop#59;now
      order_32__40_new_41__to_45_do --> order_32__40_new_41__in_32_progress : if not paid
      order_32__40_new_41__to_45_do --> order_32__40_new_41__in_32_progress : if paid and (late or in to-do.a)
      order_32__40_new_41__to_45_do --> order_32__40_new_41__in_32_progress : if min {#34;of#34;#58;1}
    "
  `);
});
