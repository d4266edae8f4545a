/** Why an attempt did not count, and why a plan is blocked, as people say it. */
import type { InstanceEntry, PlanEntry } from '../runtime/client/client.ts';

type Reason = NonNullable<InstanceEntry['reason']>;

const texts = {
  'exit-code': 'ended with an error',
  timeout: 'took too long',
  idle: 'was silent for too long',
  lost: 'its process vanished',
  killed: 'was killed',
  'no-change': 'changed nothing',
  conflict: 'merge conflict',
  'check-failed': 'its check failed',
  'rate-limited': 'the service takes no more for now',
  'no-verdict': 'gave no verdict',
  needs_decision: 'asked a question',
  'start-failed': 'could not start',
  'merge-failed': 'could not be merged',
} satisfies Record<Reason, string>;

export function reasonText(reason: Reason): string {
  return texts[reason];
}

type BlockSource = NonNullable<PlanEntry['blocked']>['source'];

const blockTexts = {
  agent: 'agent',
  failed: 'failed',
  cycle_limit: 'cycle limit reached',
  review: 'review',
  override: 'override',
  fault: 'fault',
  no_verdict: 'no verdict',
} satisfies Record<BlockSource, string>;

export function blockText(source: BlockSource): string {
  return blockTexts[source];
}
