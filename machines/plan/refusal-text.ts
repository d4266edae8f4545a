/** Why a plan or an agent refuses a signal now, for people, and the commands that it would accept: one text for verbs and the control API. Pure. */
import { isErrorDocument } from '../vocabulary/errors.ts';
import { instanceTitle } from '../vocabulary/ids.ts';
import { isDraft } from '../vocabulary/plan-status.ts';
import { shellWord } from '../vocabulary/shell-word.ts';

export interface Refused {
  readonly type: string;
  readonly plan: string;
  readonly status: string | null;
  readonly phase: string | null;
  /** The path of the actor that refused; the machine's name for the plan itself. */
  readonly by: string;
  readonly state: string;
  readonly guard: string | null;
  readonly accepts: readonly string[];
}

/** A signal that was accepted into the inbox and then failed, and its plan's state after it. */
interface FailedSignal {
  readonly signal: {
    readonly id: number;
    readonly type: string;
    /** null: no machine refused it; its delivery failed. */
    readonly refused: Pick<Refused, 'by' | 'state' | 'guard' | 'accepts'> | null;
    readonly result: unknown;
  };
  readonly plan: Pick<Refused, 'plan' | 'status' | 'phase'>;
}

/** The part of the reason that does not follow from the state, after "so". */
const consequences: Readonly<Record<string, string>> = {
  plan_start: 'it cannot start planning',
  planner_finished: 'no planner is at work',
  planner_draft_finished: 'no planner is at work',
  choose: 'no draft waits to be chosen',
  implement_start: 'it cannot start implementing',
  implement_finished: 'no work is under way that could be finished',
  elaborator_finished: 'no architect is at work',
  implement_task_finished: 'that task is not at work',
  implement_wave: 'it cannot start that wave',
  retry_wave: 'no wave waits to be run again',
  advance_wave: 'no wave waits to be left behind',
  review_approved: 'nothing is under review',
  review_changes_requested: 'nothing is under review',
  verify_approved: 'nothing is being verified',
  verify_failed: 'nothing is being verified',
  request_review: 'it cannot be reviewed again: only a done plan can',
  reimplement: 'it cannot be implemented anew: only a done plan can',
  start_over: 'it cannot start over: only a done plan can',
  mark_done: 'it cannot be marked as done',
  cancel: 'it cannot be cancelled',
  reopen: 'there is nothing to reopen: only a cancelled plan is reopened',
  pause: 'it cannot be paused',
  resume: 'there is nothing to resume',
  resolve: 'nothing waits for an answer',
  answer: 'nothing waits for an answer',
  merge: 'it cannot be merged',
  land: 'it cannot land',
  create_pr: 'it cannot get a pull request',
  raise_budget: 'its budget cannot be raised',
  plan_updated: 'it cannot take the edited document',
  set_status: 'it cannot be set to that status',
  agent_pause: 'there is nothing to pause',
  agent_resume: 'there is nothing to resume',
  agent_restart: 'it cannot be restarted',
  agent_kill: 'it cannot be ended',
  agent_send: 'it cannot take a message',
  agent_type: 'nothing can be typed into it',
  agent_allow: 'it waits for no permission',
  agent_deny: 'it waits for no permission',
};

/** The same, where the guard's reason follows: the state alone may well take such a signal, so it says nothing of the state. */
const hindered: Readonly<Record<string, string>> = {
  planner_finished: 'its planning cannot end',
  planner_draft_finished: 'it takes no draft',
  choose: 'no draft was chosen',
  implement_finished: 'its work does not end by this signal',
  elaborator_finished: 'its architect does not end by this signal',
  implement_task_finished: 'that task does not end by this signal',
  retry_wave: 'its wave cannot be run again',
  advance_wave: 'its wave cannot be left behind',
  review_approved: 'this verdict does not count',
  review_changes_requested: 'this verdict does not count',
  verify_approved: 'this verdict does not count',
  verify_failed: 'this verdict does not count',
  request_review: 'it cannot be reviewed again',
  reimplement: 'it cannot be implemented anew',
  start_over: 'it cannot start over',
  reopen: 'it cannot be reopened',
  resolve: 'an answer is not enough',
  answer: 'nothing was answered',
  agent_allow: 'nothing was answered',
  agent_deny: 'nothing was answered',
};

/** A state that exists already: nothing would change. */
const already: Readonly<Record<string, string>> = {
  plan_start: 'planning',
  implement_start: 'implementing',
  mark_done: 'done',
  cancel: 'cancelled',
  agent_pause: 'paused',
  agent_kill: 'being stopped',
};

/** The states of an agent's machine, as texts. */
const agentStates: Readonly<Record<string, string>> = {
  queued: 'waiting for a slot',
  running: 'at work',
  'waiting.permission': 'waiting for a permission',
  'waiting.rateLimit': 'waiting for a rate limit to end',
  'waiting.decision': 'waiting for an answer',
  stopping: 'being stopped',
  judging: 'at its end',
  delivered: 'at its end: its work is being looked at',
  backingOff: 'waiting for its next attempt',
  succeeded: 'finished',
  failed: 'over, it has failed',
};

