/** All plans at a glance: whose turn it is, who works, who waits, what it took. */
import type { PlanEntry } from '../runtime/contract/plans.ts';
import type { RepoEntry } from '../runtime/contract/repos.ts';
import type { InstanceEntry, QueueStats } from '../runtime/contract/runs.ts';
import { h, type View } from './dom.ts';
import { amount, counted, dollars, plain, since, words } from './format.ts';
import { glyph, stateOf } from './glyph.ts';

export interface Fleet {
  readonly plans: readonly PlanEntry[];
  readonly agents: readonly InstanceEntry[];
  readonly queue: QueueStats | null;
  readonly repos: readonly RepoEntry[];
  readonly warnings: readonly string[];
}

export interface FleetView {
  /** Of the names and topics. */
  readonly filter: string;
  readonly project: string | null;
  readonly group: Group | null;
  readonly isWhole: boolean;
}

export interface FleetActions {
  show(change: Partial<FleetView>): void;
  switchQueue(word: 'pause' | 'resume'): void;
}

/** Rows that are drawn before somebody asks for all. */
const rowsShown = 200;
const agentsShown = 40;

const groups = ['asks', 'works', 'waits', 'ready', 'done', 'cancelled'] as const;
export type Group = (typeof groups)[number];
const groupWords: Readonly<Record<Group, string>> = {
  asks: 'needs you',
  works: 'at work',
  waits: 'waits',
  ready: 'ready',
  done: 'done',
  cancelled: 'cancelled',
};

/** Why a plan needs a person; null: it does not. */
export function needOf(plan: PlanEntry, agents: readonly InstanceEntry[]): { why: string; since: string } | null {
  if (plan.blocked !== null) return { why: plan.blocked.reason, since: plan.blocked.at };
  if (plan.phase === 'wave_waiting')
    return { why: plan.waiting_for?.detail ?? 'its wave is over, and not all of it is done', since: plan.updated_at };
  // Who waits with a process waits for a permission.
  const asking = agents.find(({ state, reason }) => state === 'waiting' && reason !== 'rate-limited');
  return asking === undefined
    ? null
    : { why: `${asking.title} asks for a permission`, since: asking.last_activity_at ?? plan.updated_at };
}

function groupOf(plan: PlanEntry, agents: readonly InstanceEntry[]): Group {
  if (needOf(plan, agents) !== null) return 'asks';
  if (plan.status === 'ready' || plan.status === 'done' || plan.status === 'cancelled') return plan.status;
  return plan.waiting_for === null || agents.some(({ state }) => state === 'running') ? 'works' : 'waits';
}

function nameOf({ project, plan }: { readonly project: string; readonly plan: string }): string {
  return `${project}/${plan}`;
}

export function planAddress({ project, plan }: { readonly project: string; readonly plan: string }): string {
  return `#/plan/${encodeURIComponent(project)}/${encodeURIComponent(plan)}`;
}

interface Row {
  readonly plan: PlanEntry;
  readonly agents: readonly InstanceEntry[];
  readonly group: Group;
}

/** The order is that of the names, so that no row moves but where its group changes. */
function rowsOf({ plans, agents }: Pick<Fleet, 'plans' | 'agents'>): Row[] {
  const byPlan = new Map<string, InstanceEntry[]>();
  for (const agent of agents) byPlan.set(nameOf(agent), [...(byPlan.get(nameOf(agent)) ?? []), agent]);
  const rows = plans.map((plan): Row => {
    const own = byPlan.get(nameOf(plan)) ?? [];
    return { plan, agents: own, group: groupOf(plan, own) };
  });
  const rank = (row: Row) => groups.indexOf(row.group);
  return rows.sort((a, b) => rank(a) - rank(b) || nameOf(a.plan).localeCompare(nameOf(b.plan)));
}

