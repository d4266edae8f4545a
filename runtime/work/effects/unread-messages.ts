/** At a run's end, finds which of a person's lines its program has read. The plan stores the others for the next run. */
import type { EffectContext } from '../../core/outbox/handler.ts';
import { takesMessages, typedMessages } from '../agents/message-input.ts';
import type { RunReport } from '../agents/reports/report.ts';
import type { RunFolder } from '../agents/run-folder.ts';

/**
 * Returns the numbers of the messages that were read. Call it when the exit code is there, so that no more input follows. If the log could not be read, all
 * messages are sent again. A line of an earlier version has no number, and is sent again.
 */
export function passUnread(
  { sendSignal }: Pick<EffectContext, 'sendSignal'>,
  { title, folder, report }: { readonly title: string; readonly folder: RunFolder; readonly report: RunReport | null },
): number[] {
  if (!takesMessages(folder)) return [];
  const read = new Set(report?.readMessages);
  const typed = typedMessages(folder);
  for (const { id, text, word } of typed)
    if (word === undefined && !read.has(id)) sendSignal(`unread:${id}`, 'agent_send', { title, body: text });
  return typed.flatMap(({ id, word }) => (word !== undefined && read.has(id) ? [word] : []));
}
