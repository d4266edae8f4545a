/** A person's signal to a plan, as most verbs of `plan` send it. */
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import type { Call } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { advanceOf, afterPlanning, type PlanningFlags, plannedLaterNote, tellStart } from '../planned.ts';
import { isSure, type Sure } from '../sure.ts';
import { printVerdict, verdictMs } from '../verdict.ts';

export interface Word {
  /** As it was typed: a name, or a file's path. */
  readonly plan: string;
  readonly type: string;
  readonly payload?: unknown;
  /** If the key was sent before, the answer is the first one's outcome. */
  readonly dedupeKey?: string;
  /** false with `--no-wait`. */
  readonly wait: boolean;
  /** If its effect must be confirmed first: `command` for the plan of that name, such as `plan cancel login`. */
  readonly sure?: Omit<Sure, 'command'> & { command(plan: string): string };
  /** For a signal that may start a planner: what happens with the plan once it is planned. */
  readonly planning?: PlanningFlags;
}

/** A planner may start after these. */
export const planningTypes: ReadonlySet<SignalType> = new Set<SignalType>(['plan_start', 'reopen', 'start_over']);

export const waitArg = {
  wait: { type: 'boolean', default: true, negativeDescription: 'do not wait for the verdict' },
} as const;

/** Asks where necessary, sends, prints the verdict, answers the exit code. */
export async function sendToPlan(call: Call, word: Word): Promise<number> {
  const { plan, type, dedupeKey, wait, sure } = word;
  const advance = word.planning === undefined ? undefined : await advanceSaid(call, plan, word.planning);
  const payload = advance === undefined ? word.payload : { advance };
  if (sure !== undefined) {
    // The home is not owned meanwhile, because a person may take long to answer.
    const isMeant = await withPlan(call, 'read', plan, (client, address) =>
      isSure(call, client, { ...address, type, payload }, { ...sure, command: sure.command(shellWord(address.plan)) }),
    );
    if (!isMeant) return 1;
  }
  const key = dedupeKey === undefined ? {} : { dedupeKey };
  const request = { type, waitMs: wait ? verdictMs : 0, ...key, ...(payload === undefined ? {} : { payload }) };
  const answer = await withPlan(call, 'write', plan, (client, address) => client.send({ ...request, ...address }));
  if (advance === false && answer.plan.status === 'planning') call.out.note(plannedLaterNote(answer.plan.plan));
  const exitCode = printVerdict(call, answer);
  if (word.planning !== undefined && answer.plan.waits === null) tellStart(call, answer.plan);
  return exitCode;
}

/** The home is not owned here either. */
async function advanceSaid(call: Call, plan: string, flags: PlanningFlags): Promise<boolean | undefined> {
  return advanceOf(
    await withPlan(call, 'read', plan, (client, { project }) => afterPlanning(call, client, project, flags)),
  );
}
