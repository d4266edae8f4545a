/** The queue for slots, as a person reads it. */

import { reasons } from '../../machines/vocabulary/effect.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import { clockTime, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { QueueCleared, QueueEntry, QueueStats, QueueSwitched } from '../../runtime/api/client/client.ts';
import type { queueOperations } from '../../runtime/api/operations/queue.ts';
import type { View } from '../operation-verb.ts';
import { impliedProject } from '../place.ts';
import { partText, pauseLines, resumeText, waitText } from '../queue/part.ts';
import { brief, withProject } from '../text.ts';

/** The most ended agents in an answer; there may be earlier ones, which are left out. */
const endedMost = 500;

function cutLines(ended: number, done: 'listed' | 'counted'): string[] {
  return ended < endedMost ? [] : [`of those that have ended, at most the last ${endedMost} are ${done}`];
}

const headings = ['position', 'title', 'project', 'state', 'attempts', 'queued', 'waits for'];

const queue: View<QueueEntry[]> = async ({ client, call }) => {
  const { pauses } = await client.queueStats();
  return {
    lines: (entries, out) => [
      ...pauseLines(pauses),
      ...out.table(
        headings,
        entries.map((entry) => [
          entry.position === null ? '' : String(entry.position),
          entry.title,
          entry.project,
          { text: entry.state, tone: entry.state === 'error' ? 'bad' : 'plain' },
          String(entry.attempts),
          clockTime(entry.queued_at),
          withProject(whyText(entry), entry.project, impliedProject(call)),
        ]),
        'nobody waits',
      ),
      ...cutLines(entries.filter(({ state }) => state === 'completed' || state === 'error').length, 'listed'),
    ],
  };
};

/** For an agent that waits for a slot or a pause, the list itself says enough. */
function whyText({ position, held_by: held, waiting_for: waits, error }: QueueEntry): string {
  if (held !== null) return `paused (${held})`;
  if (waits === null) return error === null ? '' : errorText(error);
  if ((waits.kind === 'slot' || waits.kind === 'engine') && position !== null) return 'a slot';
  return brief(withLocalTimes(waits.detail, Date.now()));
}

/** The text for a reason; every other error is its own text. */
function errorText(error: string): string {
  const reason = reasons.find((known) => known === error);
  return reason === undefined ? brief(error) : reasonText(reason);
}

const queueStats: View<QueueStats> = {
  lines: ({ pending, notified, completed, error, total, running, max_agents: most, paused, pauses }) => [
    `${running} of ${counted(most, 'agent')} busy${paused ? '; paused, so no more start: stator queue resume' : ''}`,
    `pending ${pending}, running ${notified}, completed ${completed}, error ${error}, in all ${total}`,
    ...cutLines(completed + error, 'counted'),
    ...pauseLines(pauses),
  ],
};

const pauseQueue: View<QueueSwitched> = {
  lines: (answer) => [
    `paused${answer.changed ? '' : ' already'}${ofPart(answer)}: ${waitText(answer.pending)}; go on with: ${resumeText(answer)}`,
  ],
};

const resumeQueue: View<QueueSwitched> = {
  lines(answer) {
    const what = ofPart(answer);
    const text = answer.changed ? `resumed${what}` : `${what === '' ? 'it' : partText(answer)} was not paused`;
    return [`${text}: ${waitText(answer.pending)}`, ...pauseLines(answer.pauses).map((line) => `still ${line}`)];
  },
};

/** The name of the part; empty for the whole queue. */
function ofPart(answer: QueueSwitched): string {
  return answer.of === 'queue' ? '' : ` ${partText(answer)}`;
}

const clearQueue: View<QueueCleared> = {
  done: ({ cleared }) => [`cleared ${cleared} ended ${cleared === 1 ? 'agent' : 'agents'}`],
};

export default { queue, queueStats, pauseQueue, resumeQueue, clearQueue } satisfies Record<
  keyof typeof queueOperations,
  View<never>
>;
