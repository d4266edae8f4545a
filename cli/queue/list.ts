/** `stator queue list`. */
import { reasons } from '../../machines/vocabulary/effect.ts';
import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import type { QueueEntry } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { brief, clockTime, waitDetailText } from '../text.ts';
import { pauseLines, projectFilter } from './part.ts';

export default defineVerb({
  summary:
    'Agents at work, those who wait with what they wait for, and those that have ended, over all repos or that of --project.',
  args: {},
  examples: ['stator queue list', "stator queue list --json | jq '.[].waiting_for.detail'"],
  more:
    'An agent is one line over all its attempts: pending while it waits for a slot, for its next attempt, for a service or for an answer; ' +
    'error only when it has ended so. The position is its place among those who wait for a slot, in the order in which they are served.',
  async run(_args, call) {
    const { out } = call;
    const [entries, { pauses }] = await withClient(call, 'read', (client) =>
      Promise.all([client.queue(projectFilter(call)), client.queueStats()]),
    );
    out.answer(entries, () => [
      ...pauseLines(pauses),
      ...out.table(
        ['position', 'title', 'plan', 'state', 'attempts', 'queued', 'waits for'],
        entries.map((entry) => [
          entry.position === null ? '' : String(entry.position),
          entry.title,
          `${entry.project}/${entry.plan}`,
          { text: entry.state, tone: entry.state === 'error' ? 'bad' : 'plain' },
          String(entry.attempts),
          clockTime(entry.queued_at),
          whyText(entry),
        ]),
        'nobody waits',
      ),
    ]);
    return 0;
  },
});

/** Of who waits for a slot or a pause the list itself says enough. */
function whyText({ position, held_by: held, waiting_for: waits, error }: QueueEntry): string {
  if (held !== null) return `paused (${held})`;
  if (waits === null) return error === null ? '' : errorText(error);
  if (waits.kind === 'slot' && position !== null) return 'a slot';
  return brief(waitDetailText(waits.detail, Date.now()));
}

/** A reason in words; what else went wrong says itself what it is. */
function errorText(error: string): string {
  const reason = reasons.find((known) => known === error);
  return reason === undefined ? brief(error) : reasonText(reason);
}
