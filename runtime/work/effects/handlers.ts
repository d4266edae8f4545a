/** One handler for each kind of effect: a new kind does not compile until someone handles it. */

import type { Effect } from '../../../machines/vocabulary/effect.ts';
import type { Handler, Handlers } from '../../core/outbox/handler.ts';
import { withEnding } from '../git/ending.ts';
import { withNotes } from '../git/notes.ts';
import { type AgentRunParts, createAgentRun } from './agent-run.ts';
import { createBranchBase } from './branch-base.ts';
import { createCheck } from './check.ts';
import { createFreeze } from './freeze.ts';
import { createHookDeliver } from './hook-deliver.ts';
import type { HookParts } from './hook-senders.ts';
import { createLandingCheck, createLandingFind, createLandingMerge, createLandingPrepare } from './landing.ts';
import { createMachineEffect, type MachineEffectParts } from './machine-effect.ts';
import { createPermissionAnswer } from './permission-answer.ts';
import { createPlanMerge } from './plan-merge.ts';
import { createPlanPull } from './plan-pull.ts';
import { createPullMerge, type PullMergeParts } from './pull-merge.ts';
import { createRefsPush } from './refs-push.ts';
import { createTyping } from './typing.ts';
import { createBranchArchive, createCommit, createMerge, createUndo, createWorktreeRemove } from './work.ts';

type HandlerParts = AgentRunParts & HookParts & PullMergeParts & MachineEffectParts;

export function createHandlers(parts: HandlerParts): Handlers {
  const freeze = createFreeze(parts);
  const handlers: Handlers = {
    'agent.run': createAgentRun(parts),
    'agent.freeze': freeze,
    'agent.thaw': freeze,
    'agent.answer': createPermissionAnswer(parts),
    'agent.type': createTyping(parts),
    'work.commit': createCommit(parts),
    'work.check': createCheck(parts),
    'work.merge': createMerge(parts),
    'work.undo': createUndo(parts),
    'worktree.remove': createWorktreeRemove(parts),
    'branch.archive': createBranchArchive(parts),
    'branch.base': createBranchBase(parts),
    'plan.merge': createPlanMerge(parts),
    'landing.find': createLandingFind(parts),
    'landing.prepare': createLandingPrepare(parts),
    'landing.check': createLandingCheck(parts),
    'landing.merge': createLandingMerge(parts),
    'hook.deliver': createHookDeliver(parts),
    'plan.pull': createPlanPull(parts),
    'pull.merge': createPullMerge(parts),
    'refs.push': createRefsPush(parts),
    'machine.effect': createMachineEffect(parts),
  };
  const bound = Object.entries(handlers).map(([kind, handler]) => [kind, withGit(handler as Handler<Effect>, parts)]);
  return Object.fromEntries(bound) as Handlers; // each under its own kind, as above
}

/** Every git that a handler starts ends with the effect, however deep in the handler's calls it was started, and the log has git's repairs. */
function withGit(handler: Handler<Effect>, { log }: Pick<HandlerParts, 'log'>): Handler<Effect> {
  return (effect, context) =>
    withEnding(context.over, () =>
      withNotes(
        (text) => log.warn(`${effect.kind} ${context.row.key}: ${text}`),
        () => handler(effect, context),
      ),
    );
}
