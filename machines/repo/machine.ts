/** A registered repository: it grants the right to implement, one plan per topic at a time, in the order asked, higher priority first. */
import { assertEvent, assign, setup } from 'xstate';
import { overlapOf } from '../vocabulary/file-claims.ts';
import type { Policy } from '../vocabulary/policy.ts';
import type { RepoTag } from '../vocabulary/public-state.ts';
import type { SignalEvent } from '../vocabulary/signal.ts';

/** A plan that asked for the right to implement and does not have it yet. */
export interface Applicant {
  plan: string;
  topic: string | null;
  after: string[];
  /** What its tasks declare; absent: plans do not wait for each other's files. */
  files?: string[];
  priority: number;
  /** The plan's own number of its request. */
  request: number;
  since: number;
}

export interface RepoContext {
  project: string;
  policy: Policy;
  waiting: Applicant[];
  /** Plans that may implement now, with their topic. */
  granted: Record<string, string | null>;
  /** The files that the tasks of those plans declare. A plan without an entry claims none. */
  claims?: Record<string, string[]>;
  done: string[];
  /** By plan, the trees that are notified once when it is done. */
  watchers: Record<string, string[]>;
  degraded: string | null;
  /** A person paused it: it stays paused over a degradation. */
  isPaused: boolean;
  at: number;
}

export type RepoEvent = SignalEvent<
  | 'policy'
  | 'implement_requested'
  | 'implement_released'
  | 'plan_done'
  | 'plan_undone'
  | 'plan_watched'
  | 'plan_unwatched'
  | 'repo_degraded'
  | 'repo_recovered'
  | 'repo_paused'
  | 'repo_resumed'
>;

/** Why an applicant waits, in the order of the checks; null: it does not wait. */
export interface GrantObstacle {
  kind: 'topic' | 'after' | 'files' | 'plan_limit';
  detail: string;
  /** The plans that it waits for; absent: no particular one. */
  plans?: string[];
}

export function obstacleOf(context: RepoContext, applicant: Applicant): GrantObstacle | null {
  const undone = applicant.after.filter((plan) => !context.done.includes(plan));
  if (undone.length > 0) return { kind: 'after', detail: `waits for ${undone.join(', ')} to be done`, plans: undone };
  const rival = Object.entries(context.granted).find(([, topic]) => topic !== null && topic === applicant.topic);
  if (rival !== undefined)
    return { kind: 'topic', detail: `topic "${applicant.topic}" is taken by ${rival[0]}`, plans: [rival[0]] };
  const holder = holderOf(context, applicant);
  if (holder !== null) return holder;
  const limit = context.policy.max_active_plans;
  const active = Object.keys(context.granted).length;
  if (limit > 0 && active >= limit) return { kind: 'plan_limit', detail: `${active} of ${limit} plans implement` };
  return null;
}

/** The plan whose files overlap with those of the applicant; null: there is none. */
function holderOf({ claims = {}, policy }: RepoContext, { plan, files = [] }: Applicant): GrantObstacle | null {
  if (policy.overlap !== 'serial') return null;
  for (const [other, claimed] of Object.entries(claims)) {
    const path = other === plan ? null : overlapOf(files, claimed);
    if (path !== null)
      return { kind: 'files', detail: `its file ${path} is also one of ${other}, which goes first`, plans: [other] };
  }
  return null;
}

/**
 * Who gets the right now, in the order of their turns, and why the others do not. A plan that waits only for files reserves its own files, or plans behind it
 * could pass it for ever. It waits only for plans that have the right or are before it, so there is no circle.
 */
export function turnsOf(context: RepoContext): { applicant: Applicant; obstacle: GrantObstacle | null }[] {
  const granted = { ...context.granted };
  const claims = { ...context.claims };
  return inTurn(context.waiting).map((applicant) => {
    const obstacle = obstacleOf({ ...context, granted, claims }, applicant);
    if (obstacle === null) granted[applicant.plan] = applicant.topic;
    if (applicant.files !== undefined && (obstacle === null || obstacle.kind === 'files'))
      claims[applicant.plan] = applicant.files;
    return { applicant, obstacle };
  });
}

function inTurn(waiting: Applicant[]): Applicant[] {
  return [...waiting].sort((a, b) => b.priority - a.priority || a.since - b.since);
}

const words = setup({
  types: {
    context: {} as RepoContext,
    events: {} as RepoEvent,
    input: {} as { project: string; policy: Policy; at: number },
    tags: {} as RepoTag,
  },
  actions: {
    reportGranted: (_, _params: { plan: string; request: number }) => {},
    notifyWatcher: (_, _params: { plan: string; watcher: string }) => {},
    setPolicy: assign(({ event }) => {
      assertEvent(event, 'policy');
      return { policy: event.policy };
    }),
    enlist: assign(({ context, event }) => {
      assertEvent(event, 'implement_requested');
      const { plan, topic, after, files, priority, request, at } = event;
      const before = context.waiting.find((applicant) => applicant.plan === plan);
      const others = context.waiting.filter((applicant) => applicant.plan !== plan);
      // A plan that asks again, with other options, keeps its place.
      const claim = files === undefined ? {} : { files };
      return { waiting: [...others, { plan, topic, after, ...claim, priority, request, since: before?.since ?? at }] };
    }),
    release: assign(({ context, event }) => {
      assertEvent(event, 'implement_released');
      const { [event.plan]: _gone, ...granted } = context.granted;
      const { [event.plan]: _free, ...claims } = context.claims ?? {};
      return { granted, claims, waiting: context.waiting.filter((applicant) => applicant.plan !== event.plan) };
    }),
    noteDone: assign(({ context, event }) => {
      assertEvent(event, 'plan_done');
      return { done: [...context.done.filter((plan) => plan !== event.plan), event.plan] };
    }),
    noteUndone: assign(({ context, event }) => {
      assertEvent(event, 'plan_undone');
      return { done: context.done.filter((plan) => plan !== event.plan) };
    }),
    notePaused: assign({ isPaused: true }),
    noteResumed: assign({ isPaused: false }),
    forgetWatcher: assign(({ context, event }) => {
      assertEvent(event, 'plan_unwatched');
      const left = Object.entries(context.watchers)
        .map(([plan, trees]) => [plan, trees.filter((tree) => tree !== event.watcher)] as const)
        .filter(([, trees]) => trees.length > 0);
      return { watchers: Object.fromEntries(left) };
    }),
    noteDegraded: assign(({ event }) => {
      assertEvent(event, 'repo_degraded');
      return { degraded: event.reason };
    }),
    noteRecovered: assign({ degraded: null }),
  },
});

