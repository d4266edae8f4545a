/** The supervisor stores only the names of its repositories, so that a broken repository never stops the others. */
import { assertEvent, assign, setup } from 'xstate';
import type { Policy } from '../vocabulary/policy.ts';
import type { SupervisorTag } from '../vocabulary/public-state.ts';
import type { SignalEvent } from '../vocabulary/signal.ts';

export interface SupervisorContext {
  repos: string[];
}

export type SupervisorEvent = SignalEvent<
  'repo_registered' | 'repo_removed' | 'supervisor_draining' | 'supervisor_stopped' | 'supervisor_started'
>;

const words = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as { at: number },
    tags: {} as SupervisorTag,
  },
  actions: {
    openRepo: (_, _params: { project: string; policy: Policy }) => {},
    addRepo: assign(({ context, event }) => {
      assertEvent(event, 'repo_registered');
      return { repos: [...context.repos.filter((name) => name !== event.project), event.project] };
    }),
    dropRepo: assign(({ context, event }) => {
      assertEvent(event, 'repo_removed');
      return { repos: context.repos.filter((name) => name !== event.project) };
    }),
  },
});

const base = words.extend({
  actions: {
    enterRepo: words.enqueueActions(({ event, enqueue }) => {
      assertEvent(event, 'repo_registered');
      const { project, policy } = event;
      enqueue({ type: 'openRepo', params: { project, policy } });
    }),
  },
});

const names = {
  repo_registered: { actions: ['addRepo', 'enterRepo'] },
  repo_removed: { actions: 'dropRepo' },
} as const;

/** The chart of the supervisor, which knows the repositories by name. An XState machine without effects. */
export const supervisorMachine = base.createMachine({
  id: 'supervisor',
  version: '1',
  description: 'the engine over all repos',
  context: { repos: [] },
  initial: 'running',
  states: {
    running: {
      description: 'the engine works',
      tags: ['engine:running'],
      on: {
        ...names,
        supervisor_draining: 'draining',
        supervisor_started: { description: 'it was not stopped in order' },
      },
    },
    draining: {
      description: 'nothing new is started; what is under way is recorded',
      tags: ['engine:draining'],
      on: { ...names, supervisor_stopped: 'stopped', supervisor_started: 'running' },
    },
    stopped: {
      description: 'the engine is gone; the rows remain',
      tags: ['engine:stopped'],
      on: { supervisor_started: 'running' },
    },
  },
});
