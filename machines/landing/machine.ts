/**
 * The line of a target branch: plans that are done land on it one at a time. The one at its head is merged with the branch as it is now, that very merge is
 * checked, and the branch moves to it. If the branch has moved meanwhile, that plan begins anew.
 */
import { and, assertEvent, assign, setup, stateIn } from 'xstate';
import type { Approval, MergeRefused } from '../vocabulary/plan-merge.ts';
import type { LandingTag } from '../vocabulary/public-state.ts';
import type { SignalEvent } from '../vocabulary/signal.ts';

/** A plan that is to land. */
export interface Entrant {
  plan: string;
  /** The plan's own branch. */
  branch: string;
  /** Of the merge. */
  message: string;
  approval: Approval | null;
  /** The plan's own number of its request: each answer repeats it. */
  request: string;
  since: number;
}

/** A merge that was made and is on no branch. */
interface Candidate {
  commit: string;
  base: string;
  tip: string;
  check: string;
}

export interface LandingContext {
  project: string;
  /** The branch that plans land on. */
  branch: string;
  path: '';
  count: number;
  /** Those that wait, in their order. */
  line: Entrant[];
  /** The one at the head, which is being landed; null: none is. */
  current: Entrant | null;
  candidate: Candidate | null;
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

/** The message to the plan about a landing that came to nothing. */
export type Refused = Omit<MergeRefused, 'at'> & { readonly body?: string | undefined };

function refusedBy({ branch }: LandingContext, event: LandingEvent): Refused {
  if (event.type === 'merge_refused') {
    const { why, into, files, detail, body } = event;
    return { why, into, files, detail, ...(body === undefined ? {} : { body }) };
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
    stopCheck: () => {},
    askMerge: () => {},
    tellMerged: (_, _params: { entrant: Entrant; head: string; tip: string }) => {},
    tellRefused: (_, _params: { entrant: Entrant; refused: Refused }) => {},
    tellLeft: (_, _params: { entrant: Entrant }) => {},
    nextWork: assign(({ context }) => ({ count: context.count + 1, work: `#${context.count + 1}` })),
    join: assign(({ context, event }) => {
      assertEvent(event, 'landing_joined');
      const { plan, branch, message, approval, request, at } = event;
      const others = context.line.filter((entrant) => entrant.plan !== plan);
      return { line: [...others, { plan, branch, message, approval, request, since: at }], at };
    }),
    takeNext: assign(({ context: { line } }) => ({ current: line[0] ?? null, line: line.slice(1) })),
    /** It keeps its place, and is merged with the branch as that is then. */
    putBack: assign(({ context: { current, line }, event }) => ({
      current: null,
      candidate: null,
      work: null,
      line: current === null ? line : [current, ...line],
      at: event.at,
    })),
    dropCurrent: assign(({ event }) => ({ current: null, candidate: null, work: null, at: event.at })),
    noteCandidate: assign(({ event }) => {
      assertEvent(event, 'landing_prepared');
      const { commit, base, tip, check, at } = event;
      return { candidate: { commit, base, tip, check }, at };
    }),
    putFirst: assign(({ context: { line }, event }) => {
      assertEvent(event, 'landing_first');
      const [first, rest] = [true, false].map((isIt) => line.filter(({ plan }) => (plan === event.plan) === isIt));
      return { line: [...(first ?? []), ...(rest ?? [])], at: event.at };
    }),
    leaveLine: assign(({ context, event }) => {
      assertEvent(event, ['landing_left', 'landing_removed']);
      return { line: context.line.filter(({ plan }) => plan !== event.plan), at: event.at };
    }),
  },
  guards: {
    isOpen: stateIn('#landing.gate.open'),
    hasNext: ({ context }: Args) => context.line.length > 0,
    hasCheck: ({ event }: Args) => event.type === 'landing_prepared' && event.check !== '',
    /** The plan waits in the line, by the request that it speaks of. */
    waits: ({ context, event }: Args) => context.line.some((entrant) => isMeant(entrant, event)),
    isAtHead: ({ context: { current }, event }: Args) => current !== null && isMeant(current, event),
  },
});

