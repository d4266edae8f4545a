/** Decides the signal to a plan from the facts about its pull request. Pure. */
import type { ForgeMerge, PlanPull, StackLayer } from '../../../machines/vocabulary/plan-pull.ts';
import type { Policy } from '../../../machines/vocabulary/policy.ts';
import type { SignalPayload } from '../../../machines/vocabulary/signal.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { MergeObstacle, PullRequest } from './forge.ts';
import { type AllNews, newsText, otherHeadText } from './pull-request-news.ts';

type PullSignalType =
  | 'pr_wanted'
  | 'pr_merge_wanted'
  | 'pr_merge_unwanted'
  | 'pr_merge_refused'
  | 'pr_merged'
  | 'pr_closed'
  | 'pr_stack_changed'
  | 'pr_changes_requested'
  | 'pr_needs_person'
  | 'pr_remarked';

/** `key`: the same news has the same key in its plan, and counts once. */
export type PullSignal = {
  [T in PullSignalType]: { readonly type: T; readonly payload: SignalPayload<T>; readonly key: string };
}[PullSignalType];

/** The progress of its automatic merge; null: a person merges it. */
export type MergeState = ForgeMerge['state'] | null;

/** The plan's own data when its request is read. */
export interface PlanOfRequest {
  readonly doneAt: number;
  readonly pull: PlanPull;
  readonly merge: MergeState;
  /** Increases with each request of the plan. */
  readonly count: number;
}

/** The data that is remembered between two readings of a request. */
export interface Remembered {
  /** The unfinished comments at the last reading: a person who writes several gets time to finish. */
  readonly pending: string;
  /** The last result about its merge, and the number of readings with that result. */
  readonly merge: { readonly found: string; readonly times: number };
}

export const nothingRemembered: Remembered = { pending: '', merge: { found: '', times: 0 } };

/** The result of one step. `hasNews`: the request is read again soon. */
export interface LookStep {
  readonly signal: PullSignal | null;
  readonly hasNews: boolean;
  readonly remembered: Remembered;
}

const remarksAtOnce = 20;
const asksAtOnce = 200;
/** The number of equal readings in a row before the result counts: a forge starts its checks one by one, and computes conflicts late. */
const sureLooks = 2;
/** The same number if no check has ever begun. */
const sureWithoutChecks = 3;

/** The request was merged or closed on the forge; null: it is open. A person may open a closed one again, and close it once more. */
export function endOf(
  { url, head }: { readonly url: string; readonly head: string },
  found: PullRequest,
  { count }: Pick<PlanOfRequest, 'count'>,
): PullSignal | null {
  if (found.state === 'merged') {
    const payload = { head: found.mergeCommit, into: found.base };
    return { type: 'pr_merged', payload, key: `pr_merged ${url}` };
  }
  return found.state === 'closed' ? { type: 'pr_closed', payload: {}, key: `pr_closed ${url} ${head} ${count}` } : null;
}

/** The requests of a stack changed on the forge. A failed step is not tried again before something else has changed. */
export function stackChanged({ pull, count }: PlanOfRequest, change: string): PullSignal {
  const nth = pull.refused === null ? count : '';
  return { type: 'pr_stack_changed', payload: {}, key: `pr_stack_changed ${nth} ${change}` };
}

function isFreshTo({ seen }: PlanPull) {
  return ({ id }: { readonly id: string }) => !seen.includes(id);
}

/** Remarks that the plan has not seen; null: there are none. */
export function remarkOf(
  { pull }: Pick<PlanOfRequest, 'pull'>,
  { remarks }: Pick<AllNews, 'remarks'>,
): PullSignal | null {
  const fresh = remarks.filter(isFreshTo(pull)).slice(0, remarksAtOnce);
  if (fresh.length === 0) return null;
  return {
    type: 'pr_remarked',
    payload: { remarks: fresh },
    key: `pr_remarked ${fresh.map(({ id }) => id).join(' ')}`,
  };
}

/**
 * The requested changes, once their authors have finished writing; otherwise the things that only a person can do. `layer`: the part of the stack.
 */
export function askedStep(
  { pull, doneAt }: Pick<PlanOfRequest, 'pull' | 'doneAt'>,
  { news, remembered, layer }: { readonly news: AllNews; readonly remembered: Remembered; readonly layer?: StackLayer },
): LookStep {
  const isFresh = isFreshTo(pull);
  const fresh = news.asks.filter(isFresh).slice(0, asksAtOnce);
  const ids = fresh.map(({ id }) => id);
  const pending = ids.join(' ');
  const step = (signal: PullSignal | null, hasNews = true): LookStep => ({
    signal,
    hasNews,
    remembered: { ...remembered, pending },
  });
  if (fresh.length > 0) {
    const isWhole = fresh.some(({ isFinal }) => isFinal) || remembered.pending === pending;
    if (!isWhole) return step(null);
    const body = newsText(layer?.url ?? pull.request?.url ?? '', fresh);
    const payload = { body, ids, failing: [...news.failing], ...(layer === undefined ? {} : { layer: layer.name }) };
    return step({ type: 'pr_changes_requested', payload, key: `pr_changes ${doneAt} ${pending}` });
  }
  const needs = news.needsPerson.filter(isFresh);
  if (needs.length === 0) return step(null, false);
  const detail = needs.map(({ title }) => title).join('; ');
  const payload = { detail: detail.slice(0, 4_000), ids: needs.map(({ id }) => id) };
  return step({ type: 'pr_needs_person', payload, key: `pr_needs_person ${payload.ids.join(' ')}` });
}

