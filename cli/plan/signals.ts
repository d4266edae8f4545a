/** The verbs that send one signal to a plan. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { forceTargets } from '../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import { didYouMean } from '../../runtime/base/config/nearest.ts';
import { type Call, defineVerb, type Verbs } from '../command.ts';
import { planAndWord, saidPlan } from '../place.ts';
import { advanceOf, afterPlanning, type PlanningFlags, plannedLaterNote, planOnlyArg, printStart } from '../planned.ts';
import { planArgs, withPlan } from '../session.ts';
import { canAsk, confirm, forceArgs, isSure, type Sure, sureArgs } from '../sure.ts';
import { printVerdict, verdictMs } from '../verdict.ts';

/** The confirmation, if one is needed: `command` returns the command for a plan's name, such as `plan cancel login`. */
type PlanSure = Omit<Sure, 'command'> & { command(plan: string): string };

export interface PlanSignal {
  /** The plan as typed: a name, or a file's path. */
  readonly plan: string;
  readonly type: string;
  readonly payload?: unknown;
  /** If a signal with this key was sent before, its outcome is the answer. */
  readonly dedupeKey?: string;
  /** false with `--no-wait`. */
  readonly wait: boolean;
  readonly sure?: PlanSure;
  /** For a signal that may start a planner: what follows the planning. */
  readonly planning?: PlanningFlags;
}

/** The signals that may start a planner. */
export const planningTypes: ReadonlySet<SignalType> = new Set<SignalType>(['plan_start', 'reopen', 'start_over']);

export const waitArg = {
  wait: { type: 'boolean', default: true, negativeDescription: 'do not wait for the verdict' },
} as const;

/** Asks if necessary, sends the signal, prints the verdict, and returns the exit code. */
export async function sendToPlan(call: Call, request: PlanSignal): Promise<number> {
  const { plan, type, dedupeKey, wait, sure } = request;
  const advance = request.planning === undefined ? undefined : await advanceSaid(call, plan, request.planning);
  const payload = advance === undefined ? request.payload : { advance };
  if (sure !== undefined && !(await isMeant(call, plan, { type, payload }, sure))) return 1;
  const key = dedupeKey === undefined ? {} : { dedupeKey };
  const sent = { type, waitMs: wait ? verdictMs : 0, ...key, ...(payload === undefined ? {} : { payload }) };
  const answer = await withPlan(call, 'write', plan, (client, address) => client.send({ ...sent, ...address }));
  if (advance === false && answer.plan.status === 'planning') call.out.note(plannedLaterNote(answer.plan.plan));
  const exitCode = printVerdict(call, answer);
  const isDone = answer.signal.status === 'done' && answer.plan.waits === null;
  // If a planner were enabled, the plan would be planning now.
  if (request.planning !== undefined && isDone) printStart(call, { ...answer.plan, hasPlanner: false });
  return exitCode;
}

/** Asks a person if necessary. The home has no owner meanwhile, because a person may take long to answer. */
export function isMeant(
  call: Call,
  plan: string | undefined,
  act: { readonly type: string; readonly payload?: unknown },
  sure: PlanSure,
): Promise<boolean> {
  return withPlan(call, 'read', plan, (client, address) =>
    isSure(call, client, { ...address, ...act }, { ...sure, command: sure.command(shellWord(address.plan)) }),
  );
}

/** Here, too, the home has no owner while a person is asked. */
async function advanceSaid(call: Call, plan: string, flags: PlanningFlags): Promise<boolean | undefined> {
  return advanceOf(
    await withPlan(call, 'read', plan, (client, { project }) => afterPlanning(call, client, project, flags)),
  );
}

const asksFirst =
  'On a terminal it first says which agents it would stop, which branch it would move and which agents may cost money, and asks.';

const start = defineVerb({
  summary: 'Start planning (plan_start). Without a planner, a valid document counts as planned at once.',
  args: {
    ...planArgs,
    solo: { type: 'boolean', description: 'no planner: one coder does all of the draft' },
    ...waitArg,
    ...sureArgs,
    ...planOnlyArg,
  },
  examples: ['stator plan start login', 'stator plan start login --solo'],
  more: `${asksFirst}
The planned document then waits for your approval, unless you use --yes or the configuration sets auto_advance = true. In a pipe only auto_advance
decides; its default is true.`,
  async run({ plan, solo = false, wait, yes = false, 'plan-only': planOnly = false }, call) {
    if (solo && planOnly)
      throw new EngineError(
        'usage',
        '--plan-only is for a step that plans, and not for --solo',
        'leave one of them out',
      );
    if (solo) return startSolo(call, saidPlan(call, plan), yes);
    const sure = { yes, command: (name: string) => `plan start ${name}` };
    return sendToPlan(call, {
      plan: saidPlan(call, plan),
      type: 'plan_start',
      wait,
      sure,
      planning: { yes, planOnly },
    });
  },
});

