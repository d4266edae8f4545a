/** `stator notify`: what a person was told. */
import { clockTime } from '../machines/vocabulary/time-text.ts';
import { defineVerb, type Verbs } from './command.ts';
import { withClient } from './session.ts';

const needs: ReadonlySet<string> = new Set([
  'plan_blocked',
  'wave_waiting',
  'agent_asks',
  'budget_near',
  'task_error',
  'word_refused',
  'hook_off',
  'forge_down',
  'account_limited',
  'machine_notice',
]);

const list = defineVerb({
  summary: 'List unread notifications of all repos, newest first.',
  args: { all: { type: 'boolean', description: 'also list read notifications' } },
  examples: ['stator notify list', 'stator notify list --all --json'],
  async run({ all }, call) {
    const { out, project } = call;
    const entries = await withClient(call, 'read', (client) =>
      client.notifications({ ...(project === undefined ? {} : { project }), all: all === true }),
    );
    out.list(entries, {
      headings: ['at', 'type', 'of', 'message'],
      row: (entry) => [
        clockTime(entry.at),
        { text: entry.type, tone: needs.has(entry.type) && !entry.read ? 'bad' : 'plain' },
        entry.tree ?? (entry.plan === null ? entry.project : `${entry.project}/${entry.plan}`),
        entry.message,
      ],
      empty: all === true ? 'nothing was told' : 'nothing new: what was read stands in stator notify list --all',
    });
  },
});

const clear = defineVerb({
  summary: 'Mark all notifications as read; `stator notify list --all` still lists them.',
  args: {},
  examples: ['stator notify clear'],
  async run(_args, call) {
    const { out } = call;
    const answer = await withClient(call, 'write', (client) => client.readNotifications());
    out.done(answer, `read: ${answer.read} ${answer.read === 1 ? 'notification' : 'notifications'}`);
  },
});

export default { list, clear } satisfies Verbs;
