/** Hooks and their deliveries. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { hookEvents } from '../../../machines/vocabulary/hook-event.ts';
import { effectKey, planTree } from '../../../machines/vocabulary/ids.ts';
import { newDeliveryId } from '../../base/platform/delivery-id.ts';
import { later } from '../../base/platform/later.ts';
import type { OperationParts } from '../commands/commands.ts';
import { answerOf, listOf, type Of, operationWith, type Schemas, shape } from './operation.ts';

const operation = operationWith<OperationParts>();

const loadDelivery = later(() => import('../../work/effects/hook-senders.ts'));

const deliveryStates = ['pending', 'delivered', 'dead'] as const;

/** For a user-defined machine it is `<machine>.<tag>`. */
const notifiedEvent = ({ z }: Schemas) =>
  z.union([z.enum(hookEvents), z.templateLiteral([z.string(), '.', z.string()])]);

const hookEntry = shape((schemas) => {
  const { z, time, count, hookType } = schemas;
  return z
    .object({
      project: z.string(),
      hook: z.string(),
      type: hookType,
      /** The origin of the address, or the command; null: there is none. */
      target: z.string().nullable(),
      /** Empty: all events. */
      events: z.array(notifiedEvent(schemas)),
      /** `off`: it was switched off for `reason`. `disabled`: its configuration disables it. */
      state: z.enum(['on', 'failing', 'off', 'disabled']),
      reason: z.string().nullable(),
      /** Since when it is in that state; null: it is on, or the time is not known. */
      since: time.nullable(),
      pending: count,
      delivered: count,
      dead: count,
    })
    .meta({ id: 'Hook' });
});
/** A hook: its configuration, whether it is on, and the state of its deliveries. */
export interface HookEntry extends Of<typeof hookEntry> {}

const deliveryEntry = shape((schemas) => {
  const { z, time, count } = schemas;
  return z
    .object({
      id: z.string(),
      hook: z.string(),
      project: z.string(),
      plan: z.string(),
      event: notifiedEvent(schemas),
      state: z.enum(deliveryStates),
      attempts: count,
      /** When it is tried again; null: not again, or at its next turn. */
      next_at: time.nullable(),
      /** HTTP status, or exit code of a command. */
      last_status: z.int().nullable(),
      last_error: z.string().nullable(),
      sequence: count,
      created_at: time,
      finished_at: time.nullable(),
    })
    .meta({ id: 'Delivery' });
});
/** An event for a hook: its state, its tries, and the time of the next one. */
export interface DeliveryEntry extends Of<typeof deliveryEntry> {}

const deliveryShow = shape((schemas) => {
  const { z } = schemas;
  return deliveryEntry(schemas)
    .extend({
      /** The body of the request, or the standard input of the command. */
      body: z.string(),
      /** The end of a command's output. */
      output: z.string().nullable(),
    })
    .meta({ id: 'DeliveryShow' });
});
/** A delivery with its body and every try. */
export interface DeliveryShow extends Of<typeof deliveryShow> {}

const hookSwitched = shape(({ z, count }) =>
  z
    .object({
      status: z.enum(['enabled', 'disabled']),
      project: z.string(),
      hook: z.string(),
      /** false: the hook was in that state already. */
      changed: z.boolean(),
      /** Deliveries that were given up; `hook redeliver` sends them again. */
      dead: count,
    })
    .meta({ id: 'HookSwitched' }),
);
/** A hook that was switched on or off. */
export interface HookSwitched extends Of<typeof hookSwitched> {}

const hookTested = shape(({ z }) =>
  z
    .object({
      project: z.string(),
      hook: z.string(),
      delivered: z.boolean(),
      status: z.int().nullable(),
      error: z.string().nullable(),
      output: z.string().nullable(),
    })
    .meta({ id: 'HookTested' }),
);
/** The result of a hook's test. */
export interface HookTested extends Of<typeof hookTested> {}

const ofRepo = ({ line }: Schemas) => ({ project: line(255), hook: line(100) });
const delivery = ({ line }: Schemas) => ({ id: line(64) });
const nameArg = { type: 'positional', valueHint: 'name', description: 'the name of the hook' } as const;

