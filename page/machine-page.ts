/** One tree of a user-defined machine: what is known of it, read again when something happened, and the signals that a person sends it. */
import { ApiError } from './api.ts';
import { missingView } from './frame.ts';
import type { MachineActions, MachineModel } from './machine-model.ts';
import { machineView } from './machine-view.ts';
import { type Page, type PageParts, readOn } from './page.ts';
import { createRefresher } from './refresh.ts';

export interface MachinePageOptions extends PageParts {
  readonly machine: string;
  readonly id: string;
}

export function createMachinePage({ api, may, machine, id, redraw, say, tellRefusal }: MachinePageOptions): Page {
  let model: MachineModel = {
    machine,
    id,
    tree: null,
    explained: null,
    chart: null,
    journal: [],
    at: null,
    past: null,
    missing: null,
    isBusy: false,
  };

  function change(part: Partial<MachineModel>): void {
    model = { ...model, ...part };
    redraw();
  }

  async function read(): Promise<void> {
    try {
      const [tree, explained, chart] = await Promise.all([
        api.machineTree(machine, id),
        api.machineExplanation(machine, id),
        model.chart ?? api.machineDefinition(machine),
      ]);
      change({ tree, explained, chart, missing: null });
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
    send(type, text, taken) {
      change({ isBusy: true });
      payloadOf(text)
        .then((payload) => api.sendMachine(machine, id, type, payload))
        .then(({ signal: { status } }) => {
          say(`${type}: ${status}`);
          if (status !== 'failed') taken();
        })
        .catch(tellRefusal)
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
        .catch(tellRefusal);
    },
  };

  refresher.poke();
  return {
    title: () => `${machine} ${id} · stator`,
    where: () => [
      { text: machine, href: '#/' },
      { text: id, href: null },
    ],
    view: (nowMs) =>
      model.missing === null ? machineView(model, actions, nowMs) : missingView(`${machine} ${id}`, model.missing),
    heard(facts, isGap) {
      // A line of such a tree is of no project.
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
