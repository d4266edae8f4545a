/** A repo's named actions as requests: signals to plans that may implement, and to watchers of done plans. */

import { repoMachine } from '../machines/repo/machine.ts';
import { planTree, type TreeAddress } from '../machines/vocabulary/ids.ts';
import type { Ports } from './ports.ts';

export function bindRepo(ports: Ports) {
  return repoMachine.provide({
    actions: {
      reportGranted: ({ context }, { plan, request }) =>
        ports.sendSignal(planTree(context.project, plan), 'implement_granted', { request }),
      notifyWatcher: ({ context: { project } }, { plan, watcher }) =>
        ports.sendAny({ tree: watcher as TreeAddress, type: 'plan_done', payload: { project, plan } }), // as its tree gave it
    },
  });
}
