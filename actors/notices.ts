/**
 * The notifications of a step, derived from what it moved: an agent on its way through the queue causes five, and for a plan that needs a person they say which
 * kind of need it is. Pure, and one for each transition, so the list that people read and their hooks say the same.
 */
import { type Block, questionName } from '../machines/plan/context.ts';
import { refusedText } from '../machines/vocabulary/agent-message.ts';
import { blockText } from '../machines/vocabulary/block-source.ts';
import { type BudgetUse, textOfUse } from '../machines/vocabulary/budget.ts';
import type { Reason } from '../machines/vocabulary/effect.ts';
import { budgetDetails, type HookDetails, type NoticeEvent } from '../machines/vocabulary/hook-event.ts';
import { beginsWithWhy, reasonText } from '../machines/vocabulary/reason-text.ts';
import type { SignalPayload } from '../machines/vocabulary/signal.ts';
import type { Happened } from './hook-events.ts';
import { blockOf, isFailedStart, planContext, statusOfPlan } from './plan-view.ts';
import { type AgentSnapshot, publicMove, type Transition } from './recorder.ts';
import type { Input, Step, Tree } from './tree.ts';

export interface Notice {
  readonly type: NoticeEvent;
  /** The agent of the notification; null: it is about the plan. */
  readonly instance: string | null;
  readonly message: string;
  /** Further fields for hooks. */
  readonly details?: HookDetails;
}

/** The notifications of a step of a plan's tree, in their order; `tree` is the tree after the step. */
export function noticesOf(tree: Tree, step: Step): Notice[] {
  const agents = new Map(step.agents.map((agent) => [agent.path, agent]));
  return step.inputs.flatMap((input) => {
    const ofTransitions = input.transitions.flatMap((transition) => noticeOf(transition, agents) ?? []);
    return [
      ...ofTransitions,
      ...needOf(input, tree),
      ...permissionOf(input, step.agents),
      ...nearOf(input),
      ...notedOf(input),
      ...remarksOf(input),
      ...refusedMessageOf(input),
    ];
  });
}

export function noticeEventsOf(tree: Tree, notices: readonly Notice[]): Happened[] {
  if (notices.length === 0) return [];
  const status = statusOfPlan(tree);
  return notices.map(({ type: event, instance, message, details = {} }) => ({
    event,
    from: status,
    to: status,
    details: { ...(instance === null ? {} : { instance }), message: noticeText(message), ...details },
  }));
}

/** A message is one line of a list: longer texts are in `plan explain` and in the agent's log. */
export const noticeLimit = 1_000;

/** The message as lists and hooks have it; one that is cut has that limit as its length. It ends with no half of a character: services refuse JSON with one. */
export function noticeText(message: string): string {
  return message.slice(0, noticeLimit).replace(/\p{Surrogate}$/u, '…');
}

/** The message about a plan that is blocked. */
export function blockMessage({ source, reason }: Pick<Block, 'source' | 'reason'>): string {
  return `${blockText(source)}: ${reason}`;
}

/** An agent's step through the queue; null: the transition is no such step, or is not reported. A later attempt waits in the queue as the same item. */
function noticeOf(transition: Transition, agents: ReadonlyMap<string, AgentSnapshot>): Notice | null {
  const context = agents.get(transition.actor)?.context;
  if (context === undefined) return null;
  const { before, enters, isBirth } = publicMove(transition.chart, transition);
  const { title: instance, failures, reason, detail } = context;
  const attempt = `attempt ${failures + 1}`;
  if (isBirth && enters('run:queued'))
    return { type: 'task_queued', instance, message: `${instance} waits for a slot` };
  if (enters('run:starting'))
    return { type: 'task_dequeued', instance, message: `${instance} has a slot (${attempt})` };
  if (before.has('run:starting') && enters('at-work'))
    return { type: 'task_started', instance, message: `${instance} works (${attempt})` };
  if (enters('run:succeeded')) return { type: 'task_completed', instance, message: `${instance} is done` };
  if (enters('run:cancelled') && !isFailedStart(context))
    return { type: 'task_completed', instance, message: `${instance} was withdrawn: its work is no longer needed` };
  if (enters('run:backing_off') && reason === 'set-aside')
    return { type: 'work_set_aside', instance, message: `${instance}: attempt ${failures} does not count: ${detail}` };
  if (!enters('run:failed') && !enters('run:cancelled')) return null;
  const why = withDetail(reason, detail);
  return { type: 'task_error', instance, message: `${instance} failed: ${why}` };
}

