/** Sends a person's input to a run: into its terminal, or as a message to its program. If the run has ended, the plan stores the input for the next run. */
import type { AgentType } from '../../../machines/vocabulary/effect.ts';
import { effectKey } from '../../../machines/vocabulary/ids.ts';
import { typedBytes } from '../../../machines/vocabulary/keys.ts';
import type { EffectContext, Handler } from '../../core/outbox/handler.ts';
import { messageId, takesMessages, typedMessages } from '../agents/message-input.ts';
import { messageLine } from '../agents/relay/message-line.ts';
import { type RunFolder, readExit } from '../agents/run-folder.ts';
import { hasInput, typeInto } from '../agents/terminal-input.ts';
import { type EffectParts, readLaunch } from './workplace.ts';

/** The input is sent once, even if the effect runs again. */
export function createTyping(parts: EffectParts): Handler<AgentType> {
  return async ({ run, typed, word }, { row, sendSignal }) => {
    const key = effectKey(row.tree, run);
    const folder = (await readLaunch(parts, key))?.folder;
    if (folder === undefined || !hasInput(folder)) return { type: null };
    if (takesMessages(folder)) {
      const title = (await parts.store.run(key))?.title ?? null;
      if ('text' in typed && title !== null) sayTo(folder, { title, text: typed.text, word }, { row, sendSignal });
    } else if (readExit(folder) === null) typeInto(folder, { key: row.key, text: typedBytes(typed) });
    return { type: null };
  };
}

/** In the same turn as the check whether the run has ended: later input would not be read by anything. */
function sayTo(
  folder: RunFolder,
  { title, text, word }: { readonly title: string; readonly text: string; readonly word: number | undefined },
  { row, sendSignal }: Pick<EffectContext, 'row' | 'sendSignal'>,
): void {
  const id = messageId(row.key);
  if (typedMessages(folder).some((message) => message.id === id)) return;
  if (readExit(folder) === null)
    typeInto(folder, { key: row.key, text: messageLine({ id, text, ...(word === undefined ? {} : { word }) }) });
  else if (word === undefined) sendSignal('late', 'agent_send', { title, body: text });
}
