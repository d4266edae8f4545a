/** Starts a plan that is ready: a draft with its planner, a plan with waves with its first wave. */

import { parsePlan } from '../../machines/document/plan-document.ts';
import type { ParsedPlan } from '../../machines/document/shape.ts';
import { guardTexts } from '../../machines/plan/guard-texts.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow, SignalAnswer } from '../../runtime/api/client/client.ts';
import { waysOn } from '../plan/ways-on.ts';
import { refusalLines } from '../verdict.ts';

export interface Beginning {
  /** The plan in status ready. */
  readonly shown: PlanShow;
  readonly file: string;
  readonly waitMs: number;
  /** For a draft: whether the plan is carried out as soon as its planner has finished; undefined: `auto_advance` decides. */
  readonly advance?: boolean | undefined;
}

/** Throws `refused` with the faulty lines of the document. */
export async function beginPlan(client: Client, { shown, file, waitMs, advance }: Beginning): Promise<void> {
  const { project, plan, content } = shown;
  const isDraft = shown.phase !== 'planned';
  const { document, problems } = isDraft
    ? await readDraft({ content, file: shown.file, as: shown.file_as })
    : parsePlan(content);
  const lines = linesOf(file, problems);
  // A planner writes the waves of a draft that has none. Waves with a mistake were written by a person, who will prefer to correct it.
  if (isDraft && document.waves.length > 0) throw mistaken(shown, file, lines);
  const word = isDraft ? planStart(advance) : { type: 'implement_start' };
  const answer = await client.send({ project, plan, ...word, waitMs });
  if (answer.signal.status !== 'failed') return;
  // Another `run` of the same plan may have started it in the meantime.
  if ((await client.plan(project, plan)).status !== 'ready') return;
  if (answer.signal.refused?.guard === guardTexts.hasPlanner) throw unplanned(file, plan, lines);
  refuseFailed(answer, `${plan} is not started`);
}

interface Draft {
  readonly content: string;
  /** Its place may say what it is. */
  readonly file: string | null;
  readonly as: string | null | undefined;
}

/** A draft may be a document of any family with mistakes, which that family names. */
export async function readDraft({ content, file, as }: Draft): Promise<Pick<ParsedPlan, 'document' | 'problems'>> {
  const { familyNames, readPlan } = await import('../../machines/document/read-plan.ts');
  return readPlan(
    { text: content, path: file ?? '', beside: [] },
    familyNames.find((name) => name === as),
  );
}

export function linesOf(file: string, problems: ParsedPlan['problems']): string[] {
  return problems.map(({ line, message }) => `${file}:${line}: ${message}`);
}

function planStart(advance: boolean | undefined) {
  return { type: 'plan_start', ...(advance === undefined ? {} : { payload: { advance } }) };
}

export function refuseFailed(answer: SignalAnswer, what: string): void {
  if (answer.signal.status !== 'failed') return;
  const [refusal = '', hint = ''] = refusalLines(answer);
  throw new EngineError('refused', `${what}; ${refusal}`, hint.replace(/^hint: /, ''));
}

function mistaken({ plan }: PlanShow, file: string, lines: readonly string[]): EngineError {
  return new EngineError(
    'refused',
    [`${plan} is not started: there are mistakes in ${file}`, ...lines].join('\n'),
    `correct them, and run the same command again; or let a planner do it ([agents.planner] in .stator/config.toml): stator plan start ${shellWord(plan)}`,
  );
}

function unplanned(file: string, plan: string, lines: readonly string[]): EngineError {
  return new EngineError(
    'refused',
    [`${file} has no waves yet, and no planner is on that could write them`, ...lines].join('\n'),
    waysOn(file, plan, null).join('; '),
  );
}
