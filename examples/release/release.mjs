/**
 * A release train as a machine of one's own: it waits for plans, asks a person, publishes, and tells the plan that comes next. The chart says when; what
 * is done in the world stands in `effects`. Whatever line the process is killed at, the next engine goes on from there.
 */

import { defineMachine, FatalError } from 'stator';
import { assign, setup } from 'xstate';
import { z } from 'zod';

const machine = setup({
  types: {
    context:
      /** @type {{ project: string, version: string, waiting: string[], published: string | null, why: string | null }} */ ({}),
    input: /** @type {{ project: string, version: string, plans: string[] }} */ ({}),
    events:
      /** @type {{ type: 'plan_done', plan: string } | { type: 'approve' } | { type: 'refuse', reason: string } | { type: 'published', url: string } | { type: 'effect_failed', detail: string } | { type: 'reminder_due' }} */ ({}),
    tags: /** @type {'waits for plans' | 'needs a person' | 'works' | 'failed'} */ (''),
  },
  actions: {
    watchPlans: () => {},
    remind: () => {},
    publish: (_, /** @type {{ version: string }} */ _params) => {},
    notePlan: assign({
      waiting: ({ context, event }) =>
        event.type === 'plan_done' ? context.waiting.filter((plan) => plan !== event.plan) : context.waiting,
    }),
    notePublished: assign({ published: ({ event }) => (event.type === 'published' ? event.url : null) }),
    noteFailure: assign({ why: ({ event }) => (event.type === 'effect_failed' ? event.detail : null) }),
  },
  guards: {
    isLast: ({ context, event }) => event.type === 'plan_done' && context.waiting.every((plan) => plan === event.plan),
  },
}).createMachine({
  id: 'release',
  description: 'publishes a version when its plans are done and a person says yes',
  context: ({ input: { project, version, plans } }) => ({
    project,
    version,
    waiting: plans,
    published: null,
    why: null,
  }),
  initial: 'collecting',
  states: {
    collecting: {
      tags: 'waits for plans',
      entry: 'watchPlans',
      on: { plan_done: [{ guard: 'isLast', target: 'asking', actions: 'notePlan' }, { actions: 'notePlan' }] },
    },
    asking: {
      tags: 'needs a person',
      entry: 'remind',
      on: { approve: 'publishing', refuse: 'refused', reminder_due: { target: 'asking', reenter: true } },
    },
    publishing: {
      tags: 'works',
      entry: { type: 'publish', params: ({ context }) => ({ version: context.version }) },
      on: {
        published: { target: 'out', actions: 'notePublished' },
        effect_failed: { target: 'failed', actions: 'noteFailure' },
      },
    },
    failed: { tags: 'failed', on: { approve: 'publishing', refuse: 'refused' } },
    out: { type: 'final' },
    refused: { type: 'final' },
  },
});

export default defineMachine({
  name: 'release',
  machine,
  version: 1,
  signals: { approve: z.strictObject({}), refuse: z.strictObject({ reason: z.string() }) },
  effects: {
    watchPlans: { watch: ({ context: { project, waiting } }) => waiting.map((plan) => ({ project, plan })) },
    remind: { afterMs: 24 * 3_600_000, event: 'reminder_due', stoppedBy: ['publish'] },
    publish: {
      attempts: 3,
      timeoutMs: 60_000,
      run: async ({ input: { version }, key, signal }) => {
        const registry = process.env.RELEASE_REGISTRY;
        if (registry === undefined) throw new FatalError('RELEASE_REGISTRY is not set');
        // The key is the same at every try, so the registry takes it once.
        const answer = await fetch(`${registry}/${version}`, {
          method: 'PUT',
          headers: { 'idempotency-key': key },
          signal,
        });
        if (!answer.ok) throw new Error(`the registry answered ${answer.status}`);
        return { type: 'published', url: `${registry}/${version}` };
      },
    },
  },
  view: ({ context: { version, waiting } }) => ({ version, waiting }),
});
