/** One tree of a user-defined machine: its data, read again after each new fact, and the signals that a person sends it. */
import type { Chart } from '../runtime/base/charts/chart.ts';
import { ApiError } from './api.ts';
import { createChartView } from './chart.ts';
import { missingView } from './frame.ts';
import { lastMove } from './journal-view.ts';
import type { MachineActions, MachineModel } from './machine-model.ts';
import { machineView, statesOf } from './machine-view.ts';
import { type Page, type PageParts, readOn } from './page.ts';
import { createRefresher } from './refresh.ts';

export interface MachinePageOptions extends PageParts {
  readonly machine: string;
  readonly id: string;
}

export function createMachinePage({ api, may, machine, id, redraw, say, showRefusal }: MachinePageOptions): Page {
  let model: MachineModel = {
    machine,
    id,
    tree: null,
    explained: null,
    journal: [],
    at: null,
    past: null,
    missing: null,
    isBusy: false,
  };

  let chart: Chart | null = null;
  const drawn = createChartView();

  function change(part: Partial<MachineModel>): void {
    model = { ...model, ...part };
    redraw();
  }

  async function read(): Promise<void> {
    try {
      const [tree, explained, laidOut] = await Promise.all([
        api.machineTree(machine, id),
        api.machineExplanation(machine, id),
        chart ?? api.machineChart(machine),
      ]);
      chart = laidOut;
      change({ tree, explained, missing: null });
      await readOn(
        () => model.journal.at(-1)?.seq ?? 0,
        (after) => api.machineHistory(machine, id, after),
        (lines) => change({ journal: [...model.journal, ...lines] }),
      );
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (/not_found$|unknown$/.test(thrown.code)) change({ missing: `${thrown.message}. ${thrown.hint}` });
    }
  }

  const refresher = createRefresher({ work: read, leastMs: 150, mostMs: 5_000 });
  const actions: MachineActions = {
    may: may.may,
    chart: drawn.element,
    send(type, text, taken) {
      change({ isBusy: true });
      payloadOf(text)
        .then((payload) => api.sendMachine(machine, id, type, payload))
        .then(({ signal: { status } }) => {
          say(`${type}: ${status}`);
          if (status !== 'failed') taken();
        })
        .catch(showRefusal)
        .finally(() => {
          change({ isBusy: false });
          refresher.hurry();
        });
    },
    goTo(at) {
      change({ at, past: null });
      if (at === null) return;
      api
        .machineReplay(machine, id, at)
        .then((past) => {
          if (model.at === at) change({ past });
        })
        .catch(showRefusal);
    },
  };

  /** While the tree of the selected line is not loaded, the active states come from the root's last line. */
  function light(): void {
    const { at, past, tree, journal } = model;
    const value = at === null ? tree?.value : past?.value;
    const last = lastMove(model, '');
    const states = value === undefined ? [journal.find(({ seq }) => seq === at)?.to ?? ''] : statesOf(value);
    if (chart !== null && tree !== null && drawn.element.isConnected) drawn.show(chart, { states, last });
  }

  refresher.poke();
  return {
    title: () => `${machine} ${id} · stator`,
    where: () => [
      { text: machine, href: '#/' },
      { text: id, href: null },
    ],
    view(nowMs) {
      // The chart is drawn after the page around it exists.
      queueMicrotask(light);
      if (model.missing !== null) return missingView(`${machine} ${id}`, model.missing);
      return machineView(model, actions, nowMs);
    },
    heard(facts, isGap) {
      // Facts about such a tree have no project.
      if (isGap || facts.some(({ project }) => project === null)) refresher.poke();
    },
    leave: () => refresher.stop(),
  };
}

async function payloadOf(text: string): Promise<unknown> {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError('bad_payload', 'the payload is not JSON', 'such as: {"reason": "not yet"}');
  }
}
