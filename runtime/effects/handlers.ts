/** One handler for each kind of effect: a new kind does not compile until someone handles it. */

import { type AgentRunParts, createAgentRun } from './agent-run.ts';
import { createBranchBase } from './branch-base.ts';
import { createCheck } from './check.ts';
import { createFreeze } from './freeze.ts';
import type { Handlers } from './handler.ts';
import { createHookDeliver, type HookParts } from './hook-deliver.ts';
import { createMachineEffect, type MachineEffectParts } from './machine-effect.ts';
import { createPermissionAnswer } from './permission-answer.ts';
import { createPlanMerge } from './plan-merge.ts';
import { createPlanPull } from './plan-pull.ts';
import { createPullMerge, type PullMergeParts } from './pull-merge.ts';
import { createBranchArchive, createCommit, createMerge, createUndo, createWorktreeRemove } from './work.ts';

export function createHandlers(parts: AgentRunParts & HookParts & PullMergeParts & MachineEffectParts): Handlers {
  const freeze = createFreeze(parts);
  return {
    'agent.run': createAgentRun(parts),
    'agent.freeze': freeze,
    'agent.thaw': freeze,
    'agent.answer': createPermissionAnswer(parts),
    'work.commit': createCommit(parts),
    'work.check': createCheck(parts),
    'work.merge': createMerge(parts),
    'work.undo': createUndo(parts),
    'worktree.remove': createWorktreeRemove(parts),
    'branch.archive': createBranchArchive(parts),
    'branch.base': createBranchBase(parts),
    'plan.merge': createPlanMerge(parts),
    'hook.deliver': createHookDeliver(parts),
    'plan.pull': createPlanPull(parts),
    'pull.merge': createPullMerge(parts),
    'machine.effect': createMachineEffect(parts),
  };
}
