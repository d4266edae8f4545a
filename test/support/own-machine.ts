/** A user-defined machine as a program would write it: it publishes a version when a person approves. */
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { defineMachine, type EffectRun } from '../../runtime/engine/engine.ts';

export interface ReleaseContext {
  version: string;
  url: string | null;
  why: string | null;
  heard: string[];
}

export type ReleaseEvent =
  | { type: 'approve' }
  | { type: 'refuse'; reason: string }
  | { type: 'published'; url: string }
  | { type: 'effect_failed'; effect: string; detail: string }
  | { type: 'message_failed'; to: string; message: string }
  | { type: 'plan_done'; project: string; plan: string }
  | { type: 'expired' };

const words = setup({
  types: {
    context: {} as ReleaseContext,
    input: {} as { version: string },
    events: {} as ReleaseEvent,
    tags: '' as 'needs a person' | 'works',
  },
  actions: {
    publish: (_, _params: { version: string }) => {},
    giveUpPublishing: () => {},
    expire: () => {},
    watchPlan: () => {},
    notifyOther: () => {},
    notePublished: assign({ url: ({ event }) => (event.type === 'published' ? event.url : null) }),
    noteFailure: assign({ why: ({ event }) => (event.type === 'effect_failed' ? event.detail : 'a message failed') }),
    hear: assign({
      heard: ({ context, event }) => (event.type === 'plan_done' ? [...context.heard, event.plan] : context.heard),
    }),
  },
});

export const releaseMachine = words.createMachine({
  id: 'release',
  description: 'publishes a version when a person says yes',
  context: ({ input }) => ({ version: input.version, url: null, why: null, heard: [] }),
  initial: 'asking',
  on: { plan_done: { actions: 'hear' }, message_failed: { actions: 'noteFailure' } },
  states: {
    asking: {
      tags: 'needs a person',
      entry: ['expire', 'watchPlan'],
      on: { approve: 'publishing', refuse: { target: 'refused', actions: 'notifyOther' }, expired: 'refused' },
    },
    publishing: {
      tags: 'works',
      entry: { type: 'publish', params: ({ context }) => ({ version: context.version }) },
      on: {
        published: { target: 'out', actions: 'notePublished' },
        effect_failed: { target: 'asking', actions: 'noteFailure' },
        refuse: { target: 'refused', actions: ['giveUpPublishing', 'notifyOther'] },
      },
    },
    out: { type: 'final' },
    refused: { type: 'final' },
  },
});

type Publish = (run: EffectRun<{ version: string }>) => Promise<ReleaseEvent | undefined>;

export interface ReleaseParts {
  readonly publish?: Publish;
  readonly expireMs?: number;
  readonly attempts?: number;
  readonly timeoutMs?: number;
  readonly limit?: number;
  /** The publishing host. */
  readonly host?: string;
  /** `<project>/<plan>`. */
  readonly watches?: { readonly project: string; readonly plan: string };
  /** The tree that is notified of a refusal. */
  readonly notifies?:
    | { readonly machine: string; readonly id: string }
    | { readonly project: string; readonly plan: string };
  /** The signal for it. */
  readonly says?: { readonly type: string; readonly payload: Readonly<Record<string, unknown>> };
}

export function defineRelease(parts: ReleaseParts = {}) {
  const {
    publish = async ({ input }) => ({ type: 'published', url: `https://${input.version}` }),
    watches,
    notifies,
    says = { type: 'cancel', payload: {} },
  } = parts;
  const { expireMs = 3_600_000, attempts = 5, timeoutMs = 60_000, limit = 4 } = parts;
  const at = parts.host === undefined ? {} : { host: parts.host };
  return defineMachine({
    name: 'release',
    machine: releaseMachine,
    version: 1,
    signals: { approve: z.strictObject({}), refuse: z.strictObject({ reason: z.string().min(1) }) },
    effects: {
      publish: { run: publish, attempts, timeoutMs, limit, stoppedBy: ['giveUpPublishing'], ...at },
      expire: { afterMs: expireMs, event: 'expired', stoppedBy: ['publish'] },
      watchPlan: { watch: () => (watches === undefined ? [] : [watches]) },
      notifyOther: {
        send: () => ({ to: notifies ?? { machine: 'release', id: 'nobody' }, ...says }),
      },
    },
    view: ({ context: { version } }) => ({ version }),
  });
}
