/** The chart of one actor of a plan, with its active states highlighted. */
import type { Chart } from '../runtime/base/charts/chart.ts';
import { createChartView } from './chart.ts';
import { lastMove } from './journal-view.ts';
import type { PageParts } from './page.ts';
import type { PlanModel } from './plan-model.ts';

export function createLitChart({ api, redraw }: Pick<PageParts, 'api' | 'redraw'>) {
  const view = createChartView();
  const charts = new Map<string, Chart | null>();

  /** Each chart is read once, when it is first shown. */
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
    /** Called after the page around the chart was drawn: the chart is drawn without Preact. */
    light(model: PlanModel): void {
      const shown = model.at === null ? model.states : (model.past?.states ?? null);
      if (shown === null || !view.element.isConnected) return;
      const own = shown.actors.find(({ actor }) => actor === model.actor);
      const chart = chartOf(own?.machine ?? machineOf(model.actor));
      if (chart !== null) view.show(chart, { states: own?.states ?? [], last: lastMove(model, model.actor) });
    },
  };
}

/** The machine of an actor that does not exist at the selected line, derived from its path. */
function machineOf(actor: string): string {
  if (actor === '') return 'plan';
  const [last = ''] = actor.split('/').slice(-1);
  if (/^wave-/.test(last)) return 'wave';
  // A worker directly below the plan is a task, and its agent is below the task.
  return /^(?:task-|coder\.|fixer\.)/.test(last) ? 'task' : 'agent';
}
