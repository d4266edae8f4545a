/** What happens with a plan once its planner has finished: agents carry it out at once, or a person reads the document first. */
import { draftAdvice } from '../machines/plan/refusal-text.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Client } from '../runtime/api/client/client.ts';
import type { Call } from './command.ts';
import { canAsk } from './sure.ts';

/**
 * `stops`: it stays planned. `goes-on`: it is carried out. `asks`: the person at this terminal looks at the document and decides. `as-configured`: no one
 * can be asked, and no flag was given: `auto_advance` decides.
 */
export type AfterPlanning = 'stops' | 'goes-on' | 'asks' | 'as-configured';

export interface PlanningFlags {
  readonly yes: boolean;
  readonly planOnly: boolean;
}

export const planOnlyArg = {
  'plan-only': { type: 'boolean', description: 'end when the plan is planned' },
} as const;

/** On a terminal a person is asked about a planned document, unless the configuration sets `auto_advance = true` explicitly. */
export async function afterPlanning(
  call: Call,
  client: Pick<Client, 'repo'>,
  project: string,
  { yes, planOnly }: PlanningFlags,
): Promise<AfterPlanning> {
  if (planOnly) return 'stops';
  if (yes) return 'goes-on';
  if (!canAsk(call)) return 'as-configured';
  const { config } = await client.repo({ project });
  const isWritten = config.some(
    ({ key, value, origin }) => key === 'auto_advance' && value === true && origin !== 'default',
  );
  return isWritten ? 'goes-on' : 'asks';
}

/** The field `advance` of `plan_start`. */
export function advanceOf(after: AfterPlanning): boolean | undefined {
  return after === 'as-configured' ? undefined : after === 'goes-on';
}

interface Unstarted {
  readonly plan: string;
  readonly status: string | null;
  readonly phase: string | null;
  /** Whether a planner is enabled, which makes a plan from a draft. */
  readonly hasPlanner: boolean;
}

/** Notes that a planned plan, or a draft, does nothing until it is started. */
export function printStart({ out }: Pick<Call, 'out'>, { plan, status, phase, hasPlanner }: Unstarted): void {
  if (status !== 'ready') return;
  const name = shellWord(plan);
  if (phase !== null) out.note(`nothing works on it yet; start it with: stator plan advance ${name}`);
  else if (hasPlanner) out.note(`it is a draft; let its planner make waves of it: stator plan advance ${name}`);
  else {
    out.note(
      'it is a draft, and no planner is on that could make waves of it ([agents.planner] in .stator/config.toml)',
    );
    out.note(draftAdvice(name));
  }
}

/** For a verb that does not wait for the planner: how to see the document, and how to continue. */
export function plannedLaterNote(plan: string): string {
  const name = shellWord(plan);
  return `when it is planned it waits for your word; look: stator plan show ${name} --content, go on: stator plan advance ${name}`;
}