export function fleetView(fleet: Fleet, view: FleetView, actions: FleetActions, nowMs: number): View {
  const rows = rowsOf(fleet);
  const inProject = rows.filter(({ plan }) => view.project === null || plan.project === view.project);
  const shown = inProject.filter((row) => isWanted(row, view));
  return h(
    'main',
    { class: 'fleet', id: 'main', tabindex: '-1' },
    h('h1', { class: 'hidden' }, 'Fleet'),
    numbers(fleet, rows, actions),
    fleet.warnings.map((warning) => h('p', { class: 'notice' }, plain(warning))),
    needs(rows, nowMs),
    h(
      'div',
      { class: 'columns' },
      h(
        'section',
        { class: 'panel plans', 'aria-labelledby': 'plans-title' },
        filters(inProject, fleet.repos, view, actions),
        plansTable(shown, view, actions, nowMs),
      ),
      atWork(fleet.agents, nowMs),
    ),
  );
}

function isWanted({ plan, group }: Row, { filter, group: only }: FleetView): boolean {
  const text = filter.trim().toLowerCase();
  return (
    (only === null || only === group) &&
    (text === '' || `${nameOf(plan)} ${plan.topic ?? ''}`.toLowerCase().includes(text))
  );
}

function numbers({ repos, queue, plans, agents }: Fleet, rows: readonly Row[], actions: FleetActions): View {
  const sum = (of: (plan: PlanEntry) => number | null) => {
    const said = plans.map(of).filter((value) => value !== null);
    return said.length === 0 ? null : said.reduce((all, value) => all + value, 0);
  };
  const [input, output] = [sum(({ usage }) => usage.input_tokens), sum(({ usage }) => usage.output_tokens)];
  const inGroup = (group: Group) => rows.filter((row) => row.group === group).length;
  const cell = (name: string, value: string, more: string, extra: View | null = null, tone = '') =>
    h(
      'div',
      { class: `number ${tone}` },
      h('dt', null, name),
      h('dd', null, h('b', null, value), h('span', null, more), extra),
    );
  const asks = inGroup('asks');
  const bad = repos.filter(({ state }) => state === 'degraded').length;
  const paused = queue?.paused === true;
  const word = paused ? 'resume' : 'pause';
  return h(
    'dl',
    { class: 'numbers' },
    cell('Needs you', String(asks), asks === 0 ? 'nothing' : counted(asks, 'plan'), null, asks > 0 ? 'asks' : ''),
    cell('At work', String(inGroup('works')), `of ${counted(plans.length, 'plan')}`),
    cell('Agents', `${queue?.running ?? 0} / ${queue?.max_agents ?? 0}`, `${agents.length} live`),
    cell(
      'Queue',
      String(queue?.pending ?? 0),
      paused ? 'paused' : 'waiting',
      h('button', { class: 'quiet', on: { click: () => actions.switchQueue(word) } }, word),
      paused ? 'asks' : '',
    ),
    cell('Repos', String(repos.length), bad === 0 ? 'all well' : `${bad} degraded`, null, bad === 0 ? '' : 'asks'),
    cell('Tokens in', amount(input), input === null ? 'nobody said' : `${amount(output)} out`),
    cell('Cost', dollars(sum(({ usage }) => usage.cost_usd)), 'all plans'),
  );
}

