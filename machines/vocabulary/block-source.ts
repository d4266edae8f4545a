/** What blocks a plan, as programs and as people call it. Lists, notices, the board and the page all use these texts. */
export const blockSources = [
  'agent',
  'failed',
  'cycle_limit',
  'review',
  'override',
  'fault',
  'no_verdict',
  'conflict',
  'budget',
  'choice',
  'lost_work',
] as const;
export type BlockSource = (typeof blockSources)[number];

const texts = {
  agent: 'an agent asks',
  failed: 'a step failed',
  cycle_limit: 'its rounds of fixing are used up',
  review: 'the review asks for changes',
  override: 'its status was set by hand',
  fault: 'a signal could not be handled',
  no_verdict: 'an agent ended without its verdict or signal',
  conflict: 'its branches do not merge',
  budget: 'its budget is used up',
  choice: 'one of its drafts is to be chosen',
  lost_work: 'work was lost from its branch',
} satisfies Record<BlockSource, string>;

export function blockText(source: BlockSource): string {
  return texts[source];
}
