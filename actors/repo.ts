/** A repo's named actions as requests: it tells plans that they may implement. */

import { repoMachine } from '../machines/repo/machine.ts';
import { planTree, type TreeAddress } from '../machines/vocabulary/ids.ts';
import type { Ports } from './ports.ts';

export function bindRepo(ports: Ports) {
  return repoMachine.provide({
    actions: {
      tellGranted: ({ context }, { plan, request }) =>
        ports.sendSignal(planTree(context.project, plan), 'implement_granted', { request }),
      tellWatcher: ({ context: { project } }, { plan, watcher }) =>
        ports.sendAny({ tree: watcher as TreeAddress, type: 'plan_done', payload: { project, plan } }), // as its tree gave it
    },
  });
}