const base = words.extend({
  actions: {
    grantReady: words.enqueueActions(({ context, event, enqueue }) => {
      const granted = { ...context.granted };
      const claims = { ...context.claims };
      const waiting: Applicant[] = [];
      for (const { applicant, obstacle } of turnsOf(context)) {
        if (obstacle !== null) {
          waiting.push(applicant);
          continue;
        }
        granted[applicant.plan] = applicant.topic;
        if (applicant.files !== undefined) claims[applicant.plan] = applicant.files;
        enqueue({ type: 'reportGranted', params: { plan: applicant.plan, request: applicant.request } });
      }
      // The first entry has no signal.
      enqueue.assign({ granted, claims, waiting, at: 'at' in event ? event.at : context.at });
    }),
    /** Each is notified once; a tree that wants to be notified again must ask again. */
    notifyWatchers: words.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'plan_done');
      const { [event.plan]: waiting = [], ...watchers } = context.watchers;
      for (const watcher of waiting) enqueue({ type: 'notifyWatcher', params: { plan: event.plan, watcher } });
      enqueue.assign({ watchers });
    }),
    noteWatcher: words.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'plan_watched');
      const { plan, watcher } = event;
      if (context.done.includes(plan)) enqueue({ type: 'notifyWatcher', params: { plan, watcher } });
      else {
        const others = (context.watchers[plan] ?? []).filter((each) => each !== watcher);
        enqueue.assign({ watchers: { ...context.watchers, [plan]: [...others, watcher] } });
      }
    }),
    /** A plan that asks again although it has the right (it asked before it lost its own state) gets it again. */
    grantAgain: words.enqueueActions(({ event, enqueue }) => {
      assertEvent(event, 'implement_requested');
      enqueue({ type: 'reportGranted', params: { plan: event.plan, request: event.request } });
    }),
  },
  guards: {
    isPaused: ({ context }: { context: RepoContext }) => context.isPaused,
    hasIt: ({ context, event }: { context: RepoContext; event: RepoEvent }) =>
      event.type === 'implement_requested' && Object.hasOwn(context.granted, event.plan),
  },
});

const books = {
  implement_released: { actions: 'release' },
  plan_done: { actions: ['noteDone', 'notifyWatchers'] },
  plan_watched: { actions: 'noteWatcher' },
  plan_unwatched: { actions: 'forgetWatcher' },
  plan_undone: { actions: 'noteUndone' },
  policy: { actions: 'setPolicy' },
} as const;
const usable = { description: 'it could be used all along' } as const;
const enlistOnly = { implement_requested: [{ guard: 'hasIt', actions: 'grantAgain' }, { actions: 'enlist' }] } as const;

/** The chart of a registered repository, which grants plans the right to implement. An XState machine without effects. */
export const repoMachine = base.createMachine({
  id: 'repo',
  version: '1',
  description: 'a registered repository',
  context: ({ input }) => ({
    ...input,
    waiting: [],
    granted: {},
    claims: {},
    done: [],
    watchers: {},
    degraded: null,
    isPaused: false,
  }),
  initial: 'active',
  states: {
    active: {
      description: 'grants plans the right to implement',
      tags: ['repo:active'],
      entry: 'grantReady',
      on: {
        implement_requested: [{ guard: 'hasIt', actions: 'grantAgain' }, { actions: ['enlist', 'grantReady'] }],
        implement_released: { actions: ['release', 'grantReady'] },
        plan_done: { actions: ['noteDone', 'notifyWatchers', 'grantReady'] },
        plan_watched: { actions: 'noteWatcher' },
        plan_unwatched: { actions: 'forgetWatcher' },
        plan_undone: { actions: 'noteUndone' },
        policy: { actions: ['setPolicy', 'grantReady'] },
        repo_paused: { target: 'paused', actions: 'notePaused' },
        repo_degraded: 'degraded',
        repo_recovered: usable,
      },
    },
    paused: {
      description: 'grants nothing new; what was granted goes on',
      tags: ['repo:paused'],
      on: {
        ...books,
        ...enlistOnly,
        repo_resumed: { target: 'active', actions: 'noteResumed' },
        repo_degraded: 'degraded',
        repo_recovered: usable,
      },
    },
    degraded: {
      description: 'the repository cannot be used now; it recovers by itself',
      tags: ['repo:degraded'],
      entry: 'noteDegraded',
      exit: 'noteRecovered',
      on: {
        ...books,
        ...enlistOnly,
        repo_recovered: [{ guard: 'isPaused', target: 'paused' }, { target: 'active' }],
        repo_paused: { actions: 'notePaused' },
        repo_resumed: { actions: 'noteResumed' },
        repo_degraded: { actions: 'noteDegraded' },
      },
    },
  },
});
