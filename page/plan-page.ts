/** One plan: what is known of it, read again when something happened, and what a person does about it. */

import { commentMessage } from '../machines/vocabulary/comment-text.ts';
import { taskNamed } from '../machines/vocabulary/ids.ts';
import type { Explanation, HistoryEntry, PlanChanges } from '../runtime/api/contract/plans.ts';
import type { QueuePause } from '../runtime/api/contract/runs.ts';
import type { Chart } from '../runtime/base/charts/chart.ts';
import { createActs } from './acts.ts';
import { ApiError, type Named } from './api.ts';
import { createChangesReader, type ListedFile, linesFrom } from './changes.ts';
import { createChartView } from './chart.ts';
import { isAt } from './comments.ts';
import { fileId } from './file-view.ts';
import { missingView } from './frame.ts';
import { lastMove } from './journal-view.ts';
import { keep, kept } from './kept.ts';
import { createNearness } from './nearness.ts';
import { planAddress, repoAddress, shortTitle } from './needs.ts';
import { type Page, type PageParts, readOn } from './page.ts';
import {
  type Changes,
  type Chosen,
  type Comment,
  type PlanActions,
  type PlanModel,
  sections,
  type Tab,
} from './plan-model.ts';
import { planView } from './plan-view.ts';
import { createRefresher } from './refresh.ts';
import { verdicts } from './state-words.ts';
import { stayAt } from './stay-at.ts';
import { takeNew } from './take.ts';

export interface PlanPageOptions extends PageParts {
  readonly named: Named;
  /** The last part of its address: one of its sections, or an agent's title. */
  readonly part: string | null;
}

const sideBySideName = 'side-by-side';
/** Lines are drawn before they are scrolled to. */
const nearPixels = 1_000;
/** How long after drawing a button press still refers to the old picture. */
const steadyMs = 800;
/** How often the end of a log is read while its agent lives. */
const logMs = 1_000;
/** Texts of reviews that are read in full, of one look at the journal. */
const bodiesMost = 10;

/** What is above the answers, and which questions they are of. */
function orderOf(agents: PlanModel['agents'], pauses: PlanModel['pauses']): string {
  return [...agents.flatMap(({ permissions }) => permissions.map(({ id }) => id)), pauses.length].join(' ');
}

