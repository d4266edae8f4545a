/**
 * Watches the pull requests of plans. One is requested if a plan is done, wants one, and has a forge. Open ones are checked, and their plans get signals
 * about changes. Plans without pull requests cost nothing. A forge gets at most one check a minute for each open request, fewer if nothing happens.
 */
import { type StoredPlan, storedPlan } from '../../../actors/stored-tree.ts';
import { isStacked as isStackedPlan } from '../../../machines/plan/stack.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { type PlanTree, placeOf, planTree } from '../../../machines/vocabulary/ids.ts';
import { forgeMergeStates, noPull, type StackLayer } from '../../../machines/vocabulary/plan-pull.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import type { Follows } from '../../core/inbox/facts.ts';
import type { Store } from '../../core/store/port.ts';
import type { Projects } from '../repos/registry.ts';
import type { Forge, PullRequest } from './forge.ts';
import { createForgeReadiness, type Readiness } from './forge-readiness.ts';
import { type ForgeStates, isUntilChanged } from './forge-states.ts';
import { newsOf } from './pull-request-news.ts';
import {
  askedStep,
  asksForObstacle,
  endOf,
  type LookStep,
  type MergeFacts,
  mergeStep,
  mergeWithoutLook,
  nothingRemembered,
  type PlanOfRequest,
  type PullSignal,
  type Remembered,
  remarkOf,
  stackChange,
  stackChanged,
} from './pull-request-steps.ts';
import { type ForgePlace, forgeOfRepo, type RepoForge, reposWithRequests } from './repo-forge.ts';

export interface PullRequestWatchParts {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly store: Pick<Store, 'commit' | 'plans' | 'tree'>;
  readonly projects: Projects;
  readonly clock: Clock;
  readonly log: Log;
  readonly troubles: Troubles;
  /** Whether this process still owns the home: checked before it writes. */
  isOwner(): boolean;
  onSignals(): void;
  readonly forgeStates: ForgeStates;
  /** The least time between two checks of one request. Default: a minute. */
  readonly everyMs?: number;
  /** Default: `forgeOfRepo`. */
  readonly forgeOf?: (place: ForgePlace) => Promise<RepoForge>;
}

const beatMs = 5_000;
const lookMs = 60_000;
/** The number of checks without news after which a request is checked less often. */
const quietLooks = 30;
const quietFactor = 5;
/** The most checks in that time over all plans: a token has a few thousand requests an hour. */
const looksPerTime = 15;
const troubleCapMs = 15 * 60_000;
const keyLimit = 1_000;

interface Watched extends PlanOfRequest {
  readonly project: string;
  readonly plan: string;
  readonly isDone: boolean;
  readonly isOpen: boolean;
  /** The pull request is being created by its effect. */
  readonly isMaking: boolean;
  /** Its parts get requests of their own as they are done. */
  readonly isStacked: boolean;
}

/** The data about one request between checks. */
interface Looks {
  nextMs: number;
  quiet: number;
  troubles: number;
  /** The etag of the last answer. */
  mark: string;
  etag: string | null;
  /** The pull request in the answer with that etag. */
  request: PullRequest | null;
  remembered: Remembered;
}

type MergeLook = Omit<MergeFacts, 'obstacle' | 'plan'> & { readonly forge: Forge };