/** On a terminal a person is asked first, because the coder may cost money. Returns the exit code. */
async function startSolo(call: Call, plan: string, yes: boolean): Promise<number> {
  const question = `let one coder do all of ${plan}, without a planner?`;
  if (!yes && canAsk(call) && !(await confirm(call, question))) {
    call.out.note('nothing was done');
    return 1;
  }
  const answer = await withPlan(call, 'write', plan, (client, { project, plan: name }) =>
    client.soloPlan(project, name),
  );
  return printVerdict(call, answer);
}

const pause = defineVerb({
  summary: 'Pause a plan: its agents are stopped, which costs no attempt, and nothing new starts.',
  args: {
    ...planArgs,
    wait: { type: 'boolean', description: 'let running agents finish instead of stopping them' },
    ...sureArgs,
    ...forceArgs,
  },
  examples: ['stator plan pause login'],
  async run({ plan, wait, yes = false, force = false }, call) {
    const payload = wait === true ? { payload: { wait: true } } : {};
    const sure = { yes, force, command: (name: string) => `plan pause ${name}` };
    return sendToPlan(call, { plan: saidPlan(call, plan), type: 'pause', wait: true, sure, ...payload });
  },
});

const resume = defineVerb({
  summary: 'Continue a plan after a pause.',
  args: { ...planArgs, ...waitArg, ...sureArgs },
  examples: ['stator plan resume login'],
  more: asksFirst,
  run({ plan, wait, yes = false }, call) {
    const sure = { yes, command: (name: string) => `plan resume ${name}` };
    return sendToPlan(call, { plan: saidPlan(call, plan), type: 'resume', wait, sure });
  },
});

const cancel = defineVerb({
  summary: 'Cancel a plan: its agents are stopped, its branch is kept.',
  args: { ...planArgs, ...waitArg, ...sureArgs, ...forceArgs },
  examples: ['stator plan cancel login', 'stator plan advance login reopen    # undoes it'],
  more: asksFirst,
  run({ plan, wait, yes = false, force = false }, call) {
    const sure = { yes, force, command: (name: string) => `plan cancel ${name}` };
    return sendToPlan(call, { plan: saidPlan(call, plan), type: 'cancel', wait, sure });
  },
});

const resolve = defineVerb({
  summary: 'Continue a blocked plan. If one question is open, this answers it.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file' },
    answer: { type: 'positional', required: false, description: 'the answer, in quotes' },
    ...waitArg,
  },
  examples: ['stator plan answer login "use the second design"'],
  async run({ plan, answer, wait }, call) {
    const [name, text] = planAndWord(call, plan, answer);
    return sendResolve(call, { plan: name, answer: text, wait });
  },
});

interface Resolving {
  readonly plan: string;
  readonly answer: string | undefined;
  readonly accept?: boolean;
  readonly restore?: boolean;
  readonly wait: boolean;
}

export function sendResolve(call: Call, { plan, answer, accept, restore, wait }: Resolving): Promise<number> {
  const payload = {
    ...(answer === undefined ? {} : { body: answer }),
    ...(accept === true ? { accept } : {}),
    ...(restore === true ? { restore } : {}),
  };
  return sendToPlan(call, { plan, type: 'resolve', wait, ...(Object.keys(payload).length === 0 ? {} : { payload }) });
}

const setStatus = defineVerb({
  summary: 'Set the status and ignore all rules. Agents are stopped, and nothing starts.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    status: {
      type: 'positional',
      description: 'ready planned planning implementing reviewing verifying done cancelled',
    },
    force: { type: 'boolean', description: 'required, because it ignores the rules of the lifecycle' },
    ...waitArg,
    ...sureArgs,
  },
  examples: ['stator plan advance login --to planned --force'],
  run: ({ plan, status, force = false, wait, yes = false }, call) =>
    forceStatus(call, { plan: saidPlan(call, plan), status, force, wait, yes }),
});

interface ForcedStatus {
  readonly plan: string;
  readonly status: string;
  readonly force: boolean;
  readonly wait: boolean;
  readonly yes: boolean;
}

/** Throws `refused` without `force`, and `usage` for a status that no plan can be set to. */
export async function forceStatus(call: Call, { plan, status, force, wait, yes }: ForcedStatus): Promise<number> {
  const name = shellWord(plan);
  if (!force && !forceTargets.some((known) => known === status)) {
    const hint = `${didYouMean(status, forceTargets)}there are ${forceTargets.join(', ')}`;
    throw new EngineError('usage', `"${status}" is no status of a plan`, hint);
  }
  if (!force) {
    const hint = `to do it anyway: stator plan advance ${name} --to ${status} --force; what ${name} accepts without force: stator plan explain ${name}`;
    throw new EngineError('refused', 'to set a status ignores the rules of the lifecycle and needs --force', hint);
  }
  const sure = { yes, command: (planName: string) => `plan advance ${planName} --to ${status}` };
  return sendToPlan(call, { plan, type: 'set_status', payload: { status }, wait, sure });
}

export default { start, pause, resume, cancel, resolve, 'set-status': setStatus } satisfies Verbs;
