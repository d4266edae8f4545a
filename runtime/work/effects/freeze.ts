/** Freezes the processes of a run, and thaws them. A run that has ended meanwhile has nothing to freeze. */
import type { AgentFreeze } from '../../../machines/vocabulary/effect.ts';
import { effectKey } from '../../../machines/vocabulary/ids.ts';
import type { Handler } from '../../core/outbox/handler.ts';
import { runIdOf } from '../agents/run-id.ts';
import { freezeTree, thawTree } from '../agents/stopping.ts';
import { type EffectParts, readLaunch } from './workplace.ts';

export function createFreeze(parts: EffectParts): Handler<AgentFreeze> {
  return async (effect, { row }) => {
    const key = effectKey(row.tree, effect.run);
    const folder = (await readLaunch(parts, key))?.folder;
    if (folder === undefined) return { type: null };
    const runId = runIdOf(parts.home, key);
    if (effect.kind === 'agent.freeze') await freezeTree(folder, runId);
    else thawTree(folder, runId);
    return { type: null };
  };
}
