/** The view of a tree of a user-defined machine: its chart, why it waits, and the signals that it accepts. */
import type { MachineExplanation, MachineTreeEntry } from '../runtime/api/contract/machines.ts';
import { activeStateIds, type ChartValue } from '../runtime/base/charts/active-states.ts';
import { type Child, h, type View } from './dom.ts';
import { panel, stateOf, timesIn, timeView } from './elements.ts';
import { fact, valueText } from './facts.ts';
import { emptyWhenTaken, field, fieldText } from './form.ts';
import { journalView } from './journal-view.ts';
import type { MachineActions, MachineModel } from './machine-model.ts';
import { planAddress } from './needs.ts';
import { notNow } from './not-now.ts';

const treesShown = 100;
const glyphs = { active: 'running', done: 'done', error: 'failed' } as const;

function treeAddress({ machine, id }: { readonly machine: string; readonly id: string }): string {
  return `#/machine/${encodeURIComponent(machine)}/${encodeURIComponent(id)}`;
}

/** A link to the subject of a notification; a repo has no link. `text`: the text of a link to a plan. */
export function subjectLink({ project, plan, tree }: Subject, text = plan): View {
  if (plan !== null && plan !== '') return h('a', { class: 'link', href: planAddress({ project, plan }) }, text);
  return tree === null ? h('span', null, project) : treeLink(tree);
}

interface Subject {
  readonly project: string;
  /** null, or empty: the subject is no plan. */
  readonly plan: string | null;
  /** The tree of a user-defined machine; null: the subject is no tree. */
  readonly tree: string | null;
}

function treeLink(tree: string): View {
  const [machine = '', id = ''] = tree.split(':');
  return h('a', { class: 'link', href: treeAddress({ machine, id }) }, `${machine} ${id}`);
}

/** Trees that have not ended come first. */
export function treesView(trees: readonly MachineTreeEntry[]): View {
  const shown = trees.toSorted((a, b) => Number(a.status !== 'active') - Number(b.status !== 'active'));
  return panel(
    { class: 'panel trees', heading: 'trees-title', title: 'Your machines', count: trees.length },
    h(
      'ul',
      null,
      trees.length === 0 ? h('li', { class: 'dim' }, 'None was started: stator machine start <machine> <id>') : null,
      shown
        .slice(0, treesShown)
        .map((tree) =>
          h(
            'li',
            { key: `${tree.machine}:${tree.id}` },
            h('a', { class: 'link', href: treeAddress(tree) }, `${tree.machine} ${tree.id}`),
            stateOf(glyphs[tree.status], statesOf(tree.value).join(', ')),
            tagsView(tree),
            h('span', { class: 'said' }, viewText(tree.view)),
          ),
        ),
    ),
    shown.length > treesShown ? h('p', { class: 'more dim' }, `and ${shown.length - treesShown} more`) : null,
  );
}

export function machineView(model: MachineModel, actions: MachineActions, nowMs: number): View {
  const { machine, id, explained, journal, at, past } = model;
  const line = journal.find(({ seq }) => seq === at);
  const tree = past ?? model.tree;
  return h(
    'main',
    { class: 'plan machine', id: 'main', tabindex: '-1' },
    h(
      'header',
      { class: 'plan-head' },
      h(
        'div',
        { class: 'plan-title' },
        h('h1', null, `${machine} ${id}`),
        tree === null ? null : stateOf(glyphs[tree.status], statesOf(tree.value).join(', ')),
        tree === null ? null : tagsView(tree),
      ),
      h(
        'dl',
        { class: 'facts' },
        Object.entries(tree?.view ?? {}).map(([name, value]) => fact(name, valueText(value))),
        explained === null ? null : fact('waits for', waitsFor(explained, nowMs)),
        explained === null ? null : fact('set aside', explained.set_aside.map(({ type }) => type).join(', ')),
      ),
    ),
    h(
      'div',
      { class: 'columns' },
      panel(
        {
          class: 'panel chart-panel',
          heading: 'states-title',
          title: 'States',
          count: line === undefined ? null : [`after ${line.event}, `, timeView(line.at, nowMs)],
          more:
            line === undefined
              ? null
              : h('button', { class: 'quiet', on: { click: () => actions.goTo(null) } }, 'back to now'),
        },
        h('div', {
          key: `chart of ${machine} ${id}`,
          class: 'chart-place',
          made: (element) => element.append(actions.chart),
        }),
        tree === null ? null : activeStates(tree.value),
      ),
      h(
        'div',
        { class: 'side' },
        explained === null || !actions.may('steer') ? null : signalsView(explained, model, actions),
        journalView({ journal, at }, actions, nowMs),
      ),
    ),
  );
}