/** The rules for merging the plan's requests: its own policy, and the landing line of its branch, which updates a request to its target. */
export type MergePolicy = Pick<Policy, 'pull_merge' | 'landing_by'>;

/** Whether the merge is decided without a request to the forge; null: its obstacle must be known. */
export function mergeWithoutLook(
  { pull: { request }, merge, count }: PlanOfRequest,
  { pull_merge: mode, landing_by: by }: MergePolicy,
): PullSignal | 'nothing' | null {
  if (request === null || merge === 'asked') return 'nothing';
  // In a landing line the plan requests the merge.
  const isPersons = by === 'forge' ? merge === null : mode !== 'when-green';
  if (!isPersons) return merge === 'refused' ? 'nothing' : null;
  if (merge === null || merge === 'refused') return 'nothing';
  return { type: 'pr_merge_unwanted', payload: {}, key: `pr_merge_unwanted ${request.head} ${count}` };
}

/** The facts about the merge of one request. */
export interface MergeFacts {
  readonly plan: string;
  /** The last commit that stator pushed. */
  readonly head: string;
  readonly found: PullRequest;
  readonly news: Pick<AllNews, 'green' | 'isApproved'>;
  /** The forge's answer; null: it was not asked. */
  readonly obstacle: MergeObstacle | null;
}

interface Obstacle {
  readonly kind: Exclude<MergeObstacle['kind'], 'behind'>;
  readonly detail: string;
}

/** Whether the forge must be asked for the obstacle. Not if the request itself already shows one, and not before the plan has requested the merge. */
export function asksForObstacle(facts: Omit<MergeFacts, 'news' | 'obstacle'>, merge: MergeState): boolean {
  return merge !== null && obstacleOfRequest(facts, merge) === null;
}

function obstacleOfRequest(
  { plan, head, found }: Omit<MergeFacts, 'news' | 'obstacle'>,
  merge: MergeState,
): Obstacle | null {
  if (found.headCommit !== head) return { kind: 'blocked', detail: otherHeadText(found, { approved: head, plan }) };
  if (merge !== 'scheduled' || found.isAutoMerged !== false) return null;
  return {
    kind: 'blocked',
    detail: `the forge does not merge ${found.url} by itself any more: that was taken back there`,
  };
}

/** The present obstacle to a request's merge. An empty `detail`: there is none, or others must act. */
function obstacleOf(facts: MergeFacts, merge: MergeState, byLine: boolean): Obstacle {
  const ofRequest = obstacleOfRequest(facts, merge);
  if (ofRequest !== null) return ofRequest;
  if (facts.obstacle === null) return { kind: 'waits', detail: '' };
  const { kind, detail } = { detail: '', ...facts.obstacle };
  if (kind !== 'none' && !(kind === 'behind' && byLine)) return { kind: kind === 'behind' ? 'blocked' : kind, detail };
  const isGood = facts.news.green !== 'no' && facts.news.isApproved;
  return isGood ? { kind: 'none', detail } : { kind: 'waits', detail: '' };
}

/** The step from the obstacles of all requests that are merged together: the merge is requested, or a person is notified of the obstacle. */
export function mergeStep(
  { pull: { request }, merge, count }: PlanOfRequest,
  {
    policy,
    facts,
    remembered,
  }: { readonly policy: MergePolicy; readonly facts: readonly MergeFacts[]; readonly remembered: Remembered },
): LookStep {
  const head = request?.head ?? '';
  const all = facts.map((each) => obstacleOf(each, merge, policy.landing_by === 'forge'));
  const { kind, detail } = all.find((one) => one.kind === 'blocked') ??
    all.find((one) => one.kind === 'waits') ?? { kind: 'none', detail: '' };
  const found = `${kind} ${detail}`;
  const times = remembered.merge.found === found ? remembered.merge.times + 1 : 1;
  const step = (signal: PullSignal | null, hasNews = true): LookStep => ({
    signal,
    hasNews,
    remembered: { ...remembered, merge: { found, times } },
  });
  const wanted = (ready: boolean) =>
    step({ type: 'pr_merge_wanted', payload: { head, ready }, key: `pr_merge_wanted ${head} ${count}` });
  if (kind === 'blocked' && times < sureLooks) return step(null);
  if (kind === 'blocked')
    return step({ type: 'pr_merge_refused', payload: { detail }, key: `pr_merge_refused ${head} ${count}` });
  if (merge === null) return wanted(false);
  if (kind === 'waits') return step(null, false);
  const enough = facts.some(({ news }) => news.green === 'none') ? sureWithoutChecks : sureLooks;
  return times < enough ? step(null) : wanted(true);
}

/**
 * An id of the change on the forge, which stays the same until something else changes; null: the forge agrees with the plan. If a done plan has no
 * open request, the stack has ended and the plan does not know that yet.
 */
export function stackChange(
  stack: readonly StackLayer[],
  foundOf: (layer: StackLayer) => Pick<PullRequest, 'state' | 'headCommit' | 'base'> | null,
  isDone: boolean,
): string | null {
  const lines = stack.map((layer) => {
    const found = layer.state === 'merged' ? null : foundOf(layer);
    const known = `${layer.state} ${layer.head} ${layer.base}`;
    return { known, now: found === null ? known : `${found.state} ${found.headCommit} ${found.base}` };
  });
  const isOver = isDone && stack.every(({ state }) => state !== 'open');
  if (!isOver && lines.every(({ known, now }) => known === now)) return null;
  return textDigest(JSON.stringify([isOver, lines])).slice(0, 32);
}
