/**
 * The line of a target branch: plans that are done land on it. The first ones are merged with the branch as it is now, each on top of the one before, the last
 * of these merges is checked, and the branch moves to it. If the check fails, fewer are tried, until the plan that fails is alone. If the branch has moved
 * meanwhile, they begin anew.
 */
import { and, assertEvent, assign, setup, stateIn } from 'xstate';
import type { LandingPull } from '../vocabulary/landing.ts';
import type { Approval, MergeRefused } from '../vocabulary/plan-merge.ts';
import type { LandingTag } from '../vocabulary/public-state.ts';
import type { SignalEvent, SignalPayload } from '../vocabulary/signal.ts';

/** A plan that is to land. */
export interface Entrant {
  plan: string;
  /** The plan's own branch. */
  branch: string;
  /** The message of the merge. */
  message: string;
  approval: Approval | null;
  /** The plan's own number of its request: each answer repeats it. */
  request: string;
  /** The forge merges this one. Absent: stator merges with git. */
  pull?: LandingPull;
  since: number;
}

/** A plan, and its merge, which is on no branch yet. */
interface Merged {
  entrant: Entrant;
  commit: string;
  /** The plan's own head. */
  tip: string;
}

/** Plans that are tried together. */
interface Batch {
  /** Each is merged on top of the one before. */
  merged: Merged[];
  /** The commit of the branch that the first one is on top of. */
  base: string;
  /** The command that is to pass on the last one; empty: none. */
  check: string;
  /** How many plans may still be merged on top. */
  room: number;
}

export interface LandingContext {
  project: string;
  /** The branch that plans land on. */
  branch: string;
  path: '';
  count: number;
  /** The waiting plans, in their order. */
  line: Entrant[];
  /** The plan that is being merged on top of the earlier ones; null: none is. */
  current: Entrant | null;
  /** The plans that are merged already and are to land together; null: there are none. */
  batch: Batch | null;
  /** How many plans at the head of the line failed together; 0: no such failure is known. */
  suspects: number;
  /** How many times in a row the branch had moved before the plans at the head could land. */
  restarts: number;
  /** The name of the effect that is under way. */
  work: string | null;
  at: number;
}

export type LandingEvent = SignalEvent<
  | 'landing_opened'
  | 'landing_joined'
  | 'landing_left'
  | 'landing_prepared'
  | 'landing_moved'
  | 'landing_paused'
  | 'landing_resumed'
  | 'landing_first'
  | 'landing_removed'
  | 'plan_merged'
  | 'merge_refused'
  | 'check_passed'
  | 'effect_failed'
>;

interface Args {
  context: LandingContext;
  event: LandingEvent;
}

/** The message to the plan about a landing that failed. */
export type Refused = Omit<MergeRefused, 'at'> & Pick<SignalPayload<'merge_refused'>, 'body' | 'head'>;

function refusedBy({ branch }: LandingContext, event: LandingEvent): Refused {
  if (event.type === 'merge_refused') {
    const { why, into, files, detail, body, head } = event;
    return { why, into, files, detail, ...(body && { body }), ...(head && { head }) };
  }
  assertEvent(event, 'effect_failed');
  return { why: 'git', into: branch, files: [], detail: event.detail };
}