export function createPullRequestWatch(parts: PullRequestWatchParts) {
  const { store, projects, clock, log, forgeStates, everyMs = lookMs, forgeOf = forgeOfRepo } = parts;
  const roundMs = Math.min(beatMs, everyMs);
  const readiness = createForgeReadiness({ home: parts.home, env: parts.env, projects, everyMs, beatMs: roundMs });
  const watched = new Map<PlanTree, Watched>();
  const looks = new Map<string, Looks>();
  /** Plans that moved since they were last read; null: all must be read. */
  let moved: Set<PlanTree> | null = null;
  /** Rejected tokens, by project. */
  const denied = new Map<string, string>();
  /** By plan: the mark with which its request was last wanted. A token that may log in may still be too weak to make it. */
  const wantedWith = new Map<PlanTree, string>();
  const ending = new AbortController();

  const follows: Follows = {
    states: ['status:done', 'waits:pull', 'pull_wanted'],
    events: ['pr_', 'create_pr'],
    noted(plans) {
      if (plans === null) moved = null;
      else for (const tree of plans) moved?.add(tree);
      loop.wake();
    },
  };

  const loop = createServiceLoop({
    trouble: { what: 'the pull requests of plans are not looked at' },
    troubles: parts.troubles,
    everyMs: roundMs,
    async work() {
      await takeStock();
      for (const [tree, one] of watched) {
        if (ending.signal.aborted) return null;
        if (one.isMaking) continue;
        if (one.isOpen) await look(tree, one);
        else await want(tree, one);
      }
      await noteWaiting();
      return null;
    },
  });

  async function takeStock(): Promise<void> {
    const wanted = moved ?? new Set((await store.plans(null)).map(({ project, plan }) => planTree(project, plan)));
    moved = new Set();
    for (const tree of wanted) {
      const one = await watchedOf(tree);
      if (one === null) watched.delete(tree);
      else watched.set(tree, one);
    }
  }

  async function watchedOf(tree: PlanTree): Promise<Watched | null> {
    const { project, plan } = placeOf(tree);
    if (projects.isElsewhere(project)) return null;
    const stored = await storedAt(tree);
    if (stored === null) return null;
    const { pull, timestamps, count } = stored.context;
    const isDone = stored.has('status:done');
    const isOpen = stored.has('pull:open');
    const isMaking = stored.has('pull_working');
    const isStacked = isStackedPlan(stored.context);
    if (!isOpen && !isMaking && !((isDone || isStacked) && stored.has('pull_wanted'))) return null;
    return {
      project,
      plan,
      isDone,
      isOpen,
      isMaking,
      isStacked,
      doneAt: timestamps.done_at ?? 0,
      pull: pull ?? noPull,
      merge: forgeMergeStates.find((state) => stored.has(`pull_merge:${state}`)) ?? null,
      count,
    };
  }

  /** null: it is gone or unreadable; the plan itself reports the latter. */
  async function storedAt(tree: PlanTree): Promise<StoredPlan | null> {
    try {
      const row = await store.tree(tree);
      return row === null ? null : storedPlan(tree, row.stored);
    } catch {
      return null;
    }
  }

  async function forgeFor(project: string): Promise<RepoForge> {
    const repo = (await projects.repository(project)).path;
    return forgeOf({ home: parts.home, env: parts.env, repo, signal: ending.signal });
  }

  /**
   * Without a forge a plan is simply done: no request is made and no notice is sent. If the token is missing, the effect that creates the request reports it.
   */
  async function want(tree: PlanTree, { project, doneAt, pull: { refused } }: Watched): Promise<void> {
    if (!parts.isOwner()) return;
    const ready = await readyIn(project);
    if (ready.kind === 'none') return;
    if (refused !== null && (wantedWith.get(tree) === ready.mark || !(await isReadyAgain(project, ready)))) return;
    const again = refused === null ? '' : ` ${refused.at}`;
    await tell(tree, { type: 'pr_wanted', payload: {}, key: `pr_wanted ${doneAt}${again}` });
    wantedWith.set(tree, ready.mark);
    watched.delete(tree);
  }

  async function isReadyAgain(project: string, { kind, mark }: Pick<Readiness, 'kind' | 'mark'>): Promise<boolean> {
    return kind === 'ready' && (await isMended(project, mark));
  }

  /** Whether the forges of a repo's members can be used. A member without one matters only to a plan that changes it. */
  async function readyIn(project: string): Promise<{ readonly kind: Readiness['kind']; readonly mark: string }> {
    const all = await Promise.all(reposWithRequests(projects, project).map((repo) => readiness.of(repo)));
    const [worst = 'none'] = (['unready', 'ready'] as const).filter((kind) => all.some((one) => one.kind === kind));
    return { kind: worst, mark: all.map(({ mark }) => mark).join(' ') };
  }

  async function isMended(project: string, mark: string): Promise<boolean> {
    for (const repo of reposWithRequests(projects, project)) if (await isMendedAt(repo, mark)) return true;
    return false;
  }

  /** Whether a forge that rejected our token accepts the present one. */
  async function isMendedAt(project: string, mark: string): Promise<boolean> {
    const down = await forgeStates.down(project);
    if (down === null || !isUntilChanged(down) || denied.get(project) === mark) return false;
    try {
      await (await forgeFor(project)).forge.login();
      return true;
    } catch (thrown) {
      if (thrown instanceof EngineError && thrown.code === 'forge_denied') denied.set(project, mark);
      return false;
    }
  }

  async function noteWaiting(): Promise<void> {
    const waiting = groupBy([...watched.values()], ({ project }) => project);
    for (const { project } of projects.list())
      await forgeStates.waiting(project, (waiting.get(project) ?? []).map(({ plan }) => plan).sort());
  }

  function looksOf(url: string): Looks {
    const known = looks.get(url) ?? {
      nextMs: 0,
      quiet: 0,
      troubles: 0,
      mark: '',
      etag: null,
      request: null,
      remembered: nothingRemembered,
    };
    looks.set(url, known);
    return known;
  }

  async function look(tree: PlanTree, one: Watched): Promise<void> {
    const { request } = one.pull;
    if (request === null) return;
    const known = looksOf(request.url);
    const project = request.stack?.[0]?.project ?? one.project;
    // A new token is tried at once.
    if (known.troubles > 0 && (await readiness.of(project)).mark !== known.mark) known.nextMs = 0;
    const now = performance.now();
    if (known.nextMs > now || !parts.isOwner()) return;
    const open = [...watched.values()].filter(({ isOpen }) => isOpen).length;
    const pause = Math.max(everyMs, (everyMs * open) / looksPerTime);
    known.nextMs = now + (known.quiet > quietLooks ? pause * quietFactor : pause) * (0.9 + Math.random() / 5);
    try {
      const { forge } = await forgeFor(project);
      const hasNews = await ask(tree, one, { forge, known });
      known.quiet = hasNews ? 0 : known.quiet + 1;
      known.troubles = 0;
      await forgeStates.answered({ project, server: forge.server, plan: one.plan });
    } catch (thrown) {
      if (ending.signal.aborted) return;
      const { mark, site } = await readiness.of(project);
      known.mark = mark;
      const server = site?.server ?? { name: request.server, url: new URL(request.url).origin };
      await forgeStates.failed({ project, server, plan: one.plan }, thrown);
      const limit = thrown instanceof EngineError ? thrown.retryAtMs : undefined;
      const wait =
        limit === undefined ? Math.min(troubleCapMs, everyMs * 2 ** Math.min(known.troubles, 10)) : limit - Date.now();
      known.nextMs = performance.now() + Math.max(wait, pause);
      // A failure that lasts for hours is logged once.
      if (known.troubles === 0) log.warn(`${request.url} could not be looked at: ${messageOf(thrown)}`);
      known.troubles += 1;
    }
  }

  /** Checks the request on the forge; returns whether there was news. */
  async function ask(
    tree: PlanTree,
    one: Watched,
    { forge, known }: { forge: RepoForge['forge']; known: Looks },
  ): Promise<boolean> {
    const { isDone } = one;
    const { request } = one.pull;
    if (request === null) return false;
    if (request.stack !== undefined) return askStack(tree, one, { forge, known, stack: request.stack });
    const found = await lookAt(forge, request.number, known);
    const end = found === null ? null : endOf(request, found);
    if (end !== null) return tell(tree, end);
    if (known.request === null) return false;
    const news = await newsOf(forge, { pull: known.request, head: request.head, isDone });
    const isRemarked = await tell(tree, remarkOf(one, news));
    // A plan that is already working gets the rest when it is done.
    if (!isDone) return isRemarked;
    if (await take(tree, known, askedStep(one, { news, remembered: known.remembered }))) return true;
    const looks = [{ forge, head: request.head, found: known.request, news }];
    return (await lookAtMerge(tree, one, { known, looks })) || isRemarked;
  }

  /** The request, if it has changed since the last look. */
  async function lookAt(forge: Forge, number: number, known: Looks): Promise<PullRequest | null> {
    const found = await forge.pullRequest(number, known.etag);
    if (found === 'unchanged') return null;
    known.etag = found.etag;
    known.request = found;
    return found;
  }

  /** The same for each request of a stack. What was changed there is first taken into account in all of it. */
  async function askStack(
    tree: PlanTree,
    one: Watched,
    { forge, known, stack }: { forge: Forge; known: Looks; stack: readonly StackLayer[] },
  ): Promise<boolean> {
    const asked = stack.filter(({ state }) => state !== 'merged');
    const forges = new Map<string, Forge>();
    for (const { project, number, url } of asked) {
      const at = project === undefined ? forge : (await forgeFor(project)).forge;
      forges.set(url, at);
      await lookAt(at, number, looksOf(url));
    }
    const change = stackChange(stack, ({ url }) => looksOf(url).request, one.isDone);
    if (change !== null) return tell(tree, stackChanged(one, change));
    let hasNews = false;
    const members: MergeLook[] = [];
    for (const layer of asked.filter(({ state }) => state === 'open')) {
      const seen = looksOf(layer.url);
      if (seen.request === null) continue;
      const at = forges.get(layer.url) ?? forge;
      const news = await newsOf(at, { pull: seen.request, head: layer.head, isDone: one.isDone });
      if (await tell(tree, remarkOf(one, news))) hasNews = true;
      // One round of work at a time: it is for one part.
      const { remembered } = seen;
      if (one.isDone && (await take(tree, seen, askedStep(one, { news, remembered, layer })))) return true;
      if (layer.project !== undefined) members.push({ forge: at, head: layer.head, found: seen.request, news });
    }
    // People merge a stack. The requests of members are merged together, when all of them can be.
    if (!one.isDone || members.length === 0 || asked.some(({ state }) => state !== 'open')) return hasNews;
    return (await lookAtMerge(tree, one, { known, looks: members })) || hasNews;
  }

  /** Requests the merge by the forge, or notifies a person of the obstacle. */
  async function lookAtMerge(
    tree: PlanTree,
    one: Watched,
    { known, looks }: { known: Looks; looks: readonly MergeLook[] },
  ): Promise<boolean> {
    const { policy } = projects.get(one.project).config;
    const decided = mergeWithoutLook(one, policy);
    if (decided !== null) return decided !== 'nothing' && tell(tree, decided);
    const facts = await Promise.all(
      looks.map(async ({ forge, ...each }) => ({
        ...each,
        plan: one.plan,
        obstacle: asksForObstacle(each, one.merge) ? await forge.mergeObstacle(each.found) : null,
      })),
    );
    return take(tree, known, mergeStep(one, { policy, facts, remembered: known.remembered }));
  }

  /** Carries out a step; returns whether there was news. */
  async function take(tree: PlanTree, known: Looks, { signal, hasNews, remembered }: LookStep): Promise<boolean> {
    known.remembered = remembered;
    await tell(tree, signal);
    return hasNews;
  }

  /** Returns whether there was something to tell. */
  async function tell(tree: PlanTree, signal: PullSignal | null): Promise<boolean> {
    if (signal === null) return false;
    if (ending.signal.aborted || !parts.isOwner()) return true;
    const { type, payload, key } = signal;
    const dedupeKey = `${tree} ${key}`.slice(0, keyLimit);
    await store.commit([{ do: 'signal.insert', tree, type, payload, origin: 'engine', dedupeKey, at: clock.nowMs() }]);
    parts.onSignals();
    return true;
  }

  return {
    follows,
    start: () => loop.start(),
    /** Forges are checked again now. */
    configured() {
      readiness.forget();
      denied.clear();
      wantedWith.clear();
      for (const known of looks.values()) if (known.troubles > 0) known.nextMs = 0;
      loop.wake();
    },
    /** May be called twice; an open request is aborted. */
    stop() {
      ending.abort();
      void loop.stop(); // never rejects; an open request to a forge is aborted
    },
  };
}
