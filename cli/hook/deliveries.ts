/** `stator hook deliveries`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { DeliveryEntry } from '../../runtime/api/client/client.ts';
import type { Tone } from '../colour.ts';
import { defineVerb } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { clockTime } from '../text.ts';

const states = ['pending', 'delivered', 'dead'] as const;
const tones: Readonly<Record<DeliveryEntry['state'], Tone>> = { pending: 'attention', delivered: 'plain', dead: 'bad' };

export default defineVerb({
  summary: 'What the hooks of this repo were told, the newest first; outside of a repo, and with --all, of every repo.',
  args: {
    hook: { type: 'string', valueHint: 'name', description: 'of one hook only' },
    plan: { type: 'string', valueHint: 'plan', description: 'of one plan only' },
    state: { type: 'string', valueHint: 'state', description: 'pending, delivered or dead' },
    all: { type: 'boolean', description: 'of every repo' },
  },
  examples: ['stator hook deliveries --state dead', 'stator hook deliveries --hook deploy --plan login --json'],
  more: 'At most 1,000. What is dead is kept: see why with stator hook show, send it again with stator hook redeliver.',
  async run({ hook, plan, state, all }, call) {
    const { out } = call;
    if (state !== undefined && !states.some((each) => each === state))
      throw new EngineError('usage', `"${state}" is no state of a delivery`, `write one of ${states.join(', ')}`);
    const project = all === true ? null : projectHere(call);
    const filter = {
      ...(project === null ? {} : { project }),
      ...(hook === undefined ? {} : { hook }),
      ...(plan === undefined ? {} : { plan }),
      ...(state === undefined ? {} : { state }),
    };
    const entries = await withClient(call, 'read', (client) => client.deliveries(filter));
    out.answer(entries, () =>
      out.table(
        ['id', 'at', 'plan', 'hook', 'event', 'state', 'attempts', 'next', 'status', 'error'],
        entries.map((entry) => [
          entry.id,
          clockTime(entry.created_at),
          `${entry.project}/${entry.plan}`,
          entry.hook,
          entry.event,
          { text: entry.state, tone: tones[entry.state] },
          String(entry.attempts),
          entry.next_at === null ? '' : clockTime(entry.next_at),
          entry.last_status === null ? '' : String(entry.last_status),
          entry.last_error ?? '',
        ]),
        'nothing was told to any hook',
      ),
    );
    return 0;
  },
});