const words = setup({
  types: {
    context: {} as LandingContext,
    events: {} as LandingEvent,
    input: {} as { project: string; branch: string; at: number },
    tags: {} as LandingTag,
  },
  actions: {
    askPrepare: () => {},
    askCheck: () => {},
    stopWork: () => {},
    askMerge: () => {},
    reportMerged: (_, _params: { entrant: Entrant; head: string; tip: string; note?: string | undefined }) => {},
    reportRefused: (_, _params: { entrant: Entrant; refused: Refused }) => {},
    reportLeft: (_, _params: { entrant: Entrant }) => {},
    nextWork: assign(({ context }) => ({ count: context.count + 1, work: `#${context.count + 1}` })),
    join: assign(({ context, event }) => {
      assertEvent(event, 'landing_joined');
      const { plan, branch, message, approval, request, pull, at } = event;
      const others = context.line.filter((entrant) => entrant.plan !== plan);
      const entrant = { plan, branch, message, approval, request, ...(pull === undefined ? {} : { pull }), since: at };
      return { line: [...others, entrant], at };
    }),
    takeNext: assign(({ context: { line } }) => ({ current: line[0] ?? null, line: line.slice(1) })),
    addToBatch: assign(({ context: { current, batch, suspects }, event }) => {
      assertEvent(event, 'landing_prepared');
      const { commit, base, tip, check, batch: size, at } = event;
      const { merged, ...others } = batch ?? { merged: [], base, check, room: sizeOf(size, suspects) };
      const room = Math.max(0, others.room - 1);
      return {
        batch: { ...others, room, merged: current === null ? merged : [...merged, { entrant: current, commit, tip }] },
        current: null,
        at,
      };
    }),
    /** This plan conflicts with the plans before it: it is tried again when they have landed. */
    closeBatch: assign(({ context: { current, batch, line }, event }) => ({
      current: null,
      batch: batch === null ? null : { ...batch, room: 0 },
      line: current === null ? line : [current, ...line],
      at: event.at,
    })),
    /** They keep their places, and are merged with the branch in its new state. */
    putBack: assign(({ context, event }) => ({ ...nobody, line: everyone(context), at: event.at })),
    countRestart: assign(({ context }) => ({ restarts: context.restarts + 1 })),
    suspectBatch: assign(({ context, event }) => ({
      ...nobody,
      suspects: context.batch?.merged.length ?? 0,
      line: everyone(context),
      at: event.at,
    })),
    /** The outcome for these plans is known. */
    dropHead: assign(({ context, event }) => ({
      ...nobody,
      suspects: Math.max(0, context.suspects - headOf(context).length),
      restarts: 0,
      at: event.at,
    })),
    putFirst: assign(({ context, event }) => {
      assertEvent(event, 'landing_first');
      const { line, restarts } = context;
      const [first, rest] = [true, false].map((isIt) => line.filter(({ plan }) => (plan === event.plan) === isIt));
      return {
        line: [...(first ?? []), ...(rest ?? [])],
        suspects: 0,
        restarts: headOf(context).length === 0 ? 0 : restarts,
        at: event.at,
      };
    }),
    leaveLine: assign(({ context, event }) => {
      assertEvent(event, ['landing_left', 'landing_removed']);
      return { line: context.line.filter(({ plan }) => plan !== event.plan), suspects: 0, at: event.at };
    }),
    /** The other plans that were tried together with it keep their places. */
    leaveHead: assign(({ context, event }) => {
      assertEvent(event, ['landing_left', 'landing_removed']);
      return {
        ...nobody,
        line: everyone(context).filter(({ plan }) => plan !== event.plan),
        suspects: 0,
        restarts: 0,
        at: event.at,
      };
    }),
  },
  guards: {
    isOpen: stateIn('#landing.gate.open'),
    hasNext: ({ context }: Args) => context.line.length > 0,
    hasRoom: ({ context: { batch, line } }: Args) => batch !== null && batch.room > 0 && line.length > 0,
    hasCheck: ({ context: { batch } }: Args) => batch !== null && batch.check !== '',
    /** Whether other plans are merged already, and this one goes on top of them. */
    isBehindOthers: ({ context: { batch } }: Args) => batch !== null,
    areSeveral: ({ context: { batch } }: Args) => batch !== null && batch.merged.length > 1,
    /** Whether the plan waits in the line with the request that the event is about. */
    waits: ({ context, event }: Args) => context.line.some((entrant) => isMeant(entrant, event)),
    isAtHead: ({ context, event }: Args) => headOf(context).some((entrant) => isMeant(entrant, event)),
  },
});

const nobody = { current: null, batch: null, work: null } as const;

/** How many are tried together: half of those that failed together, so that the check finds the one that fails. */
function sizeOf(most: number, suspects: number): number {
  return suspects === 0 ? most : Math.min(most, Math.max(1, Math.floor(suspects / 2)));
}

/** The plans at the head, in their order. */
function headOf({ batch, current }: LandingContext): Entrant[] {
  return [...(batch?.merged ?? []).map(({ entrant }) => entrant), ...(current === null ? [] : [current])];
}

function everyone(context: LandingContext): Entrant[] {
  return [...headOf(context), ...context.line];
}

/** A person names the plan alone; the plan itself also says which of its requests it means. */
function isMeant({ plan, request }: Entrant, event: LandingEvent): boolean {
  return 'plan' in event && event.plan === plan && (event.type !== 'landing_left' || event.request === request);
}

const base = words.extend({
  actions: {
    sayMerged: words.enqueueActions(({ context: { current, batch }, event, enqueue }) => {
      assertEvent(event, 'plan_merged');
      const { head, tip, note } = event;
      if (current !== null) enqueue({ type: 'reportMerged', params: { entrant: current, head, tip } });
      // The forge makes the commit itself.
      for (const { entrant, commit, tip: own } of batch?.merged ?? [])
        enqueue({
          type: 'reportMerged',
          params: { entrant, head: entrant.pull === undefined ? commit : head, tip: own, note },
        });
      enqueue('dropHead');
    }),
    /** Refuses the plans at the head. */
    sayRefused: words.enqueueActions(({ context, event, enqueue }) => {
      const refused = refusedBy(context, event);
      for (const entrant of headOf(context)) enqueue({ type: 'reportRefused', params: { entrant, refused } });
      enqueue('dropHead');
    }),
    /** A person removed it from the line: its plan does not know that yet. */
    sayLeft: words.enqueueActions(({ context, event, enqueue }) => {
      for (const entrant of everyone(context))
        if (isMeant(entrant, event)) enqueue({ type: 'reportLeft', params: { entrant } });
    }),
  },
});