function needs(rows: readonly Row[], nowMs: number): View | null {
  const asking = rows.filter(({ group }) => group === 'asks');
  if (asking.length === 0) return null;
  return h(
    'section',
    { class: 'panel needs', 'aria-labelledby': 'needs-title' },
    h('h2', { id: 'needs-title' }, 'Needs you', h('span', { class: 'count' }, String(asking.length))),
    h(
      'ul',
      null,
      asking.slice(0, 20).map(({ plan, agents }) => {
        const need = needOf(plan, agents);
        return h(
          'li',
          { key: nameOf(plan) },
          glyph('asks'),
          h('a', { href: planAddress(plan) }, h('span', { class: 'dim' }, `${plan.project}/`), plan.plan),
          h('span', { class: 'why' }, plain(need?.why.split('\n')[0] ?? '')),
          h('span', { class: 'dim time' }, since(need?.since ?? null, nowMs)),
        );
      }),
    ),
    asking.length > 20 ? h('p', { class: 'more dim' }, `and ${asking.length - 20} more below`) : null,
  );
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
    h('input', {
      type: 'search',
      id: 'filter',
      placeholder: 'Filter  /',
      'aria-label': 'Filter plans by name or topic',
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
      view.filter === '' && view.group === null ? 'No plans yet: stator run <plan.md> runs one.' : 'No plan fits.',
    );
  const shown = view.isWhole ? rows : rows.slice(0, rowsShown);
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Plans' },
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
          h('th', { scope: 'col', class: 'c-time num' }, 'Since'),
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

/** What a row was made of, and the row: most of a thousand are as they were. */
const made = new WeakMap<PlanEntry, { agents: readonly InstanceEntry[]; age: string; view: View }>();

function planRow({ plan, agents, group }: Row, nowMs: number): View {
  const age = since(plan.updated_at, nowMs);
  const before = made.get(plan);
  if (before !== undefined && before.age === age && isSame(before.agents, agents)) return before.view;
  const { usage } = plan;
  const tokens = usage.input_tokens === null ? null : usage.input_tokens + (usage.output_tokens ?? 0);
  const view = h(
    'tr',
    { key: nameOf(plan), class: group },
    h('td', null, group === 'asks' ? stateOf('asks', plan.status) : stateOf(plan.paused ? 'paused' : plan.status)),
    h(
      'td',
      { class: 'name' },
      h('a', { href: planAddress(plan) }, h('span', { class: 'dim' }, `${plan.project}/`), plan.plan),
    ),
    h('td', null, progress(plan)),
    h('td', { class: 'now' }, nowText(plan, agents)),
    h('td', { class: 'num' }, amount(tokens)),
    h('td', { class: 'num' }, dollars(usage.cost_usd)),
    h('td', { class: 'num dim' }, age),
  );
  made.set(plan, { agents, age, view });
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
    h('progress', { max: String(Math.max(tasks, 1)), value: String(done), 'aria-label': `${done} of ${tasks} tasks` }),
    h('span', null, tasks === 0 ? '–' : `${done}/${tasks}${wavesText}`),
  );
}

function nowText(plan: PlanEntry, agents: readonly InstanceEntry[]): string {
  if (plan.waiting_for !== null) return plain(plan.waiting_for.detail.split('\n')[0] ?? '');
  const running = agents.filter(({ state }) => state === 'running');
  if (running.length > 0) return running.map(({ title }) => shortTitle(title, plan.plan)).join(', ');
  return plan.phase === null ? '' : words(plan.phase);
}

/** `w1-t2` of `login-w1-t2`: the plan's name stands beside it. */
export function shortTitle(title: string, plan: string): string {
  return title.startsWith(`${plan}-`) ? title.slice(plan.length + 1) : title;
}

function atWork(agents: readonly InstanceEntry[], nowMs: number): View {
  const order = agents.toSorted((a, b) => a.id.localeCompare(b.id));
  return h(
    'section',
    { class: 'panel agents', 'aria-labelledby': 'agents-title' },
    h('h2', { id: 'agents-title' }, 'Agents', h('span', { class: 'count' }, String(agents.length))),
    agents.length === 0 ? h('p', { class: 'nothing' }, 'None is at work.') : null,
    h(
      'ul',
      null,
      order
        .slice(0, agentsShown)
        .map((agent) =>
          h(
            'li',
            { key: agent.id },
            glyph(agent.state),
            h('a', { href: `${planAddress(agent)}/${encodeURIComponent(agent.title)}` }, agent.title),
            h('span', { class: 'dim' }, `${words(agent.state)} ${since(agent.started_at, nowMs)}`),
            h('span', { class: 'said' }, plain(agent.last_line ?? '')),
          ),
        ),
    ),
    agents.length > agentsShown ? h('p', { class: 'more dim' }, `and ${agents.length - agentsShown} more`) : null,
  );
}