function withDetail(reason: Reason | null, detail: string): string {
  const text = reason === null ? 'no attempt is left' : reasonText(reason);
  const line =
    detail
      .trim()
      .split('\n')
      .at(beginsWithWhy(reason) ? 0 : -1) ?? '';
  return line === '' ? text : `${text}: ${line}`;
}

/** The notification that most of a budget is used. */
function nearOf({ signal }: Input): Notice[] {
  if (signal.type !== 'budget_near') return [];
  const use: BudgetUse = signal.payload as SignalPayload<'budget_near'>; // as its type says
  return [{ type: 'budget_near', instance: use.title, message: textOfUse(use), details: budgetDetails(use) }];
}

/** The notification about what was found at the end of a run. */
function notedOf({ signal }: Input): Notice[] {
  if (signal.type !== 'run_noted') return [];
  const { about, title, detail } = signal.payload as SignalPayload<'run_noted'>; // as its type says
  return [{ type: about, instance: title, message: detail.replace(':\n', ': ').replaceAll('\n', '; ') }];
}

/** A question that an agent's program asks a person: one for each, also where it waits for another already. */
function permissionOf({ signal }: Input, agents: readonly AgentSnapshot[]): Notice[] {
  if (signal.type !== 'run_waiting') return [];
  const { permission } = signal.payload as SignalPayload<'run_waiting'>; // as its type says
  return agents.flatMap(({ context: { title, permissions } }) =>
    permissions
      .filter(({ id }) => id === permission)
      .map(({ tool, detail }) => ({
        type: 'agent_asks',
        instance: title,
        message: `${title} asks (${permission}) whether it may use ${tool}: ${detail.replace(/\s+/g, ' ')}`,
        details: { permission },
      })),
  );
}

/** A remark on the pull request that starts no agent. */
function remarksOf({ signal }: Input): Notice[] {
  if (signal.type !== 'pr_remarked') return [];
  const { remarks } = signal.payload as SignalPayload<'pr_remarked'>; // as its type says
  return remarks.map(({ author, text, url }) => ({
    type: 'pr_remarked',
    instance: null,
    message: `${author} wrote on the pull request: ${text.replace(/\s+/g, ' ')} (${url})`,
  }));
}

/** A message to an agent that no agent can get any more. */
function refusedMessageOf({ signal }: Input): Notice[] {
  if (signal.type !== 'word_refused') return [];
  const word = signal.payload as SignalPayload<'word_refused'>; // as its type says
  return [{ type: 'word_refused', instance: word.title, message: refusedText(word) }];
}

/** The commit of a run deletes so much, or adds such files, that its task asks a person. */
function asksAboutWork({ type, payload }: Input['signal']): boolean {
  if (type !== 'work_committed') return false;
  const { deletions, additions } = payload as SignalPayload<'work_committed'>; // as its type says
  return deletions !== undefined || additions !== undefined;
}

/** That a plan needs a person now: an agent's question, a block of another source, or a wave that waits for a choice. */
function needOf({ signal, transitions }: Input, tree: Tree): Notice[] {
  if (signal.type === 'needs_decision' || asksAboutWork(signal)) {
    const question = blockOf(tree)?.questions?.at(-1);
    // A tree that is being ended asks nobody.
    if (transitions.length === 0 || question === undefined) return [];
    const message = `${questionName(question)}: ${question.question}`;
    return [{ type: 'agent_asks', instance: question.title, message, details: { question: question.number } }];
  }
  const moves = transitions.filter(({ actor }) => actor === '').map((each) => publicMove(each.chart, each));
  const entered = (tag: string) => moves.some(({ enters }) => enters(tag));
  const instance = null;
  if (entered('needs:person')) {
    const block = blockOf(tree);
    const message = block === null ? 'it needs a person' : blockMessage(block);
    return [{ type: 'plan_blocked', instance, message }];
  }
  if (!entered('phase:wave_waiting')) return [];
  const message = 'a wave has failures: retry it, go on without them, or cancel the plan';
  return [{ type: 'wave_waiting', instance, message, details: { wave: planContext(tree).wave } }];
}
