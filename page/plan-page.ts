/** One plan: what is known of it, read anew where something happened, and what its person does about it. */

import type { QueuePause } from '../runtime/api/contract/runs.ts';
import type { SignalAnswer } from '../runtime/api/contract/signals.ts';
import type { Chart } from '../runtime/base/charts/chart.ts';
import { type Api, ApiError, type Named } from './api.ts';
import { createChartView, type Move } from './chart.ts';
import { words } from './format.ts';
import { missingView } from './frame.ts';
import { planAddress, shortTitle } from './needs.ts';
import { type Page, readOn } from './page.ts';
import type { Chosen, PlanActions, PlanModel, Tab } from './plan-model.ts';
import { planView } from './plan-view.ts';
import { createRefresher } from './refresh.ts';
import { takeNew } from './take.ts';

export interface PlanPageOptions {
  readonly api: Api;
  readonly named: Named;
  readonly agent: string | null;
  redraw(): void;
  say(text: string): void;
  tellRefusal(thrown: unknown): void;
}

/** A person who presses a button sees what was drawn so long ago. */
const steadyMs = 800;
/** How often the end of a log is read while its agent lives. */
const logMs = 1_000;

/** What stands above the answers, and which questions they are of. */
function orderOf(agents: PlanModel['agents'], pauses: PlanModel['pauses']): string {
  return [...agents.flatMap(({ permissions }) => permissions.map(({ id }) => id)), pauses.length].join(' ');
}

