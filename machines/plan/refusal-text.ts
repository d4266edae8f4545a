/** Why a plan or an agent does not take a word now, as a person says it, and the commands for what it would take: said alike by verbs and the control API. Pure. */
import { instanceTitle } from '../vocabulary/ids.ts';
import { shellWord } from '../vocabulary/shell-word.ts';

export interface Refused {
  readonly type: string;
  readonly plan: string;
  readonly status: string | null;
  readonly phase: string | null;
  /** The path of who refused; the machine's name for the plan itself. */
  readonly by: string;
  readonly state: string;
  readonly guard: string | null;
  readonly accepts: readonly string[];
}

/** What cannot be done, after "it cannot". */
const acts: Readonly<Record<string, string>> = {
  plan_start: 'start planning',
  planner_finished: 'finish its planning',
  implement_start: 'start implementing',
  implement_finished: 'finish implementing',
  elaborator_finished: 'finish its architecture',
  implement_task_finished: 'finish that task',
  implement_wave: 'start that wave',
  retry_wave: 'run its wave again',
  advance_wave: 'go on to the next wave',
  review_approved: 'be approved by a review',
  review_changes_requested: 'take what a review asks for',
  verify_approved: 'be verified',
  verify_failed: 'take a verification',
  request_review: 'be reviewed again',
  reimplement: 'be implemented anew',
  start_over: 'start over',
  mark_done: 'be marked as done',
  cancel: 'be cancelled',
  reopen: 'be reopened',
  pause: 'be paused',
  resume: 'be resumed',
  resolve: 'take an answer',
  merge: 'be merged',
  create_pr: 'get a pull request',
  plan_updated: 'take the edited document',
  set_status: 'be set to that status',
  agent_pause: 'be paused',
  agent_resume: 'be resumed',
  agent_restart: 'be restarted',
  agent_kill: 'be ended',
  agent_send: 'take a message',
  agent_allow: 'be allowed anything',
  agent_deny: 'be forbidden anything',
};

/** The verbs of what a plan would take, the likeliest first; other words are sent by `plan transition`. */
const planVerbs: Readonly<Record<string, string>> = {
  resolve: 'resolve',
  resume: 'resume',
  retry_wave: 'retry-wave',
  advance_wave: 'advance-wave',
  implement_start: 'implement',
  plan_start: 'start',
  reopen: 'reopen',
  merge: 'merge',
  create_pr: 'pr',
  start_over: 'start-over',
  pause: 'pause',
  cancel: 'cancel',
};
const agentVerbs: Readonly<Record<string, string>> = {
  agent_resume: 'resume',
  agent_pause: 'pause',
  agent_restart: 'restart',
  agent_kill: 'kill',
};
/** More commands than this nobody reads; `plan explain` has them all. */
const shownCommands = 3;
/** Guards whose name is all that they say. */
const guardWords: Readonly<Record<string, string>> = {
  no_planner: 'no planner is on',
  no_such_wave: 'it has no such wave',
  wave_running: 'its wave runs',
};

/** One sentence. */
export function refusalSentence(refused: Refused): string {
  const { type, plan, guard } = refused;
  const agent = agentOf(refused);
  const why = guard === null ? null : (guardWords[guard] ?? guard);
  // A plan is asked where it has no such agent: its own state says nothing then.
  if (agent === null && type.startsWith('agent_') && why !== null) return why;
  const who = agent === null ? plan : `agent ${agent}`;
  const state = agent === null ? planState(refused) : stateWords(refused.state);
  return `${who} is ${state}, so it cannot ${acts[type] ?? `take ${type}`}${why === null ? '' : `: ${why}`}`;
}

/** What a person can do instead, with the commands. */
export function refusalHint(refused: Refused): string {
  const { plan, accepts } = refused;
  const agent = agentOf(refused);
  const explain = `stator plan explain ${shellWord(plan)}`;
  const verbs = agent === null ? planVerbs : agentVerbs;
  const command = agent === null ? `stator plan %s ${shellWord(plan)}` : `stator instance %s ${shellWord(agent)}`;
  const commands = Object.entries(verbs)
    .filter(([type]) => accepts.includes(type))
    .map(([, verb]) => command.replace('%s', verb));
  if (commands.length === 0) return `see what it waits for, and what it takes: ${explain}`;
  return `now it takes: ${commands.slice(0, shownCommands).join(', or ')}; all that it takes: ${explain}`;
}

/** The title of the agent that refused, as people address it; null: the plan itself, or an agent whose round its path does not tell. */
function agentOf({ by, plan }: Refused): string | null {
  const [, wave, task] = /^wave-(\d+)\.\d+\/task-(\d+)\.\d+\/agent$/.exec(by) ?? [];
  if (wave !== undefined && task !== undefined)
    return instanceTitle({ plan, role: 'coder', wave: Number(wave), task: Number(task), round: 0 });
  return /^coder\.\d+\/agent$/.test(by)
    ? instanceTitle({ plan, role: 'coder', wave: null, task: null, round: 0 })
    : null;
}

function planState({ by, status, phase, state }: Refused): string {
  if (by.includes('/') || /\.\d+$/.test(by) || status === null) return `in ${stateWords(state)}`;
  if (status === 'ready') return phase === null ? 'a draft' : stateWords(phase);
  return phase === null || phase === status ? status : `${status} (${stateWords(phase)})`;
}

function stateWords(state: string): string {
  return state
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[._]/g, ' ')
    .toLowerCase();
}
