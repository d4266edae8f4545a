/** Drafts of several planners; one of them becomes the plan's document. What guards, views and refusals need to know about them. Pure functions over JSON. */
import { draftNumber } from '../vocabulary/ids.ts';
import { originKind } from '../vocabulary/signal.ts';
import { type Draft, documentFacts, isSession, type PlanContext } from './context.ts';
import { type GuardArgs, originOf, type PlanEvent } from './events.ts';

/** The texts are in the context until the plan is planned again. */
const draftLimitBytes = 256 * 1024;

type Drafts = Pick<PlanContext, 'drafts'>;

/** The draft that this run, or this child of the plan's root, writes; null: it writes none, or one of an earlier planning. */
export function draftOf({ drafts = [] }: Drafts, path: string | null): Draft | null {
  const number = path === null ? null : draftNumber(path);
  if (path === null || number === null) return null;
  return drafts.find(({ childId }) => path === childId || path.startsWith(`${childId}#`)) ?? null;
}

/** The draft that the event is about: that of the sending planner, or the one that a person or a file names by its number or its planner's title. */
export function draftMeant(context: Drafts, event: PlanEvent): Draft | null {
  if (event.type === 'choose') return context.drafts?.find(({ number }) => number === event.draft) ?? null;
  if (event.type === 'planner_draft_finished' && originKind(originOf(event)) !== 'agent') {
    const named = event.planner_id;
    const known = context.drafts?.find(({ number, title }) => named === String(number) || named === title);
    // A file that a planner left names its run.
    return known ?? draftOf(context, named);
  }
  if ('actorId' in event) return draftOf(context, event.actorId);
  if (event.type === 'agent_delivered') return draftOf(context, event.id);
  return 'run' in event ? draftOf(context, event.run) : null;
}

/** The drafts that can be chosen. */
export function finishedDrafts({ drafts = [] }: Drafts): readonly Draft[] {
  return drafts.filter(({ state }) => state === 'finished');
}

function writes(context: Drafts, event: PlanEvent): Draft | null {
  const draft = draftMeant(context, event);
  return draft?.state === 'writing' ? draft : null;
}

export const draftGuards = {
  hasDrafts: ({ context }: GuardArgs) =>
    context.policy.roles.planner.on && !isSession(context) && (context.policy.planner_drafts ?? 1) > 1,
  isDraft: ({ context, event }: GuardArgs) => writes(context, event) !== null,
  draftFits: ({ event }: GuardArgs) =>
    event.type === 'plan_updated' && new TextEncoder().encode(event.content).length <= draftLimitBytes,
  draftIsWritten: ({ context, event }: GuardArgs) => draftProblem(context, event) === null,
  draftsAreIn: ({ context: { drafts = [] } }: GuardArgs) => drafts.every(({ state }) => state !== 'writing'),
  hasNoDraft: ({ context }: GuardArgs) => finishedDrafts(context).length === 0,
  hasOneDraft: ({ context }: GuardArgs) => finishedDrafts(context).length === 1,
  hasJudge: ({ context }: GuardArgs) => context.policy.roles.architect.on,
  isFinishedDraft: ({ context, event }: GuardArgs) => draftMeant(context, event)?.state === 'finished',
  /** While the plan waits for a draft to be chosen, only that choice continues it. */
  isChosen: ({ context }: GuardArgs) => context.blocked?.source !== 'choice',
};

/** Why a draft is not finished; null: it is. */
export function draftProblem(context: PlanContext, event: PlanEvent): string | null {
  const draft = draftMeant(context, event);
  if (draft === null) return `no draft of that name is written; the drafts: ${draftList(context)}`;
  if (draft.state !== 'writing') return `draft ${draft.number} ${texts[draft.state]} already`;
  if (draft.content === null)
    return 'no document was handed in: stator plan update-content "$STATOR_PLAN" --file <file>, and then say that it is finished';
  const { isParsed, problem } = documentFacts(draft.content);
  return isParsed ? null : `the draft does not parse: ${problem}`;
}

/** Why a draft cannot be chosen. */
export function choiceText(context: PlanContext, event: PlanEvent): string {
  const draft = draftMeant(context, event);
  const list = `the drafts: ${draftList(context)}`;
  return draft === null ? `there is no such draft; ${list}` : `draft ${draft.number} ${texts[draft.state]}; ${list}`;
}

const texts: Readonly<Record<Draft['state'], string>> = {
  writing: 'is being written',
  finished: 'is finished',
  failed: 'has failed',
  chosen: 'is chosen',
};

function draftList({ drafts = [] }: Drafts): string {
  if (drafts.length === 0) return 'none';
  return drafts.map(({ number, state }) => `${number} (${state})`).join(', ');
}

/** Signals of one of several planners; they only count while it writes. */
const writerSignals: ReadonlySet<string> = new Set(['plan_updated', 'planner_finished', 'planner_draft_finished']);

/** Why one of several planners may not send that, whatever the plan's status is by now; null: it may, or the sender is none of them. */
export function draftObstacle(context: Drafts, run: string, type: string): string | null {
  if (draftNumber(run) === null) return null;
  if (type === 'plan_start' || type === 'implement_start') return 'not from one of several planners';
  if (!writerSignals.has(type)) return null;
  const draft = draftOf(context, run);
  return draft?.state === 'writing' ? null : 'not from a planner whose draft is handed in: another one may be chosen';
}