/** The commands for what a plan would take, the likeliest first; other signals are sent by `plan advance` too. */
const planCommands: Readonly<Record<string, string>> = {
  choose: 'plan choose %s <number>',
  resolve: 'plan answer %s',
  resume: 'plan resume %s',
  retry_wave: 'plan advance %s retry-wave',
  advance_wave: 'plan advance %s advance-wave',
  implement_start: 'plan advance %s',
  plan_start: 'plan start %s',
  reopen: 'plan advance %s reopen',
  merge: 'plan merge %s',
  land: 'plan land %s',
  create_pr: 'plan pr %s',
  start_over: 'plan advance %s start-over',
  pause: 'plan pause %s',
  cancel: 'plan cancel %s',
};
const agentCommands: Readonly<Record<string, string>> = {
  agent_resume: 'agent resume %s',
  agent_pause: 'agent pause %s',
  agent_restart: 'agent restart %s',
  agent_kill: 'agent kill %s',
};
/** How many commands are shown; `plan explain` has them all. */
const shownCommands = 3;
/** Guards whose name is their whole text. */
const guardWords: Readonly<Record<string, string>> = {
  no_planner: 'no planner is on',
  no_such_wave: 'it has no such wave',
  wave_running: 'its wave runs',
};

/** Why a signal failed, and what a person can do. */
export function failureOf({ signal, plan }: FailedSignal): { readonly why: string; readonly hint: string } {
  const { id, type, refused, result } = signal;
  if (refused === null) {
    if (isErrorDocument(result)) return { why: result.error, hint: result.hint };
    const why = typeof result === 'string' ? result : JSON.stringify(result ?? null);
    return { why, hint: `deliver it again: stator signal retry ${id}` };
  }
  const refusal = { ...refused, ...plan, type };
  return { why: refusalSentence(refusal), hint: refusalHint(refusal) };
}

export function refusalSentence(refused: Refused): string {
  const { type, plan, guard } = refused;
  const agent = agentOf(refused);
  const why = guard === null ? null : (guardWords[guard] ?? guard).replaceAll('<plan>', shellWord(plan));
  // If the plan has no such agent, the plan itself answers: its own state is not the reason then.
  if (agent === null && type.startsWith('agent_') && why !== null) return why;
  const who = agent === null ? plan : `agent ${agent}`;
  const state = agent === null ? planState(refused) : (agentStates[refused.state] ?? stateWords(refused.state));
  if (type === 'resume' && agent === null) return `${who} is not paused, so ${consequences.resume}`;
  if (why === null && already[type] === (agent === null ? refused.status : state)) return `${who} is ${state} already`;
  const so = (why === null ? undefined : hindered[type]) ?? consequences[type] ?? `it cannot take ${type}`;
  return `${who} is ${state}, so ${so}${why === null ? '' : `: ${why}`}`;
}

/** What a person can do instead, with the commands. */
export function refusalHint(refused: Refused): string {
  const { plan, accepts } = refused;
  const agent = agentOf(refused);
  const explain = `stator plan explain ${shellWord(plan)}`;
  const known = agent === null ? planCommands : agentCommands;
  if (isByPlan(refused) && isDraft(refused) && !accepts.includes('plan_start'))
    return `${draftAdvice(shellWord(plan))}; all commands: ${explain}`;
  const commands = Object.entries(known)
    .filter(([type]) => type !== refused.type && accepts.includes(type) && !needsForce(refused, type))
    .map(([, command]) => `stator ${command.replace('%s', shellWord(agent ?? plan))}`);
  if (commands.length === 0) return `see what it waits for, and what it accepts: ${explain}`;
  return `it accepts now: ${commands.slice(0, shownCommands).join(', or ')}; all commands: ${explain}`;
}

/** To pause or cancel a plan that is done is refused without --force, so it is no way on. */
function needsForce({ status }: Refused, type: string): boolean {
  return status === 'done' && (type === 'pause' || type === 'cancel');
}

/** What a person can do with a draft where no planner is configured. `name`: the plan, as a word of the shell. */
export function draftAdvice(name: string): string {
  return `have one coder do all of it: stator plan start ${name} --solo; or correct its document, and hand it in: stator plan update-content ${name} --file <file>`;
}

/** The title of the agent that refused, as people address it; null: the plan itself, or an agent whose path does not contain its round. */
function agentOf({ by, plan }: Refused): string | null {
  const [, wave, task] = /^wave-(\d+)\.\d+\/task-(\d+)\.\d+\/agent$/.exec(by) ?? [];
  if (wave !== undefined && task !== undefined)
    return instanceTitle({ plan, role: 'coder', wave: Number(wave), task: Number(task), round: 0 });
  return /^coder\.\d+\/agent$/.test(by)
    ? instanceTitle({ plan, role: 'coder', wave: null, task: null, round: 0 })
    : null;
}

/** Whether the plan itself refused, and not one of its waves, tasks and agents. */
function isByPlan({ by }: Refused): boolean {
  return !by.includes('/') && !/\.\d+$/.test(by);
}

function planState(refused: Refused): string {
  const { status, phase, state } = refused;
  if (!isByPlan(refused) || status === null) return `in ${stateWords(state)}`;
  if (isDraft(refused)) return 'a draft';
  if (status === 'ready' && phase !== null) return stateWords(phase);
  return phase === null || phase === status ? status : `${status} (${stateWords(phase)})`;
}

function stateWords(state: string): string {
  return state
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[._]/g, ' ')
    .toLowerCase();
}
