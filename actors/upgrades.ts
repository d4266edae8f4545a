/** From the states that earlier versions stored to those of this one; each step is tested with a snapshot that its version wrote. */
import type { AgentContext } from '../machines/agent/context.ts';
import { attentionOf, type PlanContext, type Question } from '../machines/plan/context.ts';
import type { RunStart } from '../machines/vocabulary/effect.ts';
import type { ForgeMerge, PlanPull, PullRequest } from '../machines/vocabulary/plan-pull.ts';
import type { Word } from '../machines/vocabulary/word.ts';
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
  readonly context: Pick<PlanContext, 'blocked'> & {
    readonly living: PlanContext['liveChildren'];
    readonly standing: PlanContext['stopCause'];
  };
  readonly value: { readonly attention: string };
}

/** The open questions of agents, with numbers from 1; a block of another source stays. */
function withQuestions(plan: StoredPlan): object {
  const { context, value } = plan;
  const { standing } = context;
  const blockedAt = context.blocked?.at ?? 0;
  const asked = context.blocked?.source === 'agent';
  const ofAgents = asked ? questionsBelow(plan, null) : [];
  // For a question that a person asked by hand there was only the text.
  const byHand = { title: null, childId: null, run: null, question: context.blocked?.reason ?? '', at: blockedAt };
  const open = asked && ofAgents.length === 0 && standing === null ? [byHand] : ofAgents;
  const questions = open.map((question, index): Question => ({ number: index + 1, ...question }));
  const blocked = !asked ? context.blocked : standing === null ? null : { ...standing, at: blockedAt };
  const upgraded = { ...context, blocked, questions, questionCount: questions.length };
  return {
    ...plan,
    context: upgraded,
    value: { ...value, attention: attentionOf({ ...upgraded, liveChildren: context.living }) },
  };
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

/** Earlier, the context alone said how far a merge was. */
function withMergeRegion({ value, context, ...rest }: StoredMerging): object {
  const { merge } = context;
  if (merge == null) return { ...rest, context, value: { ...value, merge: 'none' } };
  const { isAuto, ...kept } = merge;
  const asker = isAuto ? 'automatic' : 'asked';
  const ended = merge.refused !== null ? { refused: asker } : merge.merged !== null ? 'merged' : 'none';
  const state = merge.work !== null ? { working: asker } : ended;
  return { ...rest, context: { ...context, merge: kept }, value: { ...value, merge: state } };
}

/** A plan of version 7. */
interface StoredPulling extends StoredActor {
  readonly value: { readonly pullRequest: string };
  readonly context: {
    readonly at: number;
    readonly pull?: {
      readonly work: string | null;
      readonly isAuto: boolean;
      readonly isWanted: boolean;
      readonly refused: PlanPull['refused'];
      readonly request:
        | (PullRequest & { state: string; merge: (ForgeMerge & { work: string | null; head: string }) | null })
        | null;
    } | null;
  };
}

const noPullOf7 = { work: null, isAuto: false, isWanted: false, refused: null, request: null };

const forgeMergeStates = { asked: 'asking', scheduled: 'scheduled', watched: 'watched', refused: 'unmerged' } as const;

/** Earlier, most of what says how far a pull request was lay in the context. */
function withPullRegion({ value, context, ...rest }: StoredPulling): StoredActor {
  const state = { ...value, pullRequest: pullState(value.pullRequest, context.pull ?? noPullOf7) };
  return { ...rest, context: { ...context, pull: pullOf(value.pullRequest, context) }, value: state } as StoredActor;
}

function pullOf(before: string, { pull, at }: StoredPulling['context']): object | null {
  if (pull == null) return null;
  const { isAuto: _isAuto, isWanted: _isWanted, request, refused, ...kept } = pull;
  const { state: _state, merge = null, ...shown } = request ?? {};
  const isOver = before === 'merged' || before === 'closed';
  const isThere = request !== null && (before === 'open' || isOver);
  const said = merge?.state === 'refused' ? { at, detail: merge.detail } : refused;
  return {
    ...kept,
    work: pull.work ?? merge?.work ?? null,
    request: isThere ? shown : null,
    refused: isOver ? null : said,
  };
}

function pullState(
  before: string,
  { work, isAuto, isWanted, refused, request }: NonNullable<StoredPulling['context']['pull']>,
): string | object {
  const asker = isAuto ? 'automatic' : 'asked';
  const follows = isAuto ? 'automatic' : 'idle';
  switch (before) {
    case 'none':
      return { none: isWanted ? 'wanted' : 'idle' };
    case 'creating':
      return { creating: asker };
    case 'failed':
      return { failed: refused !== null ? follows : isWanted ? 'wanted' : 'idle' };
    case 'open':
      if (work !== null) return { open: { pushing: asker } };
      if (request?.merge != null) return { open: forgeMergeStates[request.merge.state] };
      return { open: refused === null ? 'manual' : { unpushed: follows } };
    default:
      return before;
  }
}

/** Names that a plan and its waves had for what they know, and for a state in which nothing goes on. */
function renamed(plan: StoredActor): object {
  const { value } = plan as StoredActor & { value: unknown };
  const named = (context: object) =>
    Object.fromEntries(Object.entries(context).map(([key, known]) => [contextNames[key] ?? key, known]));
  const tree = withContexts(plan, 'wave', named);
  return { ...tree, context: named(tree.context), value: stuckIn(value) };
}

const contextNames: Readonly<Record<string, string | undefined>> = {
  living: 'liveChildren',
  now: 'activeChildId',
  standing: 'stopCause',
};

function stuckIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value === 'standing' ? 'stuck' : value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, stuckIn(inner)]));
}

