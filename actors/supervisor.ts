/** The supervisor's named actions as wishes: a registered repo gets its tree. */
import { repoTree } from '../machines/ids.ts';
import { supervisorMachine } from '../machines/supervisor.ts';
import type { Ports } from './ports.ts';

export function bindSupervisor(ports: Ports) {
  return supervisorMachine.provide({
    actions: {
      openRepo: ({ event }) => {
        if (event.type === 'repo_registered')
          ports.tell(repoTree(event.project), 'repo_opened', { policy: event.policy });
      },
    },
  });
}
