/** `stator notify list`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { clockTime } from '../text.ts';

const needs: ReadonlySet<string> = new Set([
  'plan_blocked',
  'wave_waiting',
  'agent_asks',
  'budget_near',
  'task_error',
  'hook_off',
  'forge_down',
  'account_limited',
]);

export default defineVerb({
  summary: 'What you were told and have not read, over all repos, the newest first.',
  args: { all: { type: 'boolean', description: 'what was read too' } },
  examples: ['stator notify list', 'stator notify list --all --json'],
  async run({ all }, call) {
    const { out, project } = call;
    const entries = await withClient(call, 'read', (client) =>
      client.notifications({ ...(project === undefined ? {} : { project }), all: all === true }),
    );
    out.answer(entries, () =>
      out.table(
        ['at', 'type', 'plan', 'message'],
        entries.map((entry) => [
          clockTime(entry.at),
          { text: entry.type, tone: needs.has(entry.type) && !entry.read ? 'bad' : 'plain' },
          entry.plan === null ? entry.project : `${entry.project}/${entry.plan}`,
          entry.message,
        ]),
        all === true ? 'nothing was told' : 'nothing new: what was read stands in stator notify list --all',
      ),
    );
    return 0;
  },
});
