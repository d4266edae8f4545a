/** Types what a person typed to a run: into its terminal, or as a message for its program. What a run that has ended does not get, the plan keeps for the next one. */
import type { AgentType } from '../../../machines/vocabulary/effect.ts';
import { effectKey } from '../../../machines/vocabulary/ids.ts';
import { typedBytes } from '../../../machines/vocabulary/keys.ts';
import type { EffectContext, Handler } from '../../core/outbox/handler.ts';
import { messageId, takesMessages, typedMessages } from '../agents/message-input.ts';
import { messageLine } from '../agents/relay/message-line.ts';
import { type RunFolder, readExit } from '../agents/run-folder.ts';
import { hasInput, typeInto } from '../agents/terminal-input.ts';
import { type EffectParts, readLaunch } from './workplace.ts';

/** Once, however often it is carried out. */
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

/** In one turn with the look whether the run has ended: what is written after that is looked for by nobody. */
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
