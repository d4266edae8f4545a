/** The named actions of a branch's line as requests: the merge of the plan at its head, the check of it, and the message to that plan. */
import { type LandingContext, landingMachine } from '../machines/landing/machine.ts';
import { idOf, planTree } from '../machines/vocabulary/ids.ts';
import type { Ports } from './ports.ts';

export function bindLanding(ports: Ports) {
  return landingMachine.provide({
    actions: {
      askPrepare: ({ context }) => {
        const { message, approval: approved } = entrantOf(context);
        ports.ask({ kind: 'landing.prepare', ...workOf(context), message, approved });
      },
      askCheck: ({ context }) => {
        const { commit, check: command } = candidateOf(context);
        ports.ask({ kind: 'landing.check', ...workOf(context), commit, command });
      },
      stopCheck: ({ context, event }) => ports.stop({ run: idOf(context.work), stopAt: event.at }),
      askMerge: ({ context }) => {
        const { commit, base, tip } = candidateOf(context);
        ports.ask({ kind: 'landing.merge', ...workOf(context), commit, base, tip });
      },
      tellMerged: ({ context: { project, branch } }, { entrant: { plan, request }, head, tip }) =>
        ports.sendSignal(planTree(project, plan), 'plan_merged', { head, into: branch, tip, request }),
      tellRefused: ({ context: { project } }, { entrant: { plan, request }, refused }) =>
        ports.sendSignal(planTree(project, plan), 'merge_refused', { ...refused, request }),
      tellLeft: ({ context: { project } }, { entrant: { plan, request } }) =>
        ports.sendSignal(planTree(project, plan), 'line_left', { request }),
    },
  });
}

function workOf(context: LandingContext) {
  const { plan, branch } = entrantOf(context);
  return { id: idOf(context.work), plan, branch, into: context.branch };
}

function entrantOf({ current }: LandingContext) {
  if (current === null) throw new Error('a line asked for the work of a plan while none is at its head');
  return current;
}

function candidateOf({ candidate }: LandingContext) {
  if (candidate === null) throw new Error('a line asked for the work on a merge before it was made');
  return candidate;
}
