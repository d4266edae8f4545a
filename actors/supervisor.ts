/** The supervisor's named actions as requests: a registered repo gets its tree. */

import { supervisorMachine } from '../machines/supervisor/machine.ts';
import { repoTree } from '../machines/vocabulary/ids.ts';
import type { Ports } from './ports.ts';

export function bindSupervisor(ports: Ports) {
  return supervisorMachine.provide({
    actions: {
      openRepo: (_, { project, policy }) => ports.sendSignal(repoTree(project), 'repo_opened', { policy }),
    },
  });
}