const atHead = '#landing.atHead';
const waiting = `${atHead}.waiting`;
const refused = { target: waiting, actions: 'sayRefused' } as const;
/** If others are merged before it, the conflict may be with them: they are tried without this plan, which is tried again later. */
const notWithOthers = { guard: 'isBehindOthers', target: `${atHead}.prepared`, actions: 'closeBatch' } as const;
/** It is not known which plan the failure is about. */
const notTogether = { guard: 'areSeveral', target: waiting, actions: 'suspectBatch' } as const;
const failed = { merge_refused: [notTogether, refused], effect_failed: [notTogether, refused] } as const;
const merge = { guard: 'isOpen', target: `${atHead}.merging` } as const;
const later = { target: waiting, actions: 'putBack' } as const;
/** No commit of it is on the branch, so it may still be removed. */
const leaves = {
  landing_left: { guard: 'isAtHead', target: waiting, actions: ['stopWork', 'leaveHead'] },
  landing_removed: { guard: 'isAtHead', target: waiting, actions: ['stopWork', 'sayLeft', 'leaveHead'] },
} as const;

/** The chart of the line in which plans wait for a branch, and land on it one at a time. An XState machine without effects. */
export const landingMachine = base.createMachine({
  id: 'landing',
  version: '1',
  description: 'the line of a branch: plans that are done land on it in their order',
  type: 'parallel',
  context: ({ input: { project, branch, at } }) => ({
    project,
    branch,
    path: '',
    count: 0,
    line: [],
    current: null,
    batch: null,
    suspects: 0,
    restarts: 0,
    work: null,
    at,
  }),
  on: {
    landing_opened: { description: 'it is there already' },
    landing_joined: { actions: 'join' },
    landing_left: [
      { guard: 'waits', actions: 'leaveLine' },
      { description: 'it has left, or it is being merged, and then the result is sent to it' },
    ],
    landing_removed: { guard: 'waits', actions: ['sayLeft', 'leaveLine'] },
    landing_first: { guard: 'waits', actions: 'putFirst' },
  },
  states: {
    atHead: {
      description: 'what becomes of the plans at the head?',
      initial: 'waiting',
      states: {
        waiting: {
          description: 'no plan is being landed',
          tags: ['landing:empty'],
          always: { guard: and(['isOpen', 'hasNext']), target: 'preparing', actions: 'takeNext' },
        },
        preparing: {
          description: 'it is merged with the branch as that is now, or with those before it; no branch is moved',
          tags: ['landing:preparing'],
          entry: ['nextWork', 'askPrepare'],
          on: {
            ...leaves,
            landing_prepared: { target: 'prepared', actions: 'addToBatch' },
            plan_merged: [notWithOthers, { target: 'waiting', actions: 'sayMerged' }],
            merge_refused: [notWithOthers, refused],
            effect_failed: [notWithOthers, refused],
          },
        },
        prepared: {
          description: 'the merge is made: is another plan to go along with it?',
          tags: ['landing:preparing'],
          always: [
            { guard: and(['isOpen', 'hasRoom']), target: 'preparing', actions: 'takeNext' },
            { guard: 'hasCheck', target: 'checking' },
            merge,
            later,
          ],
        },
        checking: {
          description: 'the check runs on the last merge, which holds all of them',
          tags: ['landing:checking'],
          entry: ['nextWork', 'askCheck'],
          on: { ...failed, ...leaves, check_passed: [merge, later] },
        },
        merging: {
          description: 'the branch moves to that merge, unless it has moved meanwhile',
          tags: ['landing:merging'],
          entry: ['nextWork', 'askMerge'],
          on: {
            ...failed,
            plan_merged: { target: 'waiting', actions: 'sayMerged' },
            landing_moved: { target: waiting, actions: ['putBack', 'countRestart'] },
          },
        },
      },
    },
    gate: {
      description: 'may plans land?',
      initial: 'open',
      states: {
        open: { description: 'yes', on: { landing_paused: 'paused', landing_resumed: { description: 'it is open' } } },
        paused: {
          description: 'no: a person paused the line; what is being merged comes to its end',
          tags: ['landing:paused'],
          on: { landing_resumed: 'open', landing_paused: { description: 'it is paused already' } },
        },
      },
    },
  },
});
