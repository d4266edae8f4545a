/** The text of a pull request: the plan's goal, its tasks with their checks, the review's text, and the cost. */
import { parsePlan } from '../../../machines/document/plan-document.ts';
import { taskName } from '../../../machines/vocabulary/ids.ts';
import type { PlanKey, Store } from '../../core/store/port.ts';
import { fenced } from '../agents/prompts/quotation.ts';
import { disarmed } from '../forges/closing-words.ts';

/** One of several requests of a plan. */
export interface StackedPart {
  readonly name: string;
  readonly title: string;
  /** From 1. */
  readonly nth: number;
  readonly of: number;
  /** The address of the request that it is based on; null: it is the lowest. */
  readonly below: string | null;
}

interface TextOf extends PlanKey {
  readonly closes: string | null;
  readonly part?: StackedPart;
  /** The requests of the same change in other repositories. */
  readonly links?: string;
}

const bodyLimit = 60_000;
const titleLimit = 200;
const notesLimit = 4_000;

/**
 * `title` on one line, at most 200 characters; `body` as Markdown, at most 60,000. Texts of agents and strangers are changed so that they mention no person,
 * close no issue and contain no HTML; a person's own document stays unchanged. `closes`: the text that closes its issue.
 */
export async function pullRequestText(
  { store }: { readonly store: Pick<Store, 'plan' | 'planText' | 'usage' | 'runs'> },
  { project, plan, closes, part, links = '' }: TextOf,
): Promise<{ title: string; body: string }> {
  const row = await store.plan(project, plan);
  const runs = await store.runs({ by: 'latest', project, plan });
  const isOfAgents = runs.some(({ role }) => role === 'planner' || role === 'architect');
  const safe = isOfAgents ? harmless : (text: string) => text;
  const { document } = parsePlan((await store.planText(project, plan)) ?? '');
  const tasks = document.waves.flatMap(({ number, tasks: ofWave }) =>
    ofWave
      .filter(({ number: task }) => part === undefined || isOfPart(part.name, number, task))
      .map(
        ({ number: task, title, check }) =>
          `- w${number} t${task}: ${safe(title)}${check === null ? '' : ` (check: \`${(isOfAgents ? disarmed(check) : check).replaceAll('`', "'").slice(0, 200)}\`)`}`,
      ),
  );
  const reviewers = runs.filter(
    ({ role, last_message: said }) => (role === 'reviewer' || role === 'verifier') && said !== null,
  );
  const notes = reviewers.at(-1)?.last_message ?? null;
  const usage = await store.usage({ project, plan });
  const count = usage.reduce((sum, one) => sum + one.runs, 0);
  const costs = usage.flatMap(({ cost_usd: cost }) => (cost === null ? [] : [cost]));
  const cost =
    costs.length === 0 ? '' : `, ${costs.reduce((sum, one) => sum + one, 0).toFixed(2)} USD as far as they said`;
  const parts = [
    part === undefined ? '' : partText(part, plan),
    links,
    document.goal === null ? '' : safe(document.goal),
    closes ?? '',
    dependsOnText(row?.base?.on ?? []),
    tasks.length === 0 ? '' : `## Tasks\n\n${tasks.join('\n')}`,
    notes === null ? '' : `## Review\n\n${fenced(disarmed(notes.slice(0, notesLimit)))}`,
    `Plan \`${plan}\`: ${count} ${count === 1 ? 'run' : 'runs'} of agents${cost}. Made by stator.`,
  ];
  return {
    title: safe(part === undefined ? (row?.title ?? plan) : `${part.title} (${plan} ${part.nth}/${part.of})`)
      .replace(/\s+/g, ' ')
      .slice(0, titleLimit),
    body: parts
      .filter((part) => part !== '')
      .join('\n\n')
      .slice(0, bodyLimit),
  };
}

/** Whether a part of the stack, named `w1` or `w1-t2`, contains the task. */
function isOfPart(name: string, wave: number, task: number): boolean {
  return name === `w${wave}` || name === taskName(wave, task);
}

/** Reviewers see which request comes first. Its address comes from the forge itself. */
function partText({ nth, of, below }: StackedPart, plan: string): string {
  const place = `Part ${nth} of ${of} of the plan \`${plan}\`.`;
  return below === null
    ? `${place} The other parts are based on this one.`
    : `${place} Based on ${below}: merge that first.`;
}

/** The request also shows the changes of these plans until they are merged. */
function dependsOnText(on: readonly { readonly plan: string; readonly commit: string }[]): string {
  if (on.length === 0) return '';
  const names = on.map(({ plan, commit }) => `\`${plan}\` (${commit.slice(0, 12)})`).join(', ');
  return `Based on ${names}, which had not been merged when this was begun: merge that first.`;
}

/** Escapes `<`, so that it opens no tag. */
function harmless(text: string): string {
  return disarmed(text).replaceAll('<', '&lt;');
}