export const hookOperations = {
  hooks: operation({
    http: 'GET /v1/hooks',
    does: 'the hooks in force, with how many deliveries each has in which state',
    who: 'anyone',
    input: ({ line }) => ({ project: line(255).optional() }),
    answer: listOf<HookEntry>(hookEntry),
    run: ({ views }, { project }) => views.hooks(project),
    verb: {
      name: 'list',
      listed: 'list the hooks',
      summary:
        'List the hooks of this repo with the state of their deliveries; outside of a repo, and with --all, of all repos.',
      takesAll: true,
      examples: ['stator hook list', 'stator hook list --all --json'],
    },
  }),
  deliveries: operation({
    http: 'GET /v1/hooks/deliveries',
    does: 'the deliveries of hooks, the newest first, at most 1,000',
    who: 'anyone',
    input: ({ z, line, digits }) => ({
      project: line(255).optional(),
      plan: line(256).optional(),
      hook: line(100).optional(),
      state: z.enum(deliveryStates).optional(),
      limit: digits.optional(),
    }),
    answer: listOf<DeliveryEntry>(deliveryEntry),
    run: ({ views }, filter) => views.deliveries(filter),
    verb: {
      name: 'deliveries',
      listed: 'list the deliveries; show one',
      summary: 'List the hook deliveries of this repo, newest first; outside of a repo, and with --all, of all repos.',
      args: {
        hook: { type: 'string', valueHint: 'name', description: 'of one hook only' },
        plan: { type: 'string', valueHint: 'plan', description: 'of one plan only' },
        state: {
          type: 'string',
          valueHint: 'state',
          description: 'pending, delivered or dead',
          oneOf: { values: deliveryStates, called: 'state of a delivery' },
        },
      },
      takesAll: true,
      examples: ['stator hook deliveries --state dead', 'stator hook deliveries --hook deploy --plan login --json'],
      more: 'Lists at most 1,000. Dead deliveries are kept: stator hook show prints the reason, stator hook redeliver sends one again.',
    },
  }),
  delivery: operation({
    http: 'GET /v1/hooks/deliveries/:id',
    does: 'one delivery, with its body and the end of a command’s output',
    who: 'person',
    input: delivery,
    answer: answerOf<DeliveryShow>(deliveryShow),
    errors: ['not_found'],
    run: ({ views }, { id }) => views.delivery(id),
    verb: {
      name: 'show',
      listed: { with: 'deliveries' },
      summary: 'Show one delivery: its body, its result, and the end of the output of a command.',
      args: { id: { type: 'positional', description: 'as stator hook deliveries lists it' } },
      examples: ['stator hook show msg_01k2x3y4z5abcdefghjkmnpqrs'],
    },
  }),
  redeliver: operation({
    http: 'POST /v1/hooks/deliveries/:id/redeliver',
    does: 'delivers it again under its own id, with all its tries',
    again: 'never',
    who: 'person',
    input: delivery,
    answer: answerOf<DeliveryEntry>(deliveryEntry),
    errors: ['not_found', 'conflict'],
    async run({ store, views, onChange }, { id }) {
      const { key } = await views.deliveryRow(id);
      const { status } = await store.commit([{ do: 'hook.redeliver', key }]);
      if (status === 'lost')
        throw new EngineError(
          'conflict',
          `delivery ${id} is pending; it is sent when its turn comes`,
          `see it with: stator hook show ${id}`,
        );
      onChange();
      return views.deliveryEntry(await views.deliveryRow(id));
    },
    verb: {
      name: 'redeliver',
      listed: 'deliver again; send a test event',
      summary: 'Deliver again, with the same ids and all retries.',
      args: { id: { type: 'positional', description: 'one or more, as stator hook deliveries lists them' } },
      examples: ['stator hook redeliver msg_01k2x3y4z5abcdefghjkmnpqrs'],
      more: 'A receiver can recognise a repeated delivery by its id. The engine sends deliveries; without an engine they wait.',
      repeats: 'id',
    },
  }),
  enableHook: operation({
    http: 'POST /v1/repos/:project/hooks/:hook/enable',
    does: 'switches a hook on again',
    again: 'free',
    who: 'person',
    input: ofRepo,
    answer: answerOf<HookSwitched>(hookSwitched),
    errors: ['repo_not_found', 'not_found'],
    run: (parts, hook) => turn(parts, hook, null),
    verb: {
      name: 'enable',
      listed: 'turn a hook on or off',
      summary: 'Turn a hook on again that was turned off by you, by its receiver (410), or because it kept failing.',
      args: { hook: nameArg },
      examples: ['stator hook enable deploy'],
      more: 'Deliveries while it was off are dead, and kept: send them with stator hook redeliver.',
    },
  }),
  disableHook: operation({
    http: 'POST /v1/repos/:project/hooks/:hook/disable',
    does: 'switches a hook off: its deliveries meanwhile are dead, and can be sent later',
    again: 'free',
    who: 'person',
    input: ofRepo,
    answer: answerOf<HookSwitched>(hookSwitched),
    errors: ['repo_not_found', 'not_found'],
    run: (parts, hook) => turn(parts, hook, { reason: 'a person switched it off', at: parts.clock.nowMs() }),
    verb: {
      name: 'disable',
      listed: { with: 'enable' },
      summary: 'Turn a hook off until it is enabled again; its configuration does not change.',
      args: { hook: nameArg },
      examples: ['stator hook disable deploy'],
      more: 'Deliveries while it is off are dead, and kept: send them later with stator hook redeliver.',
    },
  }),
  testHook: operation({
    http: 'POST /v1/repos/:project/hooks/:hook/test',
    does: 'sends a hook one test event without a plan, now and once',
    again: 'never',
    who: 'person',
    input: ofRepo,
    answer: answerOf<HookTested>(hookTested),
    errors: ['repo_not_found', 'not_found', 'untrusted'],
    run: tryOnce,
    verb: {
      name: 'test',
      listed: { with: 'redeliver' },
      summary: 'Send one test event to a hook of this repo, and print the answer.',
      args: { hook: nameArg },
      examples: ['stator hook test deploy', 'stator hook test deploy --project shop --json'],
      more: 'It also works while the hook is off. The body has "test": 1. Exit code 1: it was not delivered.',
      isDone: ({ delivered }) => delivered,
    },
  }),
};

