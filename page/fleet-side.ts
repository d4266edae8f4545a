/** Beside the plans: who works, and what people were told. */
import type { InstanceEntry } from '../runtime/contract/runs.ts';
import { h, type View } from './dom.ts';
import type { Fleet, FleetActions } from './fleet-model.ts';
import { age, duration, plain, words } from './format.ts';
import { glyph } from './glyph.ts';
import { planAddress } from './needs.ts';

const agentsShown = 40;
const notificationsShown = 20;

export function fleetSide(fleet: Fleet, actions: FleetActions, nowMs: number): View {
  return h('div', { class: 'side' }, atWork(fleet.agents, nowMs), notifications(fleet, actions, nowMs));
}

/** Who has a process stands before who waits for one. */
function atWork(agents: readonly InstanceEntry[], nowMs: number): View {
  const rank = ({ started_at: startedAt, state }: InstanceEntry) =>
    state === 'queued' || state === 'backing_off' || startedAt === null ? 1 : 0;
  const order = agents.toSorted((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
  return h(
    'section',
    { class: 'panel agents', 'aria-labelledby': 'agents-title' },
    h('h2', { id: 'agents-title' }, 'Agents', h('span', { class: 'count' }, String(agents.length))),
    agents.length === 0 ? h('p', { class: 'nothing' }, 'None is at work.') : null,
    h(
      'ul',
      null,
      order.slice(0, agentsShown).map((agent) => {
        const { state, started_at: startedAt } = agent;
        const time = startedAt === null || state === 'queued' ? '' : duration(nowMs - Date.parse(startedAt));
        return h(
          'li',
          { key: agent.id },
          glyph(state),
          h('a', { href: `${planAddress(agent)}/${encodeURIComponent(agent.title)}` }, agent.title),
          h('span', { class: 'dim' }, `${words(state)} ${time}`),
          h('span', { class: 'said' }, plain(state === 'queued' ? 'not started yet' : (agent.last_line ?? ''))),
        );
      }),
    ),
    agents.length > agentsShown ? h('p', { class: 'more dim' }, `and ${agents.length - agentsShown} more`) : null,
  );
}

function notifications({ notifications: all }: Fleet, actions: FleetActions, nowMs: number): View {
  return h(
    'section',
    { class: 'panel notifications', 'aria-labelledby': 'told-title' },
    h(
      'h2',
      { id: 'told-title' },
      'Notifications',
      h('span', { class: 'count' }, String(all.length)),
      all.length === 0
        ? null
        : h('button', { class: 'quiet', on: { click: actions.readNotifications } }, 'mark as read'),
    ),
    all.length === 0 ? h('p', { class: 'nothing' }, 'None that nobody has read.') : null,
    h(
      'ol',
      null,
      all
        .slice(0, notificationsShown)
        .map(({ id, type, project, plan, message, at }) =>
          h(
            'li',
            { key: String(id) },
            plan === null ? h('span', null, project) : h('a', { href: planAddress({ project, plan }) }, plan),
            h('span', { class: 'dim' }, age(at, nowMs)),
            h('span', { class: 'said', title: plain(message) }, `${words(type)}: ${plain(message)}`),
          ),
        ),
    ),
    all.length > notificationsShown
      ? h('p', { class: 'more dim' }, `and ${all.length - notificationsShown} more: stator notify list`)
      : null,
  );
}