/** A person names the plan alone; the plan itself also says which of its requests it means. */
function isMeant({ plan, request }: Entrant, event: LandingEvent): boolean {
  return 'plan' in event && event.plan === plan && (event.type !== 'landing_left' || event.request === request);
}

const base = words.extend({
  actions: {
    sayMerged: words.enqueueActions(({ context: { current }, event, enqueue }) => {
      assertEvent(event, 'plan_merged');
      const { head, tip } = event;
      if (current !== null) enqueue({ type: 'tellMerged', params: { entrant: current, head, tip } });
      enqueue('dropCurrent');
    }),
    sayRefused: words.enqueueActions(({ context, event, enqueue }) => {
      const { current } = context;
      const refused = refusedBy(context, event);
      if (current !== null) enqueue({ type: 'tellRefused', params: { entrant: current, refused } });
      enqueue('dropCurrent');
    }),
    /** A person took it out: its plan does not know yet. */
    sayLeft: words.enqueueActions(({ context: { current, line }, event, enqueue }) => {
      const all = current === null ? line : [current, ...line];
      for (const entrant of all) if (isMeant(entrant, event)) enqueue({ type: 'tellLeft', params: { entrant } });
    }),
  },
});

const atHead = '#landing.atHead';
const ended = {
  plan_merged: { target: `${atHead}.waiting`, actions: 'sayMerged' },
  merge_refused: { target: `${atHead}.waiting`, actions: 'sayRefused' },
  effect_failed: { target: `${atHead}.waiting`, actions: 'sayRefused' },
} as const;
const merge = { guard: 'isOpen', target: `${atHead}.merging` } as const;
const later = { target: `${atHead}.waiting`, actions: 'putBack' } as const;
/** Nothing of it is on the branch, so it may still go. */
const leaves = {
  landing_left: { guard: 'isAtHead', target: `${atHead}.waiting`, actions: ['stopCheck', 'dropCurrent'] },
  landing_removed: { guard: 'isAtHead', target: `${atHead}.waiting`, actions: ['stopCheck', 'sayLeft', 'dropCurrent'] },
} as const;

/** The chart of the line in which plans wait for a branch, and land on it one at a time. An XState machine without effects. */
export const landingMachine = base.createMachine({
  id: 'landing',
  version: '1',
  description: 'the line of a branch: plans that are done land on it one at a time',
  type: 'parallel',
  context: ({ input: { project, branch, at } }) => ({
    project,
    branch,
    path: '',
    count: 0,
    line: [],
    current: null,
    candidate: null,
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
      description: 'what becomes of the plan at the head?',
      initial: 'waiting',
      states: {
        waiting: {
          description: 'no plan is being landed',
          tags: ['landing:empty'],
          always: { guard: and(['isOpen', 'hasNext']), target: 'preparing', actions: 'takeNext' },
        },
        preparing: {
          description: 'it is merged with the branch as that is now; no branch is moved',
          tags: ['landing:preparing'],
          entry: ['nextWork', 'askPrepare'],
          on: {
            ...ended,
            ...leaves,
            landing_prepared: [
              { guard: 'hasCheck', target: 'checking', actions: 'noteCandidate' },
              { ...merge, actions: 'noteCandidate' },
              later,
            ],
          },
        },
        checking: {
          description: 'the check runs on that merge',
          tags: ['landing:checking'],
          entry: ['nextWork', 'askCheck'],
          on: { ...ended, ...leaves, check_passed: [merge, later] },
        },
        merging: {
          description: 'the branch moves to that merge, unless it has moved meanwhile',
          tags: ['landing:merging'],
          entry: ['nextWork', 'askMerge'],
          on: { ...ended, landing_moved: later },
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
