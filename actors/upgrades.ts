/** From the states that earlier versions stored to those of this one; each step is tested with a snapshot that its version wrote. */
import type { AgentContext } from '../machines/agent/context.ts';
import { attentionOf, type PlanContext, type Question } from '../machines/plan/context.ts';
import type { RunStart } from '../machines/vocabulary/effect.ts';
import type { Upgrades } from './compatibility.ts';

interface StoredActor {
  readonly context: object;
  readonly children?: Readonly<Record<string, { readonly src: string; readonly snapshot: StoredActor }>>;
}

/** The same tree with another context for every actor that was spawned as `src`. */
function withContexts(actor: StoredActor, src: string, change: (context: object) => object): StoredActor {
  const children = Object.entries(actor.children ?? {}).map(([id, child]) => {
    const snapshot = withContexts(child.snapshot, src, change);
    return [
      id,
      { ...child, snapshot: child.src === src ? { ...snapshot, context: change(snapshot.context) } : snapshot },
    ];
  });
  return { ...actor, children: Object.fromEntries(children) };
}

interface StoredPlan extends StoredActor {
  readonly context: Pick<PlanContext, 'blocked' | 'living' | 'standing'>;
  readonly value: { readonly attention: string };
}

/** What agents wait to be told, in numbers from 1; a block of another source stays. */
function withQuestions(plan: StoredPlan): object {
  const { context, value } = plan;
  const { standing } = context;
  const blockedAt = context.blocked?.at ?? 0;
  const asked = context.blocked?.source === 'agent';
  const ofAgents = asked ? questionsBelow(plan, null) : [];
  // Of a question that a person asked by hand there was the text alone.
  const byHand = { title: null, childId: null, run: null, question: context.blocked?.reason ?? '', at: blockedAt };
  const open = asked && ofAgents.length === 0 && standing === null ? [byHand] : ofAgents;
  const questions = open.map((question, index): Question => ({ number: index + 1, ...question }));
  const blocked = !asked ? context.blocked : standing === null ? null : { ...standing, at: blockedAt };
  const upgraded = { ...context, blocked, questions, questionCount: questions.length };
  return { ...plan, context: upgraded, value: { ...value, attention: attentionOf(upgraded) } };
}

function questionsBelow(actor: StoredActor, childId: string | null): Omit<Question, 'number'>[] {
  return Object.entries(actor.children ?? {}).flatMap(([id, { src, snapshot }]) => {
    const child = childId ?? id;
    if (src !== 'agent') return questionsBelow(snapshot, child);
    const { title, run, question, answer, ending, at } = snapshot.context as AgentContext; // spawned as one
    const asks = ending === 'decision' && question !== null && answer === null;
    return asks ? [{ title, childId: child, run, question, at }] : [];
  });
}

/** A plan of version 4. */
interface StoredPulled extends StoredActor {
  readonly value: { readonly pullRequest?: unknown };
  readonly context: {
    readonly pass: number;
    readonly pull?: { readonly request: { readonly isOver: boolean } | null } | null;
  };
}

function requestOf({ value }: Pick<StoredPulled, 'value'>, { pass, pull }: StoredPulled['context']): object | null {
  if (pull?.request == null) return null;
  const { isOver, ...request } = pull.request;
  const state = !isOver ? 'open' : value.pullRequest === 'merged' ? 'merged' : 'closed';
  return { ...request, state, pass, cycles: 0, failing: {}, merge: null };
}

/** A plan of version 6. */
interface StoredMerging extends StoredActor {
  readonly value: object;
  readonly context: {
    readonly merge?: {
      readonly work: string | null;
      readonly isAuto: boolean;
      readonly merged: object | null;
      readonly refused: object | null;
    } | null;
  };
}

/** How far a merge is stood in the context alone. */
function withMergeRegion({ value, context, ...rest }: StoredMerging): object {
  const { merge } = context;
  if (merge == null) return { ...rest, context, value: { ...value, merge: 'none' } };
  const { isAuto, ...kept } = merge;
  const asker = isAuto ? 'automatic' : 'asked';
  const ended = merge.refused !== null ? { refused: asker } : merge.merged !== null ? 'merged' : 'none';
  const state = merge.work !== null ? { working: asker } : ended;
  return { ...rest, context: { ...context, merge: kept }, value: { ...value, merge: state } };
}