interface Named {
  readonly project: string;
  readonly hook: string;
}

async function turn(
  { store, views, onChange }: OperationParts,
  { project, hook }: Named,
  off: { reason: string; at: number } | null,
): Promise<HookSwitched> {
  views.hookNamed(project, hook);
  const before = (await store.hooks(project)).find((row) => row.hook === hook)?.off_at ?? null;
  const changed = (before === null) !== (off === null);
  if (changed) await store.commit([{ do: 'hook.switch', project, hook, off }]);
  onChange();
  const { dead = 0 } = (await views.hooks(project)).find((entry) => entry.hook === hook) ?? {};
  return { status: off === null ? 'enabled' : 'disabled', project, hook, changed, dead };
}

/** The name of the plan in a test event. */
const testPlan = 'hook-test';

async function tryOnce(parts: OperationParts, { project, hook: name }: Named): Promise<HookTested> {
  const { views, projects, clock } = parts;
  const hook = views.hookNamed(project, name);
  if (hook.type !== 'function') projects.mustBeTrusted(project);
  // Loading it also loads the code for processes of runs.
  const { tryHook } = await loadDelivery();
  const at = clock.nowMs();
  const id = newDeliveryId(at);
  const [event = 'implement_finished'] = hook.events;
  const effect = {
    ...({ kind: 'hook.deliver', id, plan: testPlan, hook: name, event, at } as const),
    ...({ from: 'implementing', to: 'reviewing', details: { test: 1 }, sequence: 0 } as const),
  };
  const key = effectKey(planTree(project, testPlan), id);
  const abort = new AbortController().signal;
  const trying = { ...parts, nowMs: () => clock.nowMs() };
  const tried = await tryHook(trying, hook, effect, { project, plan: testPlan, key, abort });
  const { status, output } = tried;
  const error = tried.kind === 'failed' ? tried.error : null;
  return { project, hook: name, delivered: error === null, status, error, output };
}
