/** A task's named actions as requests: a commit, a check, a merge, a worktree taken away. */

import { type TaskContext, taskMachine } from '../machines/task/machine.ts';
import { placeOf } from '../machines/vocabulary/effect.ts';
import { idOf, requestId } from '../machines/vocabulary/ids.ts';
import { bindAgent } from './agent.ts';
import type { Ports } from './ports.ts';

function place({ agent }: TaskContext) {
  return placeOf(agent);
}

export function bindTask(ports: Ports) {
  return taskMachine.provide({
    actors: { agent: bindAgent(ports) },
    actions: {
      askCommit: ({ context }) =>
        ports.ask({
          kind: 'work.commit',
          id: idOf(context.work),
          run: idOf(context.run),
          place: place(context),
          message: context.message,
          aside: false,
        }),
      askCheck: ({ context }) =>
        ports.ask({
          kind: 'work.check',
          id: idOf(context.work),
          run: idOf(context.run),
          place: place(context),
          wave: context.wave,
          task: context.number,
        }),
      stopCheck: ({ context, event }) =>
        ports.stop({ run: idOf(context.work), stopAt: 'at' in event ? event.at : context.at }),
      askMerge: ({ context }) =>
        ports.ask({
          kind: 'work.merge',
          id: idOf(context.work),
          place: place(context),
          message: context.message,
        }),
      askUndo: ({ context }) =>
        ports.ask({
          kind: 'work.undo',
          id: requestId(context.path, context.count),
          run: idOf(context.last?.run ?? null),
          place: place(context),
        }),
      askRemoval: ({ context }) =>
        ports.ask({ kind: 'worktree.remove', id: requestId(context.path, context.count), place: place(context) }),
      askClearing: ({ context }) =>
        ports.ask({
          kind: 'worktree.remove',
          id: requestId(context.path, context.count),
          place: place(context),
          unstarted: idOf(context.last?.run ?? null),
        }),
    },
  });
}
