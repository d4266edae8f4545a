/** Why a plan is blocked, as people say it. */
import type { PlanEntry } from '../runtime/api/client/client.ts';

type BlockSource = NonNullable<PlanEntry['blocked']>['source'];

const blockTexts = {
  agent: 'agent',
  failed: 'failed',
  cycle_limit: 'cycle limit reached',
  review: 'review',
  override: 'override',
  fault: 'fault',
  no_verdict: 'no verdict',
  conflict: 'conflict',
  budget: 'budget used up',
  choice: 'drafts to choose from',
  lost_work: 'work was lost from its branch',
} satisfies Record<BlockSource, string>;

export function blockText(source: BlockSource): string {
  return blockTexts[source];
}
