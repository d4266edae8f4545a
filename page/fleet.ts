/** All plans on one page: who acts next, which agents work or wait, and the cost. */

import { accountText } from '../machines/vocabulary/account-text.ts';
import { counted, sumOfKnown } from '../machines/vocabulary/numbers.ts';
import { isQueued } from '../machines/vocabulary/run-state.ts';
import { localDay, withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import type { RepoEntry } from '../runtime/api/contract/repos.ts';
import type { InstanceEntry, QueuePause } from '../runtime/api/contract/runs.ts';
import { dayAddress } from './day-view.ts';
import { h, type View } from './dom.ts';
import { glyph, nameLink, stateOf, timesIn, timeText, timeView } from './elements.ts';
import { budgetText, tightestText } from './facts.ts';
import type { Fleet, FleetActions, FleetView } from './fleet-model.ts';
import { agentsView, hostsView, notificationsView, reposView } from './fleet-side.ts';
import { amount, dollars, words } from './format.ts';
import { treesView } from './machine-view.ts';
import { firstOf } from './need-output.ts';
import { type Group, groupOf, groups, needOf, planAddress, shapeOf, shortTitle, shortTitles } from './needs.ts';
import { type Needs, needsView } from './needs-view.ts';
import { isFound } from './search.ts';
import { firstLineOf, planWords, retriedText } from './state-words.ts';
import { sureView } from './sure-view.ts';

/** How many rows are drawn until a person asks for all. */
const rowsShown = 100;
const minuteMs = 60_000;
const groupWords: Readonly<Record<Group, string>> = {
  asks: 'needs you',
  works: 'at work',
  waits: 'waits',
  ready: 'ready',
  done: 'done',
  cancelled: 'cancelled',
};

function nameOf({ project, plan }: { readonly project: string; readonly plan: string }): string {
  return `${project}/${plan}`;
}

interface Row {
  readonly plan: PlanEntry;
  readonly agents: readonly InstanceEntry[];
  readonly group: Group;
}

function rowsOf({ plans, agents }: Pick<Fleet, 'plans' | 'agents'>): Row[] {
  const byPlan = new Map<string, InstanceEntry[]>();
  for (const agent of agents) byPlan.set(nameOf(agent), [...(byPlan.get(nameOf(agent)) ?? []), agent]);
  return plans.map((plan): Row => {
    const own = byPlan.get(nameOf(plan)) ?? [];
    return { plan, agents: own, group: groupOf(plan) };
  });
}

/** By group, then by name. */
export function orderOf(fleet: Pick<Fleet, 'plans' | 'agents'>): Map<string, number> {
  const rank = (row: Row) => groups.indexOf(row.group);
  const rows = rowsOf(fleet).sort((a, b) => rank(a) - rank(b) || nameOf(a.plan).localeCompare(nameOf(b.plan)));
  return new Map(rows.map(({ plan }, place) => [nameOf(plan), place]));
}

export function needCount(fleet: Pick<Fleet, 'plans' | 'agents'>): number {
  return rowsOf(fleet).filter(({ group }) => group === 'asks').length;
}

function needsOf(rows: readonly Row[]): Needs {
  const plans = (isMeant: (row: Row) => boolean) => rows.filter(isMeant).map(({ plan }) => plan);
  return {
    asking: plans(({ group }) => group === 'asks'),
    unmerged: plans(({ plan: { landing, accepts } }) => landing === 'not_merged' && accepts.length > 0),
  };
}

/** A key of the rows and buttons in the list of needs. If it changes, another button may be under the pointer. */
export function needsKey(fleet: Pick<Fleet, 'plans' | 'agents'>): string {
  const { asking, unmerged } = needsOf(rowsOf(fleet));
  return [...asking, ...unmerged]
    .map((plan) => `${nameOf(plan)} ${plan.need?.since ?? ''} ${plan.accepts.join()}`)
    .join('\n');
}

/** The rows in their earlier order; new ones come last. */
function inOrder(rows: readonly Row[], order: ReadonlyMap<string, number>): Row[] {
  const place = ({ plan }: Row) => order.get(nameOf(plan)) ?? order.size;
  return rows.toSorted((a, b) => place(a) - place(b) || nameOf(a.plan).localeCompare(nameOf(b.plan)));
}

export function fleetView(fleet: Fleet, view: FleetView, actions: FleetActions, nowMs: number): View {
  if (!fleet.isKnown)
    return h(
      'main',
      { class: 'fleet', id: 'main', tabindex: '-1' },
      h('h1', { class: 'hidden' }, 'Fleet'),
      h('p', { class: 'boot' }, 'The daemon is asked…'),
    );
  const rows = inOrder(rowsOf(fleet), view.order);
  const inProject = rows.filter(({ plan }) => view.project === null || plan.project === view.project);
  const shown = inProject.filter((row) => isWanted(row, view));
  return h(
    'main',
    { class: 'fleet', id: 'main', tabindex: '-1' },
    h('h1', { class: 'hidden' }, 'Fleet'),
    view.sure === null ? null : sureView(view.sure, actions.answerSure),
    needsView(needsOf(rows), view, actions, nowMs),
    numbers(fleet, rows, nowMs),
    forgesDown(fleet, nowMs),
    accountsLimited(fleet, nowMs),
    fleet.warnings.map((warning) => h('p', { class: 'notice' }, timesIn(warning, nowMs))),
    pauses(fleet.queue?.pauses ?? [], actions, nowMs),
    h(
      'div',
      { class: 'columns' },
      h(
        'section',
        { class: 'panel plans', 'aria-labelledby': 'plans-title' },
        filters(inProject, fleet.repos, view, actions),
        plansTable(shown, view, actions, nowMs),
      ),
      h(
        'div',
        { class: 'side' },
        agentsView(fleet, actions, nowMs),
        notificationsView(fleet, actions, nowMs),
        fleet.trees === null ? null : treesView(fleet.trees),
        hostsView(fleet, nowMs),
        reposView(fleet),
      ),
    ),
  );
}

function isWanted({ plan, group }: Row, { filter, group: only }: FleetView): boolean {
  return (only === null || only === group) && (filter.trim() === '' || isFound(plan, filter.trim()));
}

function numbers({ repos, queue, plans, agents }: Fleet, rows: readonly Row[], nowMs: number): View {
  const sum = (of: (plan: PlanEntry) => number | null) => sumOfKnown(plans.map(of));
  const [input, output] = [sum(({ usage }) => usage.input_tokens), sum(({ usage }) => usage.output_tokens)];
  const cost = sum(({ usage }) => usage.cost_usd);
  const inGroup = (group: Group) => rows.filter((row) => row.group === group).length;
  const cell = (name: string, value: string, more: string, tone = '') =>
    h(
      'div',
      { class: `number ${tone}` },
      h('dt', null, name),
      h('dd', null, h('b', null, value), h('span', { class: 'dim' }, ` ${more}`)),
    );
  const bad = repos.filter(({ state }) => state === 'degraded').length;
  const paused = queue?.paused === true;
  return h(
    'dl',
    { class: 'numbers' },
    cell('At work', String(inGroup('works')), `of ${counted(plans.length, 'plan')}`),
    cell('Agents', `${queue?.running ?? 0} / ${queue?.max_agents ?? 0}`, 'slots taken'),
    cell('Queue', String(agents.filter(isQueued).length), paused ? 'paused' : 'waiting', paused ? 'asks' : ''),
    cell('Repos', String(repos.length), bad === 0 ? 'all well' : `${bad} degraded`, bad === 0 ? '' : 'asks'),
    input === null ? null : cell('Tokens in', amount(input), `${amount(output)} out`),
    cost === null ? null : cell('Cost', dollars(cost), 'of all plans'),
    h(
      'div',
      { class: 'number' },
      h('dt', null, 'Day'),
      h('dd', null, h('a', { class: 'link', href: dayAddress(localDay(new Date(nowMs))) }, 'today')),
    ),
  );
}

/** Forges and services that do not answer, since when, and which plans wait for them. */
function forgesDown({ forges }: Fleet, nowMs: number): View[] {
  return forges
    .filter(({ state }) => state === 'down')
    .map(({ project, server, since: sinceText, reason, hint, waiting_plans: plans }) => {
      const waits = plans.length === 0 ? '' : ` Waiting for it: ${plans.join(', ')}.`;
      const head = `The forge ${server} of ${project} is down since ${sinceText}: `;
      return h(
        'p',
        { key: project, class: 'notice', role: 'status' },
        glyph('held'),
        timesIn(`${head}${reason}; ${hint}.${waits}`, nowMs),
      );
    });
}

/** The rate limits of each account, and the agents that wait for it. */
function accountsLimited({ accounts }: Fleet, nowMs: number): View[] {
  return accounts.map((account) => {
    const { waiting, since } = account;
    const who = waiting.map(({ project, title }) => `${project}/${title}`).join(', ');
    const waits = waiting.length === 0 ? '' : ` Waiting for it: ${who}.`;
    const text = timesIn(`The ${accountText(account)}.${waits}`, nowMs);
    if (since === null) return h('p', { key: account.account, class: 'quiet' }, text);
    return h('p', { key: account.account, class: 'notice', role: 'status' }, glyph('held'), text);
  });
}

/** The pauses that people have set, since they are easily forgotten. */
function pauses(given: readonly QueuePause[], actions: FleetActions, nowMs: number): View | null {
  const parts = given.filter(({ of }) => of !== 'queue');
  if (parts.length === 0) return null;
  return h(
    'ul',
    { class: 'pauses', 'aria-label': 'Pauses of the queue' },
    parts.map((pause) =>
      h(
        'li',
        { key: [pause.of, pause.project, pause.plan, pause.title].join('/'), class: 'notice' },
        glyph('held'),
        h('span', null, timesIn(pauseText(pause), nowMs)),
        actions.may('steer')
          ? h('button', { class: 'quiet', on: { click: () => actions.switchQueue('resume', pause) } }, 'resume')
          : null,
      ),
    ),
  );
}

export function pauseText({ of, project, plan, title, pending, since }: QueuePause): string {
  const what = of === 'queue' ? 'The queue' : `The queue for ${of} ${title ?? plan ?? project}`;
  const waiting =
    pending === 0 ? 'nobody waits for that' : `${counted(pending, 'agent')} of it ${pending === 1 ? 'waits' : 'wait'}`;
  return `${what} is paused since ${since}: ${waiting}.`;
}

function filters(rows: readonly Row[], repos: readonly RepoEntry[], view: FleetView, actions: FleetActions): View {
  const inGroup = (group: Group | null) => rows.filter((row) => group === null || row.group === group).length;
  const choice = (group: Group | null, text: string) =>
    h(
      'button',
      {
        key: group ?? 'all',
        'aria-pressed': String(view.group === group),
        on: { click: () => actions.show({ group, isWhole: false }) },
      },
      text,
      h('span', { class: 'count' }, String(inGroup(group))),
    );
  return h(
    'div',
    { class: 'filters' },
    h('h2', { id: 'plans-title' }, 'Plans'),
    h(
      'div',
      { class: 'segments', role: 'group', 'aria-label': 'Which plans' },
      choice(null, 'all'),
      groups.map((group) => choice(group, groupWords[group])),
    ),
    h(
      'select',
      {
        'aria-label': 'Repo',
        value: view.project ?? '',
        on: {
          change: (event) => {
            const { value } = event.target as HTMLSelectElement;
            actions.show({ project: value === '' ? null : value, isWhole: false });
          },
        },
      },
      h('option', { value: '' }, 'all repos'),
      repos.map(({ project, state }) =>
        h('option', { key: project, value: project }, state === 'active' ? project : `${project} (${state})`),
      ),
    ),
    h(
      'button',
      {
        class: 'quiet',
        title: 'Puts them in order by what they are now; no row moves by itself',
        on: { click: actions.sort },
      },
      'sort',
    ),
    h('input', {
      type: 'search',
      id: 'filter',
      placeholder: 'Search  /',
      'aria-label': 'Search plans by name, repo, title, goal, topic, state or day',
      value: view.filter,
      on: {
        input: (event) => actions.show({ filter: (event.target as HTMLInputElement).value, isWhole: false }),
      },
    }),
  );
}

function plansTable(rows: readonly Row[], view: FleetView, actions: FleetActions, nowMs: number): View {
  if (rows.length === 0)
    return h(
      'p',
      { class: 'nothing' },
      view.filter === '' && view.group === null
        ? 'No plans yet: write one on the page of its repo, or in a terminal: stator run <plan.md>.'
        : 'No plan fits.',
    );
  const shown = view.isWhole ? rows : rows.slice(0, rowsShown);
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of plans' },
    h(
      'table',
      null,
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          h('th', { scope: 'col', class: 'c-state' }, 'State'),
          h('th', { scope: 'col', class: 'c-plan' }, 'Plan'),
          h('th', { scope: 'col', class: 'c-tasks' }, 'Tasks'),
          h('th', { scope: 'col', class: 'c-why' }, 'Now'),
          h('th', { scope: 'col', class: 'c-tokens num' }, 'Tokens'),
          h('th', { scope: 'col', class: 'c-cost num' }, 'Cost'),
          h('th', { scope: 'col', class: 'c-time' }, 'Changed'),
        ),
      ),
      h(
        'tbody',
        null,
        shown.map((row) => planRow(row, nowMs)),
      ),
    ),
    shown.length < rows.length
      ? h(
          'button',
          { class: 'quiet more', on: { click: () => actions.show({ isWhole: true }) } },
          `show all ${rows.length}`,
        )
      : null,
  );
}

