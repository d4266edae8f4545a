/** What people or the forge have changed in a stack since it was brought there. Pure. */
import type { StackLayer } from '../../../machines/vocabulary/plan-pull.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { PullRequest } from './forge.ts';

/**
 * A name for the change that is the same as long as nothing else changes; null: all is as the plan has it. A stack of a done plan without an open request is over,
 * and the plan does not know that yet.
 */
export function stackChange(
  stack: readonly StackLayer[],
  foundOf: (layer: StackLayer) => Pick<PullRequest, 'state' | 'headCommit' | 'base'> | null,
  isDone: boolean,
): string | null {
  const lines = stack.map((layer) => {
    const found = layer.state === 'merged' ? null : foundOf(layer);
    const known = `${layer.state} ${layer.head} ${layer.base}`;
    return { known, now: found === null ? known : `${found.state} ${found.headCommit} ${found.base}` };
  });
  const isOver = isDone && stack.every(({ state }) => state !== 'open');
  if (!isOver && lines.every(({ known, now }) => known === now)) return null;
  return textDigest(JSON.stringify([isOver, lines])).slice(0, 32);
}