/** The messages of people that an agent stored. */
interface StoredHearer {
  title: string;
  messages: readonly string[];
  unread: number;
  question: string | null;
  answer: string | null;
  ending: string | null;
  run: string | null;
  /** null: its run has not begun, so it has received nothing. */
  base: string | null;
  at: number;
}

/** Agents used to store their messages; now the root does. Only the last run that had them is known; a run that had not begun has none. */
function withWords(plan: StoredActor): object {
  const words: Word[] = [];
  const keep = (
    { title, at, run, base }: StoredHearer,
    said: Pick<Word, 'kind' | 'text' | 'question'>,
    isHeard: boolean,
  ) => {
    const number = words.length + 1;
    const known = {
      number,
      title,
      task: null,
      author: 'person' as const,
      at,
      run: isHeard && base !== null ? run : null,
    };
    words.push({ ...known, ...said });
    return number;
  };
  const tree = withContexts(plan, 'agent', (stored) => {
    const { messages, ...agent } = stored as object as StoredHearer;
    const { unread, question, answer, ending } = agent;
    const heard = messages.length - unread;
    const numbers = messages.map((text, index) =>
      keep(stored as object as StoredHearer, { kind: 'message', text, question: null }, index < heard),
    );
    if (answer !== null)
      keep(stored as object as StoredHearer, { kind: 'answer', text: answer, question }, ending !== 'decision');
    return { ...agent, unread: numbers.slice(heard) };
  });
  return { ...tree, context: { ...tree.context, words, wordCount: words.length } };
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
    // An agent that a pause stopped had the state “resting”, and the starts of runs had other names.
    'agent:2 plan:1 task:1 wave:1': {
      to: 'agent:3 plan:1 task:1 wave:1',
      upgrade: (snapshot) =>
        withContexts(snapshot as StoredActor, 'agent', (context) => {
          const { start, ending } = context as { start: string; ending: string | null };
          return { ...context, start: starts[start] ?? start, ending: ending === 'rest' ? 'requeue' : ending };
        }),
    },
    // A review's approval named no commit.
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
    // A plan counted the drafts of its planner; there was only one.
    'agent:4 plan:2 task:1 wave:1': {
      to: 'agent:4 plan:3 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredActor;
        const { drafts: _drafts, ...kept } = context as { drafts?: unknown };
        return { ...rest, context: kept };
      },
    },
    // What agents asked was in the reason of the block, and one question stopped the whole plan.
    'agent:4 plan:3 task:1 wave:1': {
      to: 'agent:4 plan:4 task:1 wave:1',
      upgrade: (snapshot) => withQuestions(snapshot as StoredPlan),
    },
    // A pull request was only open or over, and its requests were not counted.
    'agent:4 plan:4 task:1 wave:1': {
      to: 'agent:4 plan:5 task:1 wave:1',
      upgrade: (snapshot) => {
        const { context, ...rest } = snapshot as StoredPulled;
        const { pull } = context;
        if (pull == null) return { ...rest, context };
        return { ...rest, context: { ...context, pull: { ...pull, request: requestOf(rest, context), remarks: [] } } };
      },
    },
    // Only `auto_advance` said whether a planned plan is carried out.
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
    // A plan's pull request had six states and the rest of it in the context; some names were other ones.
    'agent:4 plan:7 task:2 wave:1': {
      to: 'agent:4 plan:8 task:2 wave:2',
      upgrade: (snapshot) => renamed(withPullRegion(snapshot as StoredPulling)),
    },
    // A task did not keep what it had committed, and a merge took the branch as it was.
    'agent:4 plan:8 task:2 wave:2': {
      to: 'agent:4 plan:8 task:3 wave:2',
      upgrade: (snapshot) =>
        withContexts(snapshot as StoredActor, 'task', (context) => ({ committed: null, ...context })),
    },
    // An agent stored the messages of people itself, and lost them when it ended.
    'agent:4 plan:8 task:3 wave:2': {
      to: 'agent:5 plan:9 task:3 wave:2',
      upgrade: (snapshot) => withWords(snapshot as StoredActor),
    },
  },
};
