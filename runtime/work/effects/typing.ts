/** Types what a person typed into the terminal of a run. A run that has ended meanwhile has none. */
import type { AgentType } from '../../../machines/vocabulary/effect.ts';
import { effectKey } from '../../../machines/vocabulary/ids.ts';
import { typedBytes } from '../../../machines/vocabulary/keys.ts';
import type { Handler } from '../../core/outbox/handler.ts';
import { readExit } from '../agents/run-folder.ts';
import { hasInput, typeInto } from '../agents/terminal-input.ts';
import { type EffectParts, readLaunch } from './workplace.ts';

/** Once, however often it is carried out. */
export function createTyping(parts: EffectParts): Handler<AgentType> {
  return async ({ run, typed }, { row }) => {
    const folder = (await readLaunch(parts, effectKey(row.tree, run)))?.folder;
    if (folder === undefined || !hasInput(folder) || readExit(folder) !== null) return { type: null };
    typeInto(folder, { key: row.key, text: typedBytes(typed) });
    return { type: null };
  };
}