export function createPlanPage({ api, named, agent, redraw, say, tellRefusal }: PlanPageOptions): Page {
  const view = createChartView();
  const charts = new Map<string, Chart | null>();
  let model: PlanModel = {
    named,
    plan: null,
    explain: null,
    agents: [],
    isSteady: true,
    pauses: [],
    states: null,
    journal: [],
    actor: '',
    at: null,
    past: null,
    chosen: null,
    missing: null,
    busy: null,
    sure: null,
  };

  function change(part: Partial<PlanModel>): void {
    model = { ...model, ...part };
    redraw();
  }

  /** Set after a person's action on this page. */
  let isChanged = false;

  async function read(): Promise<void> {
    const isFresh = isChanged;
    isChanged = false;
    try {
      const [plan, explain, agents, states, queue] = await Promise.all([
        api.plan(named),
        api.explain(named),
        api.agents(named),
        api.states(named, null),
        api.queue(isFresh),
      ]);
      const pauses = queue.pauses.filter((each) => isOf(each, named));
      if (orderOf(agents, pauses) !== orderOf(model.agents, model.pauses)) unsettle();
      change({ plan, explain, agents: takeNew(model.agents, agents, ({ id }) => id), states, pauses, missing: null });
    } catch (thrown) {
      if (thrown instanceof ApiError && /not_found$/.test(thrown.code)) change({ missing: thrown.message });
    }
  }

  let settling: ReturnType<typeof setTimeout> | undefined;

  /** No answer is taken for a moment: another question may stand where the pointer is. */
  function unsettle(): void {
    clearTimeout(settling);
    settling = setTimeout(() => change({ isSteady: true }), steadyMs);
    change({ isSteady: false });
  }

  const readJournal = () =>
    readOn(
      () => model.journal.at(-1)?.seq ?? 0,
      (after) => api.history(named, after),
      (lines) => change({ journal: [...model.journal, ...lines] }),
    );

  const refresher = createRefresher({ work: () => read().then(always), leastMs: 150, mostMs: 5_000 });
  const journalReader = createRefresher({ work: () => readJournal().then(always), leastMs: 150, mostMs: 60_000 });
  const chosenReader = createRefresher({ work: () => readChosen().then(always), leastMs: logMs, mostMs: logMs });

  async function readChosen(): Promise<void> {
    const { chosen } = model;
    if (chosen === null || document.hidden) return;
    const { title, tab } = chosen;
    const found = model.agents.find((each) => each.title === title);
    const query = questionOf(title, named.plan);
    try {
      if (tab === 'log') {
        if (model.plan === null) return;
        if (found === undefined) return put(title, tab, { nothing: 'It has not started yet.' });
        put(title, tab, { log: await api.log(named.project, title), nothing: null });
      } else if (tab === 'diff') put(title, tab, { diff: await api.diff(named, query.task ?? null), nothing: null });
      else put(title, tab, { prompt: await api.prompt(named, query), nothing: null });
    } catch (thrown) {
      if (thrown instanceof ApiError) put(title, tab, { nothing: `${thrown.message}. ${thrown.hint}` });
    }
  }

  /** What was read for a tab that is no longer shown is dropped. */
  function put(title: string, tab: Tab, part: Partial<Chosen>): void {
    if (model.chosen?.title !== title || model.chosen.tab !== tab) return;
    change({ chosen: { ...model.chosen, ...part } });
  }

  function choose(title: string): void {
    if (model.chosen?.title === title) return;
    const tab = model.chosen?.tab ?? 'log';
    change({ chosen: { title, tab, log: null, diff: null, prompt: null, nothing: null } });
    history.replaceState(null, '', `${planAddress(named)}/${encodeURIComponent(title)}`);
    chosenReader.poke();
  }

  function ask(type: string, asking: () => Promise<SignalAnswer>, done: string): void {
    if (model.busy !== null) return;
    change({ busy: type });
    asking()
      .then(({ signal }) => {
        if (signal.status !== 'failed') say(signal.status === 'done' ? done : `${words(type)}: ${signal.status}`);
        else if (signal.refused === null)
          throw new ApiError('refused', `${words(type)} was not done: ${String(signal.result)}`, '');
        else throw refusalOf(type, signal.refused);
      })
      .catch(tellRefusal)
      .finally(() => {
        isChanged = true;
        change({ busy: null });
        refresher.poke();
      });
  }

  const actions: PlanActions = {
    chart: view.element,
    send(type, payload, done) {
      if (model.busy !== null) return;
      change({ busy: type, sure: null });
      api
        .preview(named, type, payload)
        .then(({ asks, says }) => {
          change({ busy: null });
          if (asks) change({ sure: { type, payload, done, says } });
          else ask(type, () => api.send(named, type, payload), done);
        })
        .catch((thrown: unknown) => {
          change({ busy: null });
          tellRefusal(thrown);
        });
    },
    answerSure(isYes) {
      const { sure } = model;
      change({ sure: null });
      if (isYes && sure !== null) ask(sure.type, () => api.send(named, sure.type, sure.payload), sure.done);
    },
    permit(title, permission, word, message) {
      const body = message === '' || word === 'allow' ? { permission } : { permission, message };
      ask(word, () => api.permit(named.project, title, word, body), word === 'allow' ? 'Allowed, once.' : 'Denied.');
    },
    resume({ project, plan, title }) {
      const part = {
        ...(project === null ? {} : { project }),
        ...(plan === null ? {} : { plan }),
        ...(title === null ? {} : { title }),
      };
      api
        .queueWord('resume', part)
        .then(() => say('It goes on.'))
        .catch(tellRefusal)
        .finally(() => {
          isChanged = true;
          refresher.poke();
        });
    },
    choose,
    showActor: (actor) => change({ actor }),
    close() {
      change({ chosen: null });
      history.replaceState(null, '', planAddress(named));
    },
    turnTo(tab) {
      if (model.chosen === null) return;
      change({ chosen: { ...model.chosen, tab, nothing: null } });
      chosenReader.poke();
    },
    goTo(seq) {
      change(seq === null ? { at: null, past: null } : { at: seq });
      if (seq === null) return;
      api
        .states(named, seq)
        .then((past) => {
          if (model.at === seq) change({ past });
        })
        .catch(tellRefusal);
    },
  };

  /** Each is read once, when it is first looked at. */
  function chartOf(machine: string): Chart | null {
    const known = charts.get(machine);
    if (known !== undefined) return known;
    charts.set(machine, null);
    void api
      .chart(machine)
      .then((answer) => answer.json())
      .then((chart: Chart) => charts.set(machine, chart)) // of this package
      .catch(() => charts.delete(machine)) // the next look is the next try
      .finally(redraw);
    return null;
  }

  refresher.poke();
  journalReader.poke();
  if (agent !== null) choose(agent);

  function light(): void {
    const shown = model.at === null ? model.states : model.past;
    if (shown === null || !view.element.isConnected) return;
    const own = shown.actors.find(({ actor }) => actor === model.actor);
    const machine = own?.machine ?? machineOf(model.actor);
    const chart = chartOf(machine);
    if (chart !== null) view.show(chart, { states: own?.states ?? [], last: lastMove(model) });
  }

  return {
    title: () => `${model.plan?.blocked === null || model.plan === null ? '' : '(1) '}${named.plan} · stator`,
    where: () => [
      { text: named.project, href: '#/' },
      { text: named.plan, href: model.chosen === null ? null : planAddress(named) },
      ...(model.chosen === null ? [] : [{ text: shortTitle(model.chosen.title, named.plan), href: null }]),
    ],
    view(nowMs) {
      // The chart is drawn by hand, after the page around it is there.
      queueMicrotask(light);
      return model.missing === null ? planView(model, actions, nowMs) : missingView(named.plan, model.missing);
    },
    heard(facts, isGap) {
      if (!isGap && !facts.some(({ project, plan }) => project === named.project && plan === named.plan)) return;
      refresher.poke();
      journalReader.poke();
    },
    leave() {
      clearTimeout(settling);
      refresher.stop();
      journalReader.stop();
      chosenReader.stop();
    },
  };
}

