/** Builds a run's prompt from its brief, the repo's own template, the plan's base branch, and the full text of a long verdict. */
import { join } from 'node:path';
import type { PlanContext } from '../../../machines/plan/context.ts';
import { finishedDrafts } from '../../../machines/plan/drafts.ts';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import { composePrompt, type PromptOptions } from '../agents/prompt.ts';
import { wholeVerdict } from '../agents/prompts/feedback.ts';
import type { RunBrief } from '../agents/run-brief.ts';
import { type RunFolder, writeStartFile } from '../agents/run-folder.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { baseBranch } from '../git/repository.ts';
import { type EarlierWorkParts, earlierWork } from './earlier-work.ts';
import type { Site } from './workplace.ts';

export interface PromptParts extends EarlierWorkParts {
  readonly store: EarlierWorkParts['store'] & Pick<Store, 'plan' | 'signals' | 'notes'>;
}

type PromptSite = Pick<Site, 'project' | 'repository'>;

/** The drafts for a run that chooses one, from the plan's tree. */
export async function draftsFor(
  store: Pick<Store, 'tree'>,
  { project, plan }: { readonly project: string; readonly plan: string },
  run: Pick<AgentRun, 'chooses'>,
): Promise<Pick<RunBrief, 'drafts'>> {
  if (run.chooses !== true) return {};
  const row = await store.tree(planTree(project, plan));
  const context = (row?.stored.snapshot as { context?: Pick<PlanContext, 'drafts'> } | undefined)?.context; // a plan's tree
  const drafts = finishedDrafts(context ?? {});
  return { drafts: drafts.flatMap(({ number, content }) => (content === null ? [] : [{ number, content }])) };
}

/** Throws `bad_config` if the configured base branch does not exist. */
export async function promptOptions(parts: PromptParts, site: PromptSite, brief: RunBrief): Promise<PromptOptions> {
  const { project, path, config, prompts } = site.project;
  const { plan, run } = brief;
  return {
    own: { repo: path, texts: prompts },
    base: await baseOf(parts.store, site, plan),
    selfFixMaxLines: config.policy.readiness_self_fix_max_lines,
    wholeVerdict: await wholeVerdict(run.feedback, () => parts.store.signals({ project, plan, status: 'done' })),
    earlier: await earlierWork(parts, site.repository, brief),
    notes: { rows: await takenNotes(parts.store, project), tokens: config.noteRules.tokens },
  };
}

/**
 * Writes the prompt into the run's folder, by default as the program's prompt, with the whole plan beside it, and `feedback.md` if only a part of the
 * feedback is in the prompt. Throws `bad_config` for an unusable template of the repo, `agent_unusable`, and the home's errors.
 */
export async function writePrompt(
  parts: PromptParts,
  site: PromptSite,
  {
    brief,
    folder,
    file = folder.prompt,
  }: { readonly brief: RunBrief; readonly folder: RunFolder; readonly file?: string },
): Promise<void> {
  const feedbackFile = join(folder.path, 'feedback.md');
  const planFile = join(folder.path, 'plan.md');
  const options = await promptOptions(parts, site, brief);
  const { text, wholeFeedback } = composePrompt(brief, { ...options, feedbackFile, planFile });
  writeStartFile(planFile, brief.content);
  if (wholeFeedback !== null) writeStartFile(feedbackFile, `${wholeFeedback}\n`);
  writeStartFile(file, text);
}

async function takenNotes(store: Pick<Store, 'notes'>, project: string) {
  return (await store.notes({ project })).filter(({ state }) => state === 'taken');
}

/** The plan's base branch, whatever is checked out now; the commit if there is no such branch in this repository. */
async function baseOf(
  store: Pick<Store, 'plan'>,
  { project: { project, config }, repository }: PromptSite,
  plan: string,
): Promise<string> {
  const base = (await store.plan(project, plan))?.base ?? null;
  // The base already contains other plans' work, which this plan's reviewer need not read.
  if (base !== null && base.on.length > 0) return base.commit;
  if (config.baseBranch !== '' || base === null) return baseBranch(repository, config.baseBranch);
  const isHere = base.branch !== null && (await readRef(repository, branchRef(base.branch))) !== null;
  return base.branch !== null && isHere ? base.branch : base.commit;
}
