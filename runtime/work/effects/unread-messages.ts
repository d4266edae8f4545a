/** What a person typed to a run, when the run has ended: which lines its program has read. The plan keeps the others for the next run. */
import type { EffectContext } from '../../core/outbox/handler.ts';
import { takesMessages, typedMessages } from '../agents/message-input.ts';
import type { RunReport } from '../agents/reports/report.ts';
import type { RunFolder } from '../agents/run-folder.ts';

/**
 * Answers the numbers of the words that were read; called when the exit code is there, so nothing more is typed. A log that was not read says nothing of what
 * was: then all of it is told again. A line of an earlier version has no number, and is sent anew.
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
