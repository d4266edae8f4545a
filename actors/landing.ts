/** The named actions of a branch's line as requests: the merges of the plans at its head, the check of the last one, and the messages to these plans. */
import { type Entrant, type LandingContext, landingMachine } from '../machines/landing/machine.ts';
import { idOf, planTree } from '../machines/vocabulary/ids.ts';
import type { Ports } from './ports.ts';

export function bindLanding(ports: Ports) {
  return landingMachine.provide({
    actions: {
      askPrepare: ({ context }) => {
        const { current, batch, branch: into } = context;
        if (current === null) throw new Error('a line asked for a merge while no plan is at its head');
        const { plan, branch, message, approval: approved, ...more } = current;
        const on = batch?.merged.at(-1)?.commit ?? null;
        const id = idOf(context.work);
        ports.ask({ kind: 'landing.prepare', id, plan, branch, into, message, approved, on, ...byForge(more) });
      },
      askCheck: ({ context }) => {
        const { last, batch } = batchOf(context);
        ports.ask({ kind: 'landing.check', ...workOf(context), commit: last.commit, command: batch.check });
      },
      stopWork: ({ context, event }) => ports.stop({ run: idOf(context.work), stopAt: event.at }),
      askMerge: ({ context }) => {
        const { last, batch } = batchOf(context);
        const { commit, tip } = last;
        ports.ask({ kind: 'landing.merge', ...workOf(context), commit, base: batch.base, tip });
      },
      reportMerged: ({ context: { project, branch } }, { entrant: { plan, request }, head, tip, note }) =>
        ports.sendSignal(planTree(project, plan), 'plan_merged', {
          ...{ head, into: branch, tip, request },
          ...(note && { note }),
        }),
      reportRefused: ({ context: { project } }, { entrant: { plan, request }, refused }) =>
        ports.sendSignal(planTree(project, plan), 'merge_refused', { ...refused, request }),
      reportLeft: ({ context: { project } }, { entrant: { plan, request } }) =>
        ports.sendSignal(planTree(project, plan), 'line_left', { request }),
    },
  });
}

/** The last of the plans that land together: its merge contains the others. */
function workOf(context: LandingContext) {
  const { entrant } = batchOf(context).last;
  const { plan, branch } = entrant;
  return { id: idOf(context.work), plan, branch, into: context.branch, ...byForge(entrant) };
}

function byForge({ pull }: Pick<Entrant, 'pull'>) {
  return pull === undefined ? {} : { pull };
}

function batchOf({ batch }: LandingContext) {
  const last = batch?.merged.at(-1);
  if (batch === null || last === undefined) throw new Error('a line asked for the work on a merge before it was made');
  return { batch, last };
}
