/** Steps of a plan's tree as its recorder writes them down, each transition on one line, without playing a plan until it makes them. */
import type { AgentSnapshot, Transition } from '../../actors/recorder.ts';
import type { Step } from '../../actors/tree.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { agentInput } from './agent-input.ts';
import { contextOf } from './family.ts';

/** The chart of the actor with that path. */
function chartAt(actor: string): Transition['chart'] {
  const name = actor.slice(actor.lastIndexOf('/') + 1);
  if (name === '') return machines.plan;
  const machine = (['wave', 'task'] as const).find((one) => name.startsWith(`${one}-`)) ?? 'agent';
  return machines[machine];
}

/** `implement_start: lifecycle.ready.planned > lifecycle.done`; before it the path of the actor, if it is not the root. Nothing before `>`: its first state. */
function transitionOf(line: string): Transition {
  const found = /^(?:(\S+) )?(\w+): (?:(\S+) )?> (\S+)$/.exec(line);
  if (found === null) throw new Error(`no transition: ${line}`);
  const [, actor = '', event = '', from = '', to = ''] = found;
  return { actor, event, from, to, chart: chartAt(actor) };
}

/** One signal, and the transitions that it caused. */
interface Recorded {
  readonly signal?: SignalType;
  readonly payload?: object;
  readonly lines?: readonly string[];
}

/** `agents`: those that it touched, as they are after it. */
export function stepWith(inputs: readonly Recorded[], agents: readonly AgentSnapshot[] = []): Step {
  const recorded = inputs.map(({ signal: type = 'timer_due', payload = {}, lines = [] }) => ({
    signal: { type, payload, origin: 'engine', actor: '', run: null, at: 9 } as const,
    transitions: lines.map(transitionOf),
  }));
  return {
    ...{ verdict: { status: 'done', result: 'done' }, inputs: recorded, upgrade: null, agents, released: false },
    requests: { effects: [], timers: [], stops: [], signals: [] },
  };
}

export function agentAt(path: string, more: Partial<AgentContext> = {}): AgentSnapshot {
  const context = { ...(contextOf('agent') as AgentContext), ...agentInput, path, ...more }; // as its name says
  return { path, tags: new Set(), context };
}
