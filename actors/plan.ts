/** A plan's named actions as requests: the right to implement, words to its repo, an archived branch. */

import { approvalOf } from '../machines/plan/context.ts';
import { planMachine } from '../machines/plan/machine.ts';
import { placeOf } from '../machines/vocabulary/effect.ts';
import { draftBranch, idOf, repoTree, requestId } from '../machines/vocabulary/ids.ts';
import { bindAgent } from './agent.ts';
import type { Ports } from './ports.ts';
import { bindTask } from './task.ts';
import { bindWave } from './wave.ts';

export function bindPlan(ports: Ports) {
  return planMachine.provide({
    actors: { agent: bindAgent(ports), task: bindTask(ports), wave: bindWave(ports) },
    actions: {
      askGrant: ({ context: { project, plan, topic, after, policy, request } }) =>
        ports.sendSignal(repoTree(project), 'implement_requested', {
          plan,
          topic,
          after,
          priority: policy.priority,
          request,
        }),
      tellReleased: ({ context: { project, plan } }) =>
        ports.sendSignal(repoTree(project), 'implement_released', { plan }),
      tellRepoDone: ({ context: { project, plan } }) => ports.sendSignal(repoTree(project), 'plan_done', { plan }),
      tellRepoUndone: ({ context: { project, plan } }) => ports.sendSignal(repoTree(project), 'plan_undone', { plan }),
      askArchive: ({ context }) =>
        ports.ask({ kind: 'branch.archive', id: idOf(context.work), branch: context.branch, pass: context.pass }),
      askBase: ({ context: { work, branch, after } }) =>
        ports.ask({ kind: 'branch.base', id: idOf(work), branch, after }),
      askTimer: ({ context }) => ports.timer({ id: idOf(context.timer), dueAt: context.dueAt }),
      askPlanMerge: ({ context }) => {
        const { branch, plan, title, merge } = context;
        ports.ask({
          kind: 'plan.merge',
          id: idOf(merge?.work ?? null),
          branch,
          into: merge?.into ?? null,
          message: `Merge plan ${plan}${title === null ? '' : `: ${title}`}`,
          approved: approvalOf(context),
          ...(merge?.withAfter === true ? { withAfter: true } : {}),
        });
      },
      askPlanPull: ({ context }) =>
        ports.ask({
          kind: 'plan.pull',
          id: idOf(context.pull?.work ?? null),
          branch: context.branch,
          approved: approvalOf(context),
          request: context.pull?.request?.number ?? null,
        }),
      askPullMerge: ({ context: { branch, pull } }, act) => {
        const { number = 0, head = '' } = pull?.request ?? {};
        ports.ask({ kind: 'pull.merge', id: idOf(pull?.work ?? null), branch, number, head, act });
      },
      askMergeWithdrawal: ({ context: { path, count, branch, pull } }) => {
        const { number = 0, head = '' } = pull?.request ?? {};
        ports.ask({ kind: 'pull.merge', id: requestId(path, count), branch, number, head, act: 'withdraw' });
      },
      askDraftRemoval: ({ context: { path, count, branch } }, number) =>
        ports.ask({
          kind: 'worktree.remove',
          id: requestId(path, count),
          place: placeOf({ branch: draftBranch(branch, number), from: branch }),
        }),
      showDraft: ({ context: { drafts = [] } }) => {
        const chosen = drafts.find(({ state }) => state === 'chosen');
        if (chosen?.content != null) ports.document(chosen.content);
      },
      askRemoval: ({ context: { path, count, branch, session } }) =>
        ports.ask({
          kind: 'worktree.remove',
          id: requestId(path, count),
          place: placeOf({ branch, from: branch, ...session }),
        }),
    },
  });
}