/** How a run starts, from what version 2 of an agent called it. */
const starts: Readonly<Record<string, RunStart>> = { anew: 'begin', on: 'continue', fresh: 'restart' };

export const upgrades: Upgrades = {
  repo: {
    // Nobody could wait for a plan from outside.
    'repo:1': {
      to: 'repo:2',
      upgrade: (snapshot) => {
        const repo = snapshot as StoredActor; // as it was stored
        return { ...repo, context: { watchers: {}, ...repo.context } };
      },
    },
  },
  plan: {
    // Agents took no messages, and every run began on its branch as it was before.
    'agent:1 plan:1 task:1 wave:1': {
      to: 'agent:2 plan:1 task:1 wave:1',
      upgrade: (snapshot) =>
        // Checked as a tree of this shape when it was stored, and again after the last upgrade.
        withContexts(snapshot as StoredActor, 'agent', (context) => ({
          messages: [],
          unread: 0,
          start: 'anew',
          ...context,
        })),
    },
    // An agent that a pause stopped was said to rest, and the starts of runs had other names.
    'agent:2 plan:1 task:1 wave:1': {
      to: 'agent:3 plan:1 task:1 wave:1',
      upgrade: (snapshot) =>
        withContexts(snapshot as StoredActor, 'agent', (context) => {
          const { start, ending } = context as { start: string; ending: string | null };
          return { ...context, start: starts[start] ?? start, ending: ending === 'rest' ? 'requeue' : ending };
        }),
    },
    // A review's approval was of no commit.
    'agent:3 plan:1 task:1 wave:1': {
      to: 'agent:3 plan:2 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredActor;
        return { ...rest, context: { reviewedSha: null, ...context } };
      },
    },
    // No agent asked for permissions.
    'agent:3 plan:2 task:1 wave:1': {
      to: 'agent:4 plan:2 task:1 wave:1',
      upgrade: (snapshot) =>
        withContexts(snapshot as StoredActor, 'agent', (context) => ({ permissions: [], ...context })),
    },
    // A plan counted drafts of planners, of which there is one.
    'agent:4 plan:2 task:1 wave:1': {
      to: 'agent:4 plan:3 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredActor;
        const { drafts: _drafts, ...kept } = context as { drafts?: unknown };
        return { ...rest, context: kept };
      },
    },
    // What agents asked stood in the reason of the block, and one question stopped the whole plan.
    'agent:4 plan:3 task:1 wave:1': {
      to: 'agent:4 plan:4 task:1 wave:1',
      upgrade: (snapshot) => withQuestions(snapshot as StoredPlan),
    },
    // A pull request was open or over, and nobody counted what it asked for.
    'agent:4 plan:4 task:1 wave:1': {
      to: 'agent:4 plan:5 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredPulled;
        const { pull } = context;
        if (pull == null) return { ...rest, context };
        return { ...rest, context: { ...context, pull: { ...pull, request: requestOf(rest, context), remarks: [] } } };
      },
    },
    // Whether a plan is carried out once it is planned was said by `auto_advance` alone.
    'agent:4 plan:5 task:1 wave:1': {
      to: 'agent:4 plan:6 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredActor;
        return { ...rest, context: { advance: null, ...context } };
      },
    },
    // Nobody was asked about the files that a task deletes.
    'agent:4 plan:6 task:1 wave:1': {
      to: 'agent:4 plan:6 task:2 wave:1',
      upgrade: (snapshot) =>
        withContexts(snapshot as StoredActor, 'task', (context) => ({ deletions: null, ...context })),
    },
    // The merge was no region of its own.
    'agent:4 plan:6 task:2 wave:1': {
      to: 'agent:4 plan:7 task:2 wave:1',
      upgrade: (snapshot) => withMergeRegion(snapshot as StoredMerging),
    },
  },
};
