/** The chart of one actor of a plan, with the states that it is in. */
import type { Chart } from '../runtime/base/charts/chart.ts';
import { createChartView } from './chart.ts';
import { lastMove } from './journal-view.ts';
import type { PageParts } from './page.ts';
import type { PlanModel } from './plan-model.ts';

export function createLitChart({ api, redraw }: Pick<PageParts, 'api' | 'redraw'>) {
  const view = createChartView();
  const charts = new Map<string, Chart | null>();

  /** Each is read once, when it is first shown. */
  function chartOf(machine: string): Chart | null {
    const known = charts.get(machine);
    if (known !== undefined) return known;
    charts.set(machine, null);
    void api
      .chart(machine)
      .then((answer) => answer.json())
      .then((chart: Chart) => charts.set(machine, chart)) // the chart of this package
      .catch(() => charts.delete(machine)) // the next look is the next try
      .finally(redraw);
    return null;
  }

  return {
    element: view.element,
    /** It is drawn by hand, where the page around it is there. */
    light(model: PlanModel): void {
      const shown = model.at === null ? model.states : (model.past?.states ?? null);
      if (shown === null || !view.element.isConnected) return;
      const own = shown.actors.find(({ actor }) => actor === model.actor);
      const chart = chartOf(own?.machine ?? machineOf(model.actor));
      if (chart !== null) view.show(chart, { states: own?.states ?? [], last: lastMove(model, model.actor) });
    },
  };
}

/** By its path, where it is not there at the moment that is shown. */
function machineOf(actor: string): string {
  if (actor === '') return 'plan';
  const [last = ''] = actor.split('/').slice(-1);
  if (/^wave-/.test(last)) return 'wave';
  // A worker of the plan itself is a task, and its agent is below it.
  return /^(?:task-|coder\.|fixer\.)/.test(last) ? 'task' : 'agent';
}
