/** What a person typed to a run and its program has not read when it ends: it becomes a message for the next run. */
import type { EffectContext } from '../../core/outbox/handler.ts';
import { takesMessages, typedMessages } from '../agents/message-input.ts';
import type { RunReport } from '../agents/reports/report.ts';
import type { RunFolder } from '../agents/run-folder.ts';

/** Called when the exit code is there, so nothing more is typed. A log that was not read says nothing of what was: then all of it is sent again. */
export function passUnread(
  { sendSignal }: Pick<EffectContext, 'sendSignal'>,
  { title, folder, report }: { readonly title: string; readonly folder: RunFolder; readonly report: RunReport | null },
): void {
  if (!takesMessages(folder)) return;
  const read = new Set(report?.readMessages);
  for (const { id, text } of typedMessages(folder))
    if (!read.has(id)) sendSignal(`unread:${id}`, 'agent_send', { title, body: text });
}
