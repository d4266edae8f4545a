/** Freezes the processes of a run, and lets them go on; a run that has ended meanwhile has nothing to freeze. */
import type { AgentFreeze } from '../../machines/effect.ts';
import { effectKey } from '../../machines/ids.ts';
import { runIdOf } from '../agents/run-id.ts';
import { freezeTree, thawTree } from '../agents/stopping.ts';
import type { Handler } from './handler.ts';
import { type EffectParts, folderOf } from './workplace.ts';

export function createFreeze(parts: EffectParts): Handler<AgentFreeze> {
  return async (effect, { row }) => {
    const folder = folderOf(parts, row, effect.run);
    const runId = runIdOf(parts.home, effectKey(row.tree, effect.run));
    if (effect.kind === 'agent.freeze') await freezeTree(folder, runId);
    else thawTree(folder, runId);
    return { type: null };
  };
}
