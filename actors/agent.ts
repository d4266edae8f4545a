/** An agent's named actions as requests: a run, its end, its timers, its work kept aside. */

import type { AgentContext } from '../machines/agent/context.ts';
import { agentMachine } from '../machines/agent/machine.ts';
import { permissionOf } from '../machines/agent/setup.ts';
import { type AgentRun, placeOf } from '../machines/vocabulary/effect.ts';
import { idOf, requestId } from '../machines/vocabulary/ids.ts';
import type { Ports } from './ports.ts';

export function bindAgent(ports: Ports) {
  return agentMachine.provide({
    actions: {
      askRun: ({ context }) => ports.ask(runOf(context)),
      stopRun: ({ context, event }, { afterMs }) =>
        ports.stop({ run: idOf(context.run), stopAt: ('at' in event ? event.at : context.at) + afterMs }),
      askTimer: ({ context }) => ports.timer({ id: idOf(context.timer), dueAt: context.dueAt }),
      askKeep: ({ context }) =>
        ports.ask({
          kind: 'work.commit',
          id: requestId(context.path, context.count),
          run: idOf(context.run),
          place: placeOf(context),
          message: `${context.title}: attempt ${context.failures + 1}, kept aside`,
          aside: true,
        }),
      freezeRun: ({ context }) =>
        ports.ask({ kind: 'agent.freeze', id: requestId(context.path, context.count), run: idOf(context.run) }),
      thawRun: ({ context }) =>
        ports.ask({ kind: 'agent.thaw', id: requestId(context.path, context.count), run: idOf(context.run) }),
      askAnswer: ({ context, event }) =>
        ports.ask({
          kind: 'agent.answer',
          id: requestId(context.path, context.count),
          run: idOf(context.run),
          permission: idOf(permissionOf(context, event)?.id ?? null),
          isAllowed: event.type === 'agent_allow',
          message:
            event.type === 'timer_due' ? unanswered(context) : event.type === 'agent_deny' ? (event.message ?? '') : '',
        }),
    },
  });
}

/** Why a question that nobody answered is denied. */
function unanswered({ permissions: [question] }: AgentContext): string {
  const seconds = question === undefined ? 0 : Math.round((question.dueAt - question.askedAt) / 1_000);
  const within =
    seconds < 120
      ? `${seconds} s`
      : seconds < 7_200
        ? `${Math.round(seconds / 60)} min`
        : `${Math.round(seconds / 3_600)} h`;
  return `nobody answered within ${within}, so it is denied; do without it, or ask with: stator signal emit needs_decision --payload "<why>"`;
}

/** The run that an agent asks for, or would ask for as it stands. */
export function runOf(context: AgentContext): AgentRun {
  return {
    kind: 'agent.run',
    id: idOf(context.run),
    title: context.title,
    role: context.role,
    attempt: context.failures + 1,
    wave: context.wave,
    task: context.task,
    place: placeOf(context),
    idleMs: context.idleMs,
    feedback: context.feedback,
    previous: context.previous,
    question: context.question,
    answer: context.answer,
    messages: context.messages,
    start: context.start,
    ...(context.chooses === true ? { chooses: true } : {}),
  };
}
