/**
 * What people are told of a step, written in the commit of the step itself: so each transition tells exactly once, whatever dies meanwhile. An agent on
 * its way through the queue tells five things; a plan that needs a person tells which kind of need it is.
 */
import { blockOf } from '../../actors/plan-view.ts';
import type { AgentSnapshot, Transition } from '../../actors/recorder.ts';
import type { Input, Step, Tree } from '../../actors/tree.ts';
import type { NotificationType } from '../../machines/vocabulary/notification.ts';
import type { SignalPayload } from '../../machines/vocabulary/signal.ts';
import type { ChangeOf, PlanKey } from '../store/port.ts';

/** A message is one line of a list: what is longer stands in `plan explain` and in the agent's log. */
const messageLimit = 1_000;

/** What a step of a plan's tree tells people, in the order in which it came about. */
export function notificationsOf(
  plan: PlanKey,
  { tree, step, at }: { readonly tree: Tree; readonly step: Step; readonly at: number },
): ChangeOf<'notification.insert'>[] {
  const agents = new Map(step.agents.map((agent) => [agent.path, agent]));
  return step.inputs.flatMap((input) => {
    const told = input.transitions.flatMap((transition) => toldBy(transition, agents) ?? []);
    return [...told, ...needOf(input, tree), ...permissionOf(input, step.agents)].map(({ type, message }) =>
      notification(plan, { type, message, at }),
    );
  });
}

/** One row, its message cut to what a list shows. */
export function notification(
  { project, plan }: PlanKey,
  { type, message, at }: { readonly type: NotificationType; readonly message: string; readonly at: number },
): ChangeOf<'notification.insert'> {
  return { do: 'notification.insert', type, project, plan, message: message.slice(0, messageLimit), at };
}

interface Told {
  readonly type: NotificationType;
  readonly message: string;
}

/** An agent's step through the queue; null: it is none, or it tells nothing. A later attempt waits in the queue as the same item. */
function toldBy({ actor, from, to }: Transition, agents: ReadonlyMap<string, AgentSnapshot>): Told | null {
  const context = agents.get(actor)?.context;
  if (context === undefined) return null;
  const { title, failures, reason, detail } = context;
  const attempt = `attempt ${failures + 1}`;
  if (from === '' && to === 'queued') return { type: 'task_queued', message: `${title} waits for a slot` };
  if (to === 'starting') return { type: 'task_dequeued', message: `${title} has a slot (${attempt})` };
  if (from === 'starting' && to === 'running') return { type: 'task_started', message: `${title} works (${attempt})` };
  if (to === 'succeeded') return { type: 'task_completed', message: `${title} is done` };
  if (to !== 'failed') return null;
  return { type: 'task_error', message: `${title} failed: ${withDetail(reason ?? 'no attempt is left', detail)}` };
}

function withDetail(reason: string, detail: string): string {
  const line = detail.trim().split('\n').at(-1) ?? '';
  return line === '' ? reason : `${reason}: ${line}`;
}

/** A question that an agent's program asks a person: one for each, also where it waits for another already. */
function permissionOf({ signal }: Input, agents: readonly AgentSnapshot[]): Told[] {
  if (signal.type !== 'run_waiting') return [];
  const { permission } = signal.payload as SignalPayload<'run_waiting'>; // as its type says
  return agents.flatMap(({ context: { title, permissions } }) =>
    permissions
      .filter(({ id }) => id === permission)
      .map(({ tool, detail }) => ({
        type: 'agent_asks',
        message: `${title} asks (${permission}) whether it may use ${tool}: ${detail.replace(/\s+/g, ' ')}`,
      })),
  );
}

/** That a plan needs a person now: an agent's question, a block of another source, or a wave that waits for a choice. */
function needOf({ signal, transitions }: Input, tree: Tree): Told[] {
  const entered = (state: string) => transitions.some(({ actor, to }) => actor === '' && to.startsWith(state));
  if (signal.type === 'needs_decision') {
    return transitions.length === 0
      ? []
      : [{ type: 'agent_asks', message: blockOf(tree)?.reason ?? 'a decision is needed' }];
  }
  if (entered('attention.blocked')) {
    const block = blockOf(tree);
    return [
      { type: 'plan_blocked', message: block === null ? 'it needs a person' : `${block.source}: ${block.reason}` },
    ];
  }
  if (transitions.some(({ actor, to }) => actor === '' && to.endsWith('.wave.waiting')))
    return [{ type: 'wave_waiting', message: 'a wave has failures: retry it, go on without them, or cancel the plan' }];
  return [];
}