export function createPlanPage({ api, may, named, part, redraw, say, tellRefusal }: PlanPageOptions): Page {
  const view = createChartView();
  const charts = new Map<string, Chart | null>();
  const names = keptNames(named, may.person());
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
    section: 'work',
    time: { range: null, folds: true },
    bodies: new Map(),
    chosen: null,
    isEditable: false,
    writing: null,
    changes: {
      ...{ task: null, since: null, at: null, list: null, nothing: null, reviewer: false },
      ...{ files: new Map(), opened: new Map(), near: new Set(), heights: new Map() },
      viewed: (kept(names.viewed) ?? {}) as Changes['viewed'], // as they were kept here
      isSideBySide: kept(sideBySideName) === true,
      comments: (kept(names.comments) ?? []) as readonly Comment[],
      draft: kept(names.draft) as Comment | null,
      threads: [],
    },
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
      change({
        plan,
        explain: { ...explain, events: explain.events.map(forThisRole) },
        agents: takeNew(model.agents, agents, ({ id }) => id),
        states,
        pauses,
        missing: null,
      });
    } catch (thrown) {
      if (thrown instanceof ApiError && /not_found$/.test(thrown.code)) change({ missing: thrown.message });
    }
  }

  /** Signals that the plan would take only from others are not offered. */
  function forThisRole(event: Explanation['events'][number]): Explanation['events'][number] {
    if (!event.accepted || may.maySend(event.type)) return event;
    return { ...event, accepted: false, why_not: 'your token is not for this' };
  }

  let settling: ReturnType<typeof setTimeout> | undefined;

  /** No answer is taken for a moment: another question may be where the pointer is. */
  function unsettle(): void {
    clearTimeout(settling);
    settling = setTimeout(() => change({ isSteady: true }), steadyMs);
    change({ isSteady: false });
  }

  const readJournal = () =>
    readOn(
      () => model.journal.at(-1)?.seq ?? 0,
      (after) => api.history(named, after),
      (lines) => {
        change({ journal: [...model.journal, ...lines] });
        void readBodies(lines);
      },
    );

  /** A long text is in the signal; the journal has its beginning. */
  async function readBodies(lines: readonly HistoryEntry[]): Promise<void> {
    const said = lines.filter(({ event, why, refused }) => event in verdicts && why !== null && refused === null);
    for (const { signal } of said.slice(-bodiesMost)) {
      if (signal === null) continue;
      const { payload } = await api.signal(named.project, signal);
      // What a person or an agent says is a body; of a reviewer that is a program it is the end of its output.
      const { body, detail } = (payload ?? {}) as { body?: unknown; detail?: unknown }; // checked below
      const text = body ?? detail;
      if (typeof text === 'string' && text !== '') change({ bodies: new Map(model.bodies).set(signal, text) });
    }
  }

  const refresher = createRefresher({ work: read, leastMs: 150, mostMs: 5_000 });
  const journalReader = createRefresher({ work: readJournal, leastMs: 150, mostMs: 60_000 });
  const chosenReader = createRefresher({ work: readChosen, leastMs: logMs, mostMs: logMs });
  const changesReader = createRefresher({ work: readChanges, leastMs: logMs, mostMs: 60_000 });

  const texts = createChangesReader({
    ...{ api, named },
    changes: () => model.changes,
    change: changeChanges,
    outdated: () => changesReader.poke(),
  });

  const nearness = createNearness({
    marginPixels: nearPixels,
    changed(added, gone) {
      const { near: before, heights: known } = model.changes;
      const near = new Set(before);
      const heights = new Map(known);
      for (const { part, height } of gone) {
        near.delete(part);
        if (height > 0) heights.set(part, height);
      }
      for (const part of added) near.add(part);
      changeChanges({ near, heights });
      texts.readNear();
    },
  });

  async function readChanges(): Promise<void> {
    const { at } = model;
    const { task, since, list: known } = model.changes;
    const isShown = model.section === 'changes' || (model.section === 'work' && model.chosen?.tab === 'diff');
    if (!isShown || document.hidden) return;
    const isMeant = () => model.changes.task === task && model.changes.since === since && model.at === at;
    try {
      const list = await api.changes(named, { task, since, to: at }, 0);
      const isSame = isOfSameChange(known, list) && model.changes.at === at;
      if (isMeant()) changeChanges({ list: isSame ? known : list, at, nothing: null });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (isMeant()) changeChanges({ list: null, at, nothing: `${thrown.message}. ${thrown.hint}` });
    }
    texts.readNear();
    changeChanges({ threads: takeNew(model.changes.threads, await api.comments(named), ({ id }) => id) });
    if (at !== null || (model.plan ?? (await api.plan(named))).status !== 'done') return;
    const { accepted, starts } = await api.preview(named, 'request_review');
    changeChanges({ reviewer: accepted && starts.some(({ role }) => role === 'reviewer') });
  }

  async function readMoreFiles(): Promise<void> {
    const { list, task, since, at } = model.changes;
    if (list === null || list.next === null) return;
    const more = await api.changes(named, { task, since, to: at }, list.next);
    if (model.changes.list !== list) return;
    if (isOfSameChange(list, more)) changeChanges({ list: { ...more, files: [...list.files, ...more.files] } });
    else changesReader.hurry();
  }

  function changeChanges(part: Partial<Changes>): void {
    change({ changes: { ...model.changes, ...part } });
  }

  function openFile({ path }: ListedFile, isOn: boolean): void {
    changeChanges({ opened: new Map(model.changes.opened).set(path, isOn) });
  }

  function keepComments(comments: readonly Comment[]): void {
    keep(names.comments, comments.length === 0 ? null : comments);
    keepDraft(null);
    changeChanges({ comments });
  }

  /** The draft with what was typed since it was drawn. */
  function typed(draft: Comment): Comment {
    const open = kept(names.draft) as Comment | null; // as it was kept here
    return open !== null && isAt(open, draft) ? open : draft;
  }

  function keepDraft(draft: Comment | null): void {
    keep(names.draft, draft);
    changeChanges({ draft });
  }

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
      } else if (tab === 'checks') {
        put(title, tab, { checks: found === undefined ? [] : await api.checks(named.project, title), nothing: null });
      } else if (tab === 'diff') showDiffOf(title);
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

  /** Called before the agent is read: until then the tab would show the changes of something else, and a person could comment on those. */
  function showDiffOf(title: string): void {
    const { task, since } = model.changes;
    const own = questionOf(title, named.plan).task ?? null;
    if (task !== own || since !== null) actions.showChanges({ task: own, since: null });
    else changesReader.poke();
  }

  function choose(title: string): void {
    if (model.chosen?.title === title) return;
    const tab = model.chosen?.tab ?? 'log';
    change({ chosen: { title, tab, log: null, prompt: null, checks: null, nothing: null } });
    if (tab === 'diff') showDiffOf(title);
    history.replaceState(null, '', `${planAddress(named)}/${encodeURIComponent(title)}`);
    chosenReader.poke();
  }

  const acts = createActs({
    ...{ api, say, tellRefusal, change },
    state: () => model,
    onAnswer() {
      isChanged = true;
      refresher.poke();
    },
  });

  const actions: PlanActions = {
    may: may.may,
    chart: view.element,
    send: (type, payload, done, then = () => {}) => acts.send({ named, type, payload, done, first: null, then }),
    answerSure: acts.answerSure,
    showChanges(of) {
      changeChanges({ ...of, list: null, nothing: null });
      changesReader.hurry();
    },
    moreFiles: () => void readMoreFiles().catch(tellRefusal),
    openFile,
    showContext: texts.readWith,
    view(file, isOn) {
      const { [file.path]: _, ...others } = model.changes.viewed;
      const viewed = isOn ? { ...others, [file.path]: file.content } : others;
      keep(names.viewed, viewed);
      const opened = new Map(model.changes.opened);
      opened.delete(file.path);
      changeChanges({ viewed, opened });
    },
    goToFile(path) {
      const file = model.changes.list?.files.find((each) => each.path === path);
      if (file === undefined) return say(`${JSON.stringify(path)} has no changes in what is shown.`);
      openFile(file, true);
      stayAt(fileId(path));
    },
    sideBySide(isSideBySide) {
      keep(sideBySideName, isSideBySide);
      changeChanges({ isSideBySide, heights: new Map() });
    },
    watch: nearness.watch,
    draftAt(place) {
      if (place === null) return keepDraft(null);
      const open = kept(names.draft) as Comment | null; // as it was kept here
      if (open !== null && isAt(open, place)) return;
      // Another comment is begun: what was written of this one is not lost.
      const written = open?.text.trim() ?? '';
      if (open !== null && (written !== '' || open.suggestion !== null))
        actions.comment(open, { text: written, suggestion: open.suggestion });
      const { path, line, side, quoted } = place;
      const said = model.changes.comments.find((each) => isAt(each, place));
      keepDraft(said ?? { id: newId(), path, line, end: line, side, quoted, text: '', suggestion: null });
    },
    // What is being typed is in its field: nothing is drawn again.
    drafted(part) {
      if (model.changes.draft !== null) keep(names.draft, { ...typed(model.changes.draft), ...part });
    },
    suggest(end) {
      const { draft } = model.changes;
      if (draft === null) return;
      const lines = linesFrom(model.changes, draft).slice(0, Math.max(1, (end ?? 0) - draft.line + 1));
      const [first = draft.quoted] = lines;
      const quoted = end === null ? first : lines.join('\n');
      const own = { end: end === null ? draft.line : draft.line + lines.length - 1, quoted };
      keepDraft({ ...typed(draft), ...own, suggestion: end === null ? null : quoted });
    },
    comment(place, said) {
      const others = model.changes.comments.filter((each) => !isAt(each, place));
      const { draft, comments } = model.changes;
      const own = [draft, ...comments].find((each) => each !== null && isAt(each, place));
      keepComments(said === null || own == null ? others : [...others, { ...own, ...said }]);
    },
    sendComments({ title, signals }, words, taken) {
      const { comments, list } = model.changes;
      const [type = '', first = null] = signals.toReversed();
      if (list === null) return;
      const body = commentMessage({ from: list.from, to: list.to, comments }, words);
      const done = title === null ? 'The fixer has your comments.' : `${title} has your comments.`;
      const then = () => {
        taken();
        keepComments([]);
        changesReader.hurry();
      };
      acts.send({ named, type, payload: title === null ? { body } : { title, body }, first, done, then });
    },
    permit(title, permission, word, message, taken) {
      const body = message === '' || word === 'allow' ? { permission } : { permission, message };
      acts.ask(
        word,
        () => api.permit(named.project, title, word, body),
        word === 'allow' ? 'Allowed, once.' : 'Denied.',
        taken,
      );
    },
    resume(pause) {
      api
        .queueWord('resume', pause)
        .then(() => say('It goes on.'))
        .catch(tellRefusal)
        .finally(() => {
          isChanged = true;
          refresher.poke();
        });
    },
    openDocument() {
      const { plan } = model;
      if (plan === null || model.writing !== null || !may.maySend('plan_updated')) return;
      api
        .preview(named, 'plan_updated', { content: plan.content })
        .then(({ accepted }) => change({ isEditable: accepted }))
        .catch(tellRefusal);
    },
    write: (isOn) =>
      change({
        writing: isOn && model.plan !== null ? { content: model.plan.content, check: null, isBusy: false } : null,
      }),
    form: {
      edited() {
        if (model.writing !== null && model.writing.check !== null)
          change({ writing: { ...model.writing, check: null } });
      },
      check(content) {
        api
          .check(content)
          .then((check) => change({ writing: model.writing === null ? null : { ...model.writing, check } }))
          .catch(tellRefusal);
      },
      submit(_, content, taken) {
        acts.ask(
          'plan_updated',
          () => api.edit(named, content),
          'The plan has the new document.',
          () => {
            taken();
            change({ writing: null });
          },
        );
      },
      cancel: () => change({ writing: null }),
    },
    choose,
    showTime: (part) => change({ time: { ...model.time, ...part } }),
    showActor: (actor) => change({ actor }),
    close() {
      change({ chosen: null });
      history.replaceState(null, '', planAddress(named));
    },
    turnTo(tab) {
      if (model.chosen === null) return;
      change({ chosen: { ...model.chosen, tab, nothing: null } });
      if (tab === 'diff') showDiffOf(model.chosen.title);
      chosenReader.poke();
    },
    goTo(seq) {
      change(seq === null ? { at: null, past: null } : { at: seq });
      changeChanges({ list: null });
      changesReader.hurry();
      if (seq === null) return;
      // What an earlier version wrote may not be replayed: the chart is shown all the same.
      Promise.all([api.states(named, seq), api.replay(named, seq).catch(toldAs(null))])
        .then(([states, plan]) => {
          if (model.at === seq) change({ past: { states, plan } });
        })
        .catch(tellRefusal);
    },
  };

  function toldAs<T>(value: T): (thrown: unknown) => T {
    return (thrown) => {
      tellRefusal(thrown);
      return value;
    };
  }

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

  refresher.poke();
  journalReader.poke();
  turnToPart(part);

  function turnToPart(name: string | null): void {
    const section = sections.find((each) => each === name);
    change({ section: section ?? 'work' });
    if (section === 'changes') changesReader.hurry();
    if (name !== null && section === undefined) choose(name);
    else if (model.chosen !== null) change({ chosen: null });
  }

  function light(): void {
    const shown = model.at === null ? model.states : (model.past?.states ?? null);
    if (shown === null || !view.element.isConnected) return;
    const own = shown.actors.find(({ actor }) => actor === model.actor);
    const machine = own?.machine ?? machineOf(model.actor);
    const chart = chartOf(machine);
    if (chart !== null) view.show(chart, { states: own?.states ?? [], last: lastMove(model, model.actor) });
  }

  return {
    title: () => `${named.plan} · stator`,
    where: () => [
      { text: named.project, href: repoAddress(named.project) },
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
      changesReader.poke();
    },
    turnToPart,
    leave() {
      clearTimeout(settling);
      refresher.stop();
      journalReader.stop();
      chosenReader.stop();
      changesReader.stop();
      nearness.stop();
    },
  };
}

