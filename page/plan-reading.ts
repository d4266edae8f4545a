/** Reads the data of a plan, and reads it again after each new fact. */
import type { Explanation, HistoryEntry } from '../runtime/api/contract/plans.ts';
import type { QueuePause } from '../runtime/api/contract/runs.ts';
import { ApiError, type Named } from './api.ts';
import { readOn } from './page.ts';
import type { PlanModel, PlanParts } from './plan-model.ts';
import { createRefresher } from './refresh.ts';
import { verdicts } from './state-words.ts';
import { takeNew } from './take.ts';

/** How long after a drawing a button press is taken to mean the previous picture. */
const steadyMs = 800;
/** The most reviews whose full text is read at one reading of the journal. */
const bodiesMost = 10;

export function createPlanReading({ api, may, named, model, change, showRefusal }: PlanParts) {
  /** Set after a person's action on this page. */
  let isChanged = false;
  let settling: ReturnType<typeof setTimeout> | undefined;
  const plan = createRefresher({ work: readPlan, leastMs: 150, mostMs: 5_000 });
  const journal = createRefresher({ work: readJournal, leastMs: 150, mostMs: 60_000 });

  async function readPlan(): Promise<void> {
    const isFresh = isChanged;
    isChanged = false;
    try {
      const [shown, explain, agents, states, queue] = await Promise.all([
        api.plan(named),
        api.explain(named),
        api.agents(named),
        api.states(named, null),
        api.queue(isFresh),
      ]);
      const pauses = queue.pauses.filter((each) => isOf(each, named));
      const before = model().plan;
      // Another plan was registered under this name: the journal of the deleted one is not its own.
      if (before !== null && before.created_at !== shown.created_at) {
        change({ journal: [], bodies: new Map() });
        journal.hurry();
      }
      if (orderOf({ agents, pauses }) !== orderOf(model())) unsettle();
      change({
        ...{ plan: shown, states, pauses, missing: null },
        explain: { ...explain, events: explain.events.map(forThisRole) },
        agents: takeNew(model().agents, agents, ({ id }) => id),
      });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (/not_found$/.test(thrown.code)) change({ missing: thrown.message });
      else if (model().plan === null) change({ missing: `${thrown.message}. ${thrown.hint}` });
      else if (thrown.code !== 'unavailable') showRefusal(thrown);
    }
  }

  /** Signals that the plan would accept only from other roles are not offered. */
  function forThisRole(event: Explanation['events'][number]): Explanation['events'][number] {
    if (!event.accepted || may.maySend(event.type)) return event;
    return { ...event, accepted: false, why_not: 'your token is not for this' };
  }

  /** Answers are disabled for a short time: another question may be under the pointer now. */
  function unsettle(): void {
    clearTimeout(settling);
    settling = setTimeout(() => change({ isSteady: true }), steadyMs);
    change({ isSteady: false });
  }

  function readJournal(): Promise<void> {
    return readOn(
      () => model().journal.at(-1)?.seq ?? 0,
      (after) => api.history(named, after),
      (lines) => {
        change({ journal: [...model().journal, ...lines] });
        void readBodies(lines);
      },
    );
  }

  /** The journal has the beginning of a long text; the signal has all of it. */
  async function readBodies(lines: readonly HistoryEntry[]): Promise<void> {
    const said = lines.filter(({ event, why, refused }) => event in verdicts && why !== null && refused === null);
    for (const { signal } of said.slice(-bodiesMost)) {
      if (signal === null) continue;
      const { payload } = await api.signal(named.project, signal);
      // The text of a person or an agent is `body`; of a reviewer that is a program it is `detail`, the end of the output.
      const { body, detail } = (payload ?? {}) as { body?: unknown; detail?: unknown }; // checked below
      const text = body ?? detail;
      if (typeof text === 'string' && text !== '') change({ bodies: new Map(model().bodies).set(signal, text) });
    }
  }

  return {
    poke() {
      plan.poke();
      journal.poke();
    },
    /** After a person's action the answers that pages share are too old. */
    acted() {
      isChanged = true;
      plan.poke();
    },
    stop() {
      clearTimeout(settling);
      plan.stop();
      journal.stop();
    },
  };
}

/** The questions and what is shown above them, as a key: if it changes, the answers may move. */
function orderOf({ agents, pauses }: Pick<PlanModel, 'agents' | 'pauses'>): string {
  return [...agents.flatMap(({ permissions }) => permissions.map(({ id }) => id)), pauses.length].join(' ');
}

/** Whether a pause of the queue keeps agents of the plan from starting. */
function isOf({ of, project, plan }: QueuePause, named: Named): boolean {
  if (of === 'queue') return true;
  return project === named.project && (plan === null || plan === named.plan);
}