/** What is read of one plan is new each time. */
function always(): number {
  return 0;
}

/** The last line up to the moment that is shown in which the actor that is shown moved. */
function lastMove({ journal, at, actor: shown }: PlanModel): Move | null {
  return (
    journal.findLast(
      ({ seq, actor, refused, from, to }) =>
        actor === shown && refused === null && from !== '' && from !== to && (at === null || seq <= at),
    ) ?? null
  );
}

/** By its path, where it is not there at the moment that is shown. */
function machineOf(actor: string): string {
  if (actor === '') return 'plan';
  const [last = ''] = actor.split('/').slice(-1);
  if (/^wave-/.test(last)) return 'wave';
  // A worker of the plan itself is a task, and its agent stands below it.
  return /^(?:task-|coder\.|fixer\.)/.test(last) ? 'task' : 'agent';
}

/** Whether a pause of the queue keeps agents of the plan from starting. */
function isOf({ of, project, plan }: QueuePause, named: Named): boolean {
  if (of === 'queue') return true;
  return project === named.project && (plan === null || plan === named.plan);
}

/** Whose prompt and whose changes: those of a task, or of a role. */
function questionOf(title: string, plan: string): { task?: string; role?: string } {
  const word = shortTitle(title, plan);
  if (/^w\d+-t\d+$/.test(word)) return { task: word };
  const [first = ''] = word.split('-');
  const role = { plan: 'planner', review: 'reviewer', fix: 'fixer', verify: 'verifier' }[first];
  return { role: role ?? first };
}

interface Refusal {
  readonly by: string;
  readonly state: string;
  readonly guard: string | null;
  readonly accepts: readonly string[];
}

function refusalOf(type: string, { by, state, guard, accepts }: Refusal): ApiError {
  const why = guard === null ? '' : `: ${guard}`;
  return new ApiError(
    'refused',
    `${words(type)} is refused by ${by} in ${state}${why}`,
    `it takes: ${accepts.join(', ')}`,
  );
}
