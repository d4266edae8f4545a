/** What a run's prompt is made from beside its brief: the repo's own words, the branch that the plan began from, the whole of a long verdict. */
import { join } from 'node:path';
import type { AgentRun } from '../../machines/effect.ts';
import { composePrompt, type PromptOptions } from '../agents/prompt.ts';
import { wholeVerdict } from '../agents/prompts/feedback.ts';
import type { RunBrief } from '../agents/run-brief.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { baseBranch } from '../git/repository.ts';
import type { Store } from '../store/store.ts';
import type { Site } from './workplace.ts';

type PromptSite = Pick<Site, 'project' | 'repository'>;

/** Throws `bad_config` where the configured base branch does not exist. */
export async function promptOptions(
  store: Pick<Store, 'signals'>,
  { project: { project, path, config }, repository }: PromptSite,
  { plan, run }: { readonly plan: string; readonly run: Pick<AgentRun, 'feedback'> },
): Promise<PromptOptions> {
  return {
    repo: path,
    base: await baseBranch(repository, config.baseBranch),
    selfFixMaxLines: config.policy.readiness_self_fix_max_lines,
    wholeVerdict: wholeVerdict(run.feedback, () => store.signals.list({ project, plan, status: 'done' })),
  };
}

/**
 * Writes the prompt into the run's folder, and `feedback.md` beside it where only a part of that is in the prompt. Throws `bad_config` for a
 * template of the repo that cannot be taken, `agent_unusable`, and what the home throws.
 */
export async function writePrompt(
  store: Pick<Store, 'signals'>,
  site: PromptSite,
  { brief, folder }: { readonly brief: RunBrief; readonly folder: RunFolder },
): Promise<void> {
  const feedbackFile = join(folder.path, 'feedback.md');
  const options = await promptOptions(store, site, brief);
  const { text, wholeFeedback } = composePrompt(brief, { ...options, feedbackFile });
  if (wholeFeedback !== null) writeRunFile(feedbackFile, `${wholeFeedback}\n`);
  writeRunFile(folder.prompt, text);
}
