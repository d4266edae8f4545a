/** `stator hook redeliver`. */
import type { DeliveryEntry } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { counted } from '../text.ts';

export default defineVerb({
  summary: 'Deliver again, under the same ids and with all tries: what is dead, or was delivered.',
  args: { id: { type: 'positional', description: 'one or more, as stator hook deliveries lists them' } },
  examples: ['stator hook redeliver msg_01k2x3y4z5abcdefghjkmnpqrs'],
  more: 'A receiver that keeps the ids it has seen takes none of them twice. The engine sends them; without one they wait for it.',
  mayRepeat: true,
  async run(_args, call, ids) {
    const { out } = call;
    const entries = await withClient(call, 'write', async (client) => {
      const queued: DeliveryEntry[] = [];
      // In the order as typed; the first that is refused ends it.
      for (const id of new Set(ids)) queued.push(await client.redeliver(id));
      return queued;
    });
    if (out.json) out.print(JSON.stringify(entries));
    else out.say(`${counted(entries.length, 'delivery').replace(/deliverys$/, 'deliveries')} queued again`);
    return 0;
  },
});
