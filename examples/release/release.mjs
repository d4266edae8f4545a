/**
 * A release train as a user-defined machine: it waits for plans, asks a person, publishes, and notifies the next plan. The chart decides when;
 * `effects` has the actions in the world. If the process is killed at any line, the next engine continues from there. `upgrades` converts the stored
 * state of version 1; release.test.mjs shows how such a machine is tested.
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
    hasAll: ({ context }) => context.waiting.length === 0,
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
      on: { plan_done: { actions: 'notePlan' } },
      always: { guard: 'hasAll', target: 'asking' },
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

/**
 * Version 1 called the first state `waiting`, kept the plans as `plans` and the address as `url`, and did not keep why publishing failed. Other
 * stored values stay.
 *
 * @param {{ value: string, context: { project: string, version: string, plans: string[], url: string | null } }} stored
 */
export function from1({ value, context: { plans, url, ...kept }, ...rest }) {
  return {
    ...rest,
    value: value === 'waiting' ? 'collecting' : value,
    context: { ...kept, waiting: plans, published: url, why: null },
  };
}

/**
 * Publishes a version to the registry. The key is the same at every try, so the registry publishes it once.
 *
 * @param {import('stator').EffectRun<{ version: string }>} run
 */
export async function publish({ input: { version }, key, signal }) {
  const registry = process.env.RELEASE_REGISTRY;
  if (registry === undefined) throw new FatalError('RELEASE_REGISTRY is not set');
  const url = `${registry}/${version}`;
  const answer = await fetch(url, { method: 'PUT', headers: { 'idempotency-key': key }, signal });
  if (!answer.ok) throw new Error(`the registry answered ${answer.status}`);
  return { type: /** @type {const} */ ('published'), url };
}

export default defineMachine({
  name: 'release',
  machine,
  version: 2,
  upgrades: { 1: from1 },
  signals: { approve: z.strictObject({}), refuse: z.strictObject({ reason: z.string() }) },
  effects: {
    watchPlans: { watch: ({ context: { project, waiting } }) => waiting.map((plan) => ({ project, plan })) },
    remind: { afterMs: 24 * 3_600_000, event: 'reminder_due', stoppedBy: ['publish'] },
    publish: {
      attempts: 3,
      timeoutMs: 60_000,
      run: publish,
    },
  },
  view: ({ context: { version, waiting } }) => ({ version, waiting }),
  notices: {
    'needs a person': ({ context: { version } }) =>
      `may ${version} be published? stator machine send release … approve`,
    failed: ({ context: { version, why } }) => `${version} is not published: ${why}`,
  },
});