/** Drawn rows with the data that they were drawn from: most of a thousand rows have not changed. */
const made = new WeakMap<PlanEntry, { agents: readonly InstanceEntry[]; shown: string; view: View }>();

function planRow({ plan, agents }: Row, nowMs: number): View {
  // The relative times in the row change every minute.
  const shown = `${timeText(plan.updated_at, nowMs)} ${plan.waiting_for === null ? '' : Math.floor(nowMs / minuteMs)}`;
  const before = made.get(plan);
  if (before !== undefined && before.shown === shown && isSame(before.agents, agents)) return before.view;
  const { usage } = plan;
  const tokens = usage.input_tokens === null ? null : usage.input_tokens + (usage.output_tokens ?? 0);
  const now = nowText(plan, agents);
  const limits = tightestText(plan.budget);
  const view = h(
    'tr',
    { key: nameOf(plan) },
    h('td', { title: planWords(plan) }, stateOf(shapeOf(plan), planWords(plan))),
    h(
      'td',
      { class: 'name', title: plan.goal ?? '' },
      nameLink(planAddress(plan), plan.plan, `${plan.project}/`),
      plan.title === null ? null : h('span', { class: 'plan-name-title dim' }, plan.title),
    ),
    h('td', null, progress(plan)),
    h('td', { class: 'now', title: withLocalTimes(now, nowMs) }, timesIn(now, nowMs)),
    h('td', { class: 'num', 'data-name': tokens === null ? null : 'tokens' }, amount(tokens)),
    h(
      'td',
      { class: 'num', 'data-name': usage.cost_usd === null && limits === '' ? null : 'cost' },
      usage.cost_usd === null && limits !== '' ? null : dollars(usage.cost_usd),
      limits === '' ? null : h('span', { class: 'budget dim', title: budgetText(plan.budget) }, limits),
    ),
    h('td', { class: 'dim', 'data-name': 'changed' }, timeView(plan.updated_at, nowMs)),
  );
  made.set(plan, { agents, shown, view });
  return view;
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

export function progress({ tasks_done: done, tasks, wave, waves }: PlanEntry): View {
  const wavesText = waves > 1 && wave > 0 ? `, wave ${wave}/${waves}` : '';
  return h(
    'span',
    { class: 'progress' },
    h('progress', {
      max: String(Math.max(tasks, 1)),
      value: String(done),
      'aria-label': `${done} of ${counted(tasks, 'task')}`,
    }),
    h('span', null, tasks === 0 ? '–' : `${done}/${tasks}${wavesText}`),
  );
}

function nowText(plan: PlanEntry, agents: readonly InstanceEntry[]): string {
  const need = needOf(plan);
  if (need !== null) return firstOf(need.why);
  const retried = retriedText(plan);
  if (retried !== null) return shortTitles(retried, plan.plan);
  const live = agents.filter((agent) => agent.live);
  if (live.length > 0) return live.map(({ title }) => shortTitle(title, plan.plan)).join(', ');
  if (plan.waiting_for !== null) return shortTitles(firstLineOf(plan.waiting_for), plan.plan);
  if (plan.landing !== null) return words(plan.landing);
  return plan.phase === null ? '' : words(plan.phase);
}