/** The tags that are not names of the shown states. */
function tagsView({ value, tags }: Pick<MachineTreeEntry, 'value' | 'tags'>): View {
  const states = statesOf(value);
  return h('span', { class: 'dim' }, tags.filter((tag) => !states.includes(tag)).join(', '));
}

/** The active states as text. */
function activeStates(value: unknown): View {
  return h(
    'ul',
    { class: 'now-states', 'aria-label': 'Active states' },
    statesOf(value).map((state) => h('li', { key: state, 'data-active': state }, state.replaceAll('.', ' › '))),
  );
}

function waitsFor({ effects, timers, outputs, plans, held }: MachineExplanation, nowMs: number): Child[] | '' {
  const waits = [
    ...effects.map(
      ({ effect, status, tries, paused }) =>
        `${effect}: ${paused ? 'paused' : status}${tries > 1 ? `, try ${tries}` : ''}`,
    ),
    ...timers.map(({ timer, due_at: dueAt }) => `${timer}: due at ${dueAt}`),
    ...outputs.map(({ machine, id }) => `the output of ${machine} ${id}`),
    ...plans.map(({ project, plan }) => `${project}/${plan}`),
    ...held.map(({ type }) => `${type}, which is held`),
  ];
  return waits.length === 0 ? '' : timesIn(waits.join('; '), nowMs);
}

/** The signals that the present states accept. A guard may need a payload, so the refusal of an empty payload is shown beside the button. */
function signalsView({ events }: MachineExplanation, model: MachineModel, actions: MachineActions): View | null {
  const taken = events.filter(({ in_state: isTaken }) => isTaken);
  const others = events.filter(({ in_state: isTaken }) => !isTaken);
  if (events.length === 0) return null;
  const send = (type: string) => (event: Event) => {
    actions.send(type, fieldText(event, 'payload'), emptyWhenTaken(event));
  };
  return panel(
    { class: 'panel events', heading: 'signals-title', title: 'Signals' },
    h(
      'form',
      { on: { submit: (event) => event.preventDefault() }, hidden: taken.length === 0 },
      h(
        'ul',
        null,
        taken.map(({ type, why_not: why }) =>
          h(
            'li',
            { key: type },
            h(
              'button',
              { type: 'button', 'data-event': type, disabled: model.isBusy, on: { click: send(type) } },
              h('code', null, type),
            ),
            h('span', { class: 'dim' }, why ?? ''),
          ),
        ),
      ),
      field('textarea', `signal ${model.machine} ${model.id}`, {
        name: 'payload',
        rows: '1',
        placeholder: '{"reason": "…"}',
        'aria-label': 'Payload that goes with the signal, as JSON',
      }),
    ),
    others.length === 0 ? null : notNow(others),
  );
}

/** The innermost active states. */
export function statesOf(value: unknown): string[] {
  const all = activeStateIds(value as ChartValue); // as XState stores it
  return all.filter((path) => !all.some((other) => other.startsWith(`${path}.`)));
}

function viewText(view: MachineTreeEntry['view']): string {
  return Object.entries(view)
    .map(([name, value]) => [name, valueText(value)] as const)
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${name}: ${text}`)
    .join(', ');
}