/** A browser may be another person's by the next login: what one has written is not shown to the next. */
function keptNames({ project, plan }: Named, person: string | null): Record<'comments' | 'draft' | 'viewed', string> {
  const of = (what: string) => `${what}.${project}/${plan}${person === null ? '' : `@${person}`}`;
  return { comments: of('comments'), draft: of('draft'), viewed: of('viewed') };
}

/** Four letters of a few thousand are enough to tell a plan's comments apart, and an agent can repeat them. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(6))]
    .map((byte) => 'abcdefghjkmnpqrstuvwxyz23456789'[byte % 31])
    .join('');
}

function isOfSameChange(one: PlanChanges | null, other: PlanChanges): one is PlanChanges {
  return one?.from === other.from && one.to === other.to && one.task === other.task && one.since === other.since;
}

/** By its path, where it is not there at the moment that is shown. */
function machineOf(actor: string): string {
  if (actor === '') return 'plan';
  const [last = ''] = actor.split('/').slice(-1);
  if (/^wave-/.test(last)) return 'wave';
  // A worker of the plan itself is a task, and its agent is below it.
  return /^(?:task-|coder\.|fixer\.)/.test(last) ? 'task' : 'agent';
}

/** Whether a pause of the queue keeps agents of the plan from starting. */
function isOf({ of, project, plan }: QueuePause, named: Named): boolean {
  if (of === 'queue') return true;
  return project === named.project && (plan === null || plan === named.plan);
}

/** The task or the role whose prompt and changes are shown. */
function questionOf(title: string, plan: string): { task?: string; role?: string } {
  const word = shortTitle(title, plan);
  if (taskNamed(word) !== null) return { task: word };
  const [first = ''] = word.split('-');
  const role = { plan: 'planner', review: 'reviewer', fix: 'fixer', verify: 'verifier' }[first];
  return { role: role ?? first };
}
