/** Beside the plans: notifications, and the agents at work. */
import { counted, shortList } from '../machines/vocabulary/numbers.ts';
import { isJudged, isQueued } from '../machines/vocabulary/run-state.ts';
import { withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';
import { type Child, h, type View } from './dom.ts';
import { glyph, nameLink, panel, timesIn, timeView } from './elements.ts';
import type { Fleet, FleetActions } from './fleet-model.ts';
import { words } from './format.ts';
import { keepAtEnd } from './keep-at-end.ts';
import { subjectLink } from './machine-view.ts';
import { planAddress, repoAddress } from './needs.ts';
import { agentWords } from './state-words.ts';

const agentsShown = 40;
const notificationsShown = 100;
const titlesShown = 5;
/** Events that happen all the time, so they are not shown among the notifications. */
const everyday: ReadonlySet<string> = new Set(['task_queued', 'task_dequeued', 'task_started']);

export function agentsView({ agents, slots, queue }: Fleet, actions: FleetActions, nowMs: number): View {
  const word = queue?.paused === true ? 'resume' : 'pause';
  const queued = agents.filter(isQueued).map(({ title }) => title);
  const waiting =
    queued.length === 0 ? 'No agent is queued.' : `${queued.length} queued: ${shortList(queued, titlesShown)}`;
  return panel(
    {
      class: 'panel agents',
      heading: 'agents-title',
      title: 'Agents',
      count: agents.length - queued.length,
      more: actions.may('steer')
        ? h('button', { class: 'quiet', on: { click: () => actions.switchQueue(word) } }, `${word} the queue`)
        : null,
    },
    h('p', { class: 'queued dim', title: waiting }, waiting),
    h(
      'ul',
      null,
      slots.slice(0, agentsShown).map(({ agent, isOver }, place) => {
        const { state } = agent;
        return h(
          'li',
          { key: String(place), class: isOver ? 'over' : '' },
          glyph(isOver ? 'cancelled' : state),
          nameLink(`${planAddress(agent)}/${encodeURIComponent(agent.title)}`, agent.title),
          h(
            'span',
            { class: 'dim', title: isOver ? '' : withLocalTimes(agentWords(agent), nowMs) },
            isOver ? 'ended' : stateView(agent, nowMs),
          ),
          h('span', { class: 'said' }, isOver || state === 'waiting' ? '' : (agent.last_line ?? '')),
        );
      }),
    ),
    slots.length > agentsShown ? h('p', { class: 'more dim' }, `and ${slots.length - agentsShown} more`) : null,
  );
}

/** For a waiting agent, when it goes on; else since when it works. */
function stateView(agent: InstanceEntry, nowMs: number): Child[] {
  const words = timesIn(agentWords(agent), nowMs);
  const { waits_until: until, started_at: startedAt } = agent;
  return until !== null || startedAt === null || isJudged(agent)
    ? words
    : [...words, ' ', timeView(startedAt, nowMs, 'for')];
}

/** The repos. Each links to its plans, and to the form for a new plan. */
export function reposView({ repos }: Fleet): View {
  return panel(
    { class: 'panel repos', heading: 'repos-title', title: 'Repos', count: repos.length },
    h(
      'ul',
      null,
      repos.length === 0 ? h('li', { class: 'dim' }, 'None: stator repo add <path>') : null,
      repos.map(({ project, state, reason, host }) =>
        h(
          'li',
          { key: project },
          h('a', { class: 'link', href: repoAddress(project) }, project),
          host === undefined ? null : h('span', { class: 'dim' }, `on ${host}`),
          state === 'active' ? null : h('span', { class: 'dim', title: reason ?? '' }, state),
        ),
      ),
    ),
  );
}

/** The machines that share the store; one that is lost or silent, or drains, says so. Empty if there is only one. */
export function hostsView({ hosts }: Fleet, nowMs: number): View | null {
  const shown = hosts.filter(({ state }) => state !== 'removed');
  if (shown.length < 2) return null;
  return panel(
    { class: 'panel repos', heading: 'hosts-title', title: 'Hosts', count: shown.length },
    h(
      'ul',
      null,
      shown.map(({ name, state: stored, silent, own, seen, labels, repos, agents }) => {
        const state = silent ? 'silent' : stored;
        const since = silent || state === 'lost' ? [`${state}, seen `, timeView(seen, nowMs)] : state;
        return h(
          'li',
          { key: name },
          h('span', { title: labels.join(', ') }, own ? `${name} (this one)` : name),
          state === 'alive' ? null : h('b', null, since),
          h('span', { class: 'dim' }, `${counted(agents, 'agent')}, ${counted(repos.length, 'repo')}`),
        );
      }),
    ),
  );
}

/** The newest is at the end, so that a new line moves no other line. */
export function notificationsView({ notifications }: Fleet, actions: FleetActions, nowMs: number): View {
  const all = notifications.filter(({ type }) => !everyday.has(type));
  return panel(
    {
      class: 'panel notifications',
      heading: 'notifications-title',
      title: 'Notifications',
      count: all.length,
      more: [
        desktopSwitch(actions),
        all.length === 0 || !actions.may('answer')
          ? null
          : h('button', { class: 'quiet', on: { click: actions.readNotifications } }, 'mark as read'),
      ],
    },
    h(
      'ol',
      { tabindex: '0', 'aria-labelledby': 'notifications-title', made: keepAtEnd },
      all.length === 0 ? h('li', { class: 'dim' }, 'No unread notifications.') : null,
      all
        .slice(0, notificationsShown)
        .toReversed()
        .map(({ id, type, project, plan, tree, message, at }) =>
          h(
            'li',
            { key: String(id) },
            h('span', { class: 'dim' }, timeView(at, nowMs)),
            h(
              'span',
              { class: 'said', title: withLocalTimes(message, nowMs) },
              subjectLink({ project, plan, tree }),
              ` ${words(type)}: `,
              timesIn(message, nowMs),
            ),
          ),
        ),
    ),
  );
}

function desktopSwitch({ desktop, turnDesktop }: FleetActions): View | null {
  const state = desktop();
  if (state === 'missing') return null;
  return h(
    'button',
    {
      key: 'desktop',
      class: 'quiet',
      'aria-pressed': String(state === 'on'),
      title: 'A notice of the browser when a plan begins to need you while this page is open and not in view',
      on: { click: () => turnDesktop(state === 'off') },
    },
    'on the desktop',
  );
}
