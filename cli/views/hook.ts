/** Hooks and their deliveries, as a person reads them. */
import { counted } from '../../machines/vocabulary/numbers.ts';
import { clockTime, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type {
  DeliveryEntry,
  DeliveryShow,
  HookEntry,
  HookSwitched,
  HookTested,
} from '../../runtime/api/client/client.ts';
import type { hookOperations } from '../../runtime/api/operations/hook.ts';
import type { View } from '../operation-verb.ts';
import type { Tone } from '../output.ts';
import { plain, plainLines } from '../text.ts';

const hookTones: Readonly<Record<HookEntry['state'], Tone>> = {
  on: 'plain',
  failing: 'attention',
  off: 'bad',
  disabled: 'dim',
};

const hooks: View<HookEntry[]> = {
  list: {
    headings: ['repo', 'hook', 'type', 'target', 'events', 'state', 'pending', 'delivered', 'dead', 'reason'],
    row: (hook) => [
      hook.project,
      hook.hook,
      hook.type,
      hook.target ?? '',
      hook.events.length === 0 ? 'all' : hook.events.join(', '),
      { text: hook.state, tone: hookTones[hook.state] },
      String(hook.pending),
      String(hook.delivered),
      { text: String(hook.dead), tone: hook.dead > 0 ? 'bad' : 'plain' },
      withLocalTimes(hook.reason ?? '', Date.now()),
    ],
    empty: 'no hooks: write them as [[hooks]] into .stator/config.toml; they count once the repo is trusted',
  },
};

const deliveryTones: Readonly<Record<DeliveryEntry['state'], Tone>> = {
  pending: 'attention',
  delivered: 'plain',
  dead: 'bad',
};

const deliveries: View<DeliveryEntry[]> = {
  list: {
    headings: ['id', 'at', 'plan', 'hook', 'event', 'state', 'attempts', 'next', 'status', 'error'],
    row: (entry) => [
      entry.id,
      clockTime(entry.created_at),
      `${entry.project}/${entry.plan}`,
      entry.hook,
      entry.event,
      { text: entry.state, tone: deliveryTones[entry.state] },
      String(entry.attempts),
      entry.next_at === null ? '' : clockTime(entry.next_at),
      entry.last_status === null ? '' : String(entry.last_status),
      entry.last_error ?? '',
    ],
    empty: 'no deliveries',
  },
};

const delivery: View<DeliveryShow> = {
  fields: (entry) => [
    ['delivery', entry.id],
    ['hook', `${entry.hook} of ${entry.project}`],
    ['plan', entry.plan],
    ['event', `${entry.event}, number ${entry.sequence} of this plan to this hook`],
    ['state', entry.state],
    ['attempts', String(entry.attempts)],
    ['next', entry.next_at],
    ['status', entry.last_status === null ? null : String(entry.last_status)],
    ['error', entry.last_error === null ? null : plainLines(entry.last_error)],
    ['created', entry.created_at],
    ['ended', entry.finished_at],
    ['body', plainLines(entry.body)],
    ['output', entry.output === null || entry.output === '' ? null : plainLines(entry.output)],
  ],
};

const redeliver: View<DeliveryEntry[]> = {
  done: (entries) => [`${counted(entries.length, 'delivery').replace(/deliverys$/, 'deliveries')} queued again`],
};

const testHook: View<HookTested> = {
  done({ delivered, status, error, output }) {
    const how = status === null ? '' : ` (${status})`;
    const said = output === null || output.trim() === '' ? [] : [plainLines(output.trimEnd())];
    return [delivered ? `delivered${how}` : `not delivered${how}: ${plain(error ?? '')}`, ...said];
  },
};

const switched: View<HookSwitched> = {
  done({ status, hook, changed, dead }) {
    const left = dead === 0 ? [] : [`${dead} dead: stator hook deliveries --hook ${hook} --state dead`];
    return [`${status}${changed ? '' : ' already'}`, ...left];
  },
};

export default {
  ...{ hooks, deliveries, delivery, redeliver, testHook },
  ...{ enableHook: switched, disableHook: switched },
} satisfies Partial<Record<keyof typeof hookOperations, View<never>>>;
