/** `stator hook list`. */
import type { HookEntry } from '../../runtime/api/client/client.ts';
import type { Tone } from '../colour.ts';
import { defineVerb } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';

const tones: Readonly<Record<HookEntry['state'], Tone>> = {
  on: 'plain',
  failing: 'attention',
  off: 'bad',
  disabled: 'dim',
};

export default defineVerb({
  summary:
    'The hooks in force of this repo, and how their deliveries stand; outside of a repo, and with --all, of every repo.',
  args: { all: { type: 'boolean', description: 'of every repo' } },
  examples: ['stator hook list', 'stator hook list --all --json'],
  async run({ all }, call) {
    const { out } = call;
    const project = all === true ? undefined : (projectHere(call) ?? undefined);
    const hooks = await withClient(call, 'read', (client) => client.hooks(project));
    out.answer(hooks, () =>
      out.table(
        ['repo', 'hook', 'type', 'target', 'events', 'state', 'pending', 'delivered', 'dead', 'reason'],
        hooks.map((hook) => [
          hook.project,
          hook.hook,
          hook.type,
          hook.target ?? '',
          hook.events.length === 0 ? 'all' : hook.events.join(', '),
          { text: hook.state, tone: tones[hook.state] },
          String(hook.pending),
          String(hook.delivered),
          { text: String(hook.dead), tone: hook.dead > 0 ? 'bad' : 'plain' },
          hook.reason ?? '',
        ]),
        'no hooks: they stand as [[hooks]] in .stator/config.toml, and count once the repo is trusted',
      ),
    );
    return 0;
  },
});
