/**
 * Watches the pull requests of plans. One is requested if a plan is done, wants one, and has a forge. Open ones are checked, and their plans get signals
 * about changes. Plans without pull requests cost nothing. A forge gets at most one check a minute for each open request, fewer if nothing happens.
 */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { PlanTree } from '../../../machines/vocabulary/ids.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import type { Store } from '../../core/store/port.ts';
import type { Projects } from '../repos/registry.ts';
import { createForgeReadiness, type Readiness } from './forge-readiness.ts';
import { type ForgeStates, isUntilChanged } from './forge-states.ts';
import { createRequestLooks } from './pull-request-look.ts';
import { createPlansOfRequests, type Watched } from './pull-request-plans.ts';
import type { PullSignal } from './pull-request-steps.ts';
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
const keyLimit = 1_000;

export function createPullRequestWatch(parts: PullRequestWatchParts) {
  const { store, projects, clock, log, forgeStates, everyMs = lookMs, forgeOf = forgeOfRepo } = parts;
  const roundMs = Math.min(beatMs, everyMs);
  const readiness = createForgeReadiness({ home: parts.home, env: parts.env, projects, everyMs, beatMs: roundMs });
  const { plans, read, follows } = createPlansOfRequests({ store, projects, onMoved: () => loop.wake() });
  /** Rejected tokens, by project. */
  const denied = new Map<string, string>();
  /** By plan: the mark of the token with which its request was last requested. A token that may log in may still lack the right to make it. */
  const wantedWith = new Map<PlanTree, string>();
  const ending = new AbortController();
  const isOver = () => ending.signal.aborted || !parts.isOwner();
  const policyOf = (project: string) => projects.get(project).config.policy;
  const looks = createRequestLooks({ log, forgeStates, readiness, everyMs, isOver, forgeFor, policyOf, report });

  const loop = createServiceLoop({
    trouble: { what: 'the pull requests of plans are not looked at' },
    troubles: parts.troubles,
    everyMs: roundMs,
    async work() {
      await read();
      const open = [...plans.values()].filter(({ isOpen }) => isOpen).length;
      for (const one of plans.values()) {
        if (ending.signal.aborted) return null;
        if (one.isMaking) continue;
        if (one.isOpen) await looks.look(one, open);
        else await want(one);
      }
      await noteWaiting();
      return null;
    },
  });

  async function forgeFor(project: string): Promise<RepoForge> {
    const repo = (await projects.repository(project)).path;
    return forgeOf({ home: parts.home, env: parts.env, repo, signal: ending.signal });
  }

  /**
   * Without a forge a plan is simply done: no request is made and no notice is sent. If the token is missing, the effect that creates the request reports it.
   */
  async function want(one: Watched): Promise<void> {
    const { tree, project, doneAt, pull } = one;
    const { refused } = pull;
    if (!parts.isOwner()) return;
    const ready = await readyIn(project);
    if (ready.kind === 'none') return;
    if (refused !== null && (wantedWith.get(tree) === ready.mark || !(await isReadyAgain(project, ready)))) return;
    const again = refused === null ? '' : ` ${refused.at}`;
    await report(one, { type: 'pr_wanted', payload: {}, key: `pr_wanted ${doneAt}${again}` });
    wantedWith.set(tree, ready.mark);
    plans.delete(tree);
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
    const waiting = groupBy([...plans.values()], ({ project }) => project);
    for (const { project } of projects.list()) {
      if (await isLeft(project)) await forgeStates.left(project);
      await forgeStates.waiting(project, (waiting.get(project) ?? []).map(({ plan }) => plan).sort());
    }
  }

  /** The remotes of the repo do not lead any more to the forge that does not answer. */
  async function isLeft(project: string): Promise<boolean> {
    const down = await forgeStates.down(project);
    if (down === null) return false;
    const { site, mark } = await readiness.of(project);
    return mark === 'no_forge' || (site !== null && site.server.name !== down.server);
  }

  /** Sends the signal to the plan; returns whether there was one. */
  async function report({ tree }: Watched, signal: PullSignal | null): Promise<boolean> {
    if (signal === null) return false;
    if (isOver()) return true;
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
      looks.again();
      loop.wake();
    },
    /** May be called twice; an open request is aborted. */
    stop() {
      ending.abort();
      void loop.stop(); // never rejects; an open request to a forge is aborted
    },
  };
}
