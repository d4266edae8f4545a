/** Agents and the messages to them, as a person reads them. */
import { onOneLine } from '../../machines/vocabulary/errors.ts';
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';
import type { MessageEntry } from '../../runtime/api/contract/agent-messages.ts';
import type { agentOperations } from '../../runtime/api/operations/agent.ts';
import { instanceHeadings, instanceRow } from '../instance/view.ts';
import { namedAgent } from '../named-agent.ts';
import type { View } from '../operation-verb.ts';
import type { Tone } from '../output.ts';
import { hasUsage } from '../usage-text.ts';

const instances: View<InstanceEntry[]> = {
  list({ project }, entries) {
    const nowMs = Date.now();
    const withUsage = entries.some(({ usage }) => hasUsage(usage));
    const isOfAll = project === undefined;
    return {
      headings: [...(isOfAll ? ['project'] : []), ...instanceHeadings(withUsage)],
      row: (entry) => [...(isOfAll ? [entry.project] : []), ...instanceRow(entry, { nowMs, withUsage })],
      empty: 'no agents',
      isBounded: true,
    };
  },
};

const tones: Readonly<Record<MessageEntry['state'], Tone>> = {
  waiting: 'attention',
  given: 'plain',
  typed: 'attention',
  refused: 'bad',
};

const words: View<MessageEntry[]> = async ({ client, asked: { project, title }, answer }) => {
  if (answer.length === 0 && title !== undefined)
    await namedAgent(client, { project: String(project), title: String(title) });
  return {
    list: {
      headings: ['at', 'to', 'kind', 'by', 'state', 'text'],
      row: ({ at, title: to, kind, author, state, why, text }) => [
        clockTime(at),
        to,
        kind,
        author,
        { text: why === null ? state : `${state}: ${why}`, tone: tones[state] },
        onOneLine(text),
      ],
      empty: 'nothing was said that a plan still keeps',
    },
  };
};

export default { instances, words } satisfies Partial<Record<keyof typeof agentOperations, View<never>>>;
