/** Reads an open pull request from its forge once, and sends its plan the signals that follow (pull-request-steps.ts). */
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import type { StackLayer } from '../../../machines/vocabulary/plan-pull.ts';
import type { Policy } from '../../../machines/vocabulary/policy.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Forge, PullRequest } from './forge.ts';
import type { ForgeReadiness } from './forge-readiness.ts';
import type { ForgeStates } from './forge-states.ts';
import { newsOf } from './pull-request-news.ts';
import type { Watched } from './pull-request-plans.ts';
import {
  askedStep,
  asksForObstacle,
  endOf,
  type LookStep,
  type MergeFacts,
  mergeStep,
  mergeWithoutLook,
  nothingRemembered,
  type PullSignal,
  type Remembered,
  remarkOf,
  stackChange,
  stackChanged,
} from './pull-request-steps.ts';
import type { RepoForge } from './repo-forge.ts';

/** The number of checks without news after which a request is checked less often. */
const quietLooks = 30;
const quietFactor = 5;
/** The most checks in that time over all plans: a token has a few thousand requests an hour. */
const looksPerTime = 15;
const troubleCapMs = 15 * 60_000;

/** The data about one request between two readings. */
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

interface Asking {
  forgeFor(project: string): Promise<RepoForge>;
  policyOf(project: string): Policy;
  /** Returns whether there was news. */
  report(one: Watched, signal: PullSignal | null): Promise<boolean>;
  looksOf(url: string): Looks;
}

type MergeLook = Omit<MergeFacts, 'obstacle' | 'plan'> & { readonly forge: Forge };

export interface LookParts extends Omit<Asking, 'looksOf'> {
  readonly log: Log;
  readonly forgeStates: Pick<ForgeStates, 'answered' | 'failed'>;
  readonly readiness: Pick<ForgeReadiness, 'of'>;
  readonly everyMs: number;
  /** Whether the watch has ended, or this process no longer owns the home. */
  isOver(): boolean;
}

export function createRequestLooks(parts: LookParts) {
  const { log, forgeStates, readiness, everyMs, isOver } = parts;
  const looks = new Map<string, Looks>();
  /** By server and token: the time until which the forge wants no request, by the monotonic clock. It counts for all requests there. */
  const pauses = new Map<string, number>();

  function looksOf(url: string): Looks {
    const known = looks.get(url) ?? {
      ...{ nextMs: 0, quiet: 0, troubles: 0, mark: '', etag: null, request: null },
      remembered: nothingRemembered,
    };
    looks.set(url, known);
    return known;
  }

  return {
    /** After a failure, the next reading is not delayed. */
    again() {
      pauses.clear();
      for (const known of looks.values()) if (known.troubles > 0) known.nextMs = 0;
    },
    /** Reads the plan's request if it is due. `open`: the number of open requests. */
    async look(one: Watched, open: number): Promise<void> {
      const { request } = one.pull;
      if (request === null) return;
      const known = looksOf(request.url);
      const project = request.stack?.[0]?.project ?? one.project;
      // A new token is tried at once.
      if (known.troubles > 0 && (await readiness.of(project)).mark !== known.mark) known.nextMs = 0;
      const now = performance.now();
      if (known.nextMs > now || isOver()) return;
      if (pauses.size > 0) {
        const { mark } = await readiness.of(project);
        if ((pauses.get(`${request.server} ${mark}`) ?? 0) > now) return;
      }
      known.nextMs = now + pauseMs({ everyMs, open, quiet: known.quiet }) * (0.9 + Math.random() / 5);
      try {
        const { forge } = await parts.forgeFor(project);
        const hasNews = await ask({ ...parts, looksOf }, one, { forge, known });
        known.quiet = hasNews ? 0 : known.quiet + 1;
        known.troubles = 0;
        await forgeStates.answered({ project, server: forge.server, plan: one.plan });
      } catch (thrown) {
        if (isOver()) return;
        const { mark, site } = await readiness.of(project);
        known.mark = mark;
        const server = site?.server ?? { name: request.server, url: new URL(request.url).origin };
        await forgeStates.failed({ project, server, plan: one.plan }, thrown);
        const retryAtMs = thrown instanceof EngineError ? thrown.retryAtMs : undefined;
        const retryInMs = retryAtMs === undefined ? null : retryAtMs - Date.now();
        if (retryInMs !== null) pauses.set(`${request.server} ${mark}`, performance.now() + retryInMs);
        known.nextMs = performance.now() + troubleMs({ everyMs, open, troubles: known.troubles, retryInMs });
        // A failure that lasts for hours is logged once.
        if (known.troubles === 0) log.warn(`${request.url} could not be looked at: ${messageOf(thrown)}`);
        known.troubles += 1;
      }
    },
  };
}

interface Pace {
  readonly everyMs: number;
  /** The number of open requests over all plans. */
  readonly open: number;
}

/** The pause between two readings of one request; `quiet`: the number of readings in a row without news. */
export function pauseMs({ everyMs, open, quiet }: Pace & { readonly quiet: number }): number {
  const pause = Math.max(everyMs, (everyMs * open) / looksPerTime);
  return quiet > quietLooks ? pause * quietFactor : pause;
}

/** The pause after a failed reading, and `troubles` failures in a row before it. `retryInMs`: the time that the forge named; null: none. */
export function troubleMs(pace: Pace & { readonly troubles: number; readonly retryInMs: number | null }): number {
  const backOffMs = Math.min(troubleCapMs, pace.everyMs * 2 ** Math.min(pace.troubles, 10));
  return Math.max(pace.retryInMs ?? backOffMs, pauseMs({ ...pace, quiet: 0 }));
}

/** Checks the request on the forge; returns whether there was news. */
async function ask(
  asking: Asking,
  one: Watched,
  { forge, known }: { forge: RepoForge['forge']; known: Looks },
): Promise<boolean> {
  const { isDone } = one;
  const { request } = one.pull;
  if (request === null) return false;
  if (request.stack !== undefined) return askStack(asking, one, { forge, known, stack: request.stack });
  await lookAt(forge, { ...request, branch: one.branch }, known);
  if (known.request === null) return false;
  // The store may not have taken an earlier report, and the forge answers only once with what has changed.
  const end = endOf(request, known.request, one);
  if (end !== null) return asking.report(one, end);
  const news = await newsOf(forge, { pull: known.request, head: request.head, isDone });
  const isRemarked = await asking.report(one, remarkOf(one, news));
  // A working plan gets the rest when it is done.
  if (!isDone) return isRemarked;
  if (await take(asking, one, known, askedStep(one, { news, remembered: known.remembered }))) return true;
  const looks = [{ forge, head: request.head, found: known.request, news }];
  return (await lookAtMerge(asking, one, { known, looks })) || isRemarked;
}

/** Reads the request, if it has changed since the last reading. Throws `not_found` if the repository that the remote names now has another one of that number. */
async function lookAt(
  forge: Forge,
  { number, url, branch, head }: Pick<StackLayer, 'number' | 'url' | 'branch' | 'head'>,
  known: Looks,
): Promise<void> {
  const found = await forge.pullRequest(number, known.etag);
  if (found === 'unchanged') return;
  // The address of a repository that was renamed is another one too.
  if (found.url !== url && found.head !== branch && found.headCommit !== head)
    throw new EngineError(
      'not_found',
      `the remote names another repository now: ${found.url} is not the request of ${branch}, which was ${url}`,
      'see where that request is: git remote -v',
    );
  known.etag = found.etag;
  known.request = found;
}

/** The same for each request of a stack. All changes on the forge are handled before any feedback. */
async function askStack(
  asking: Asking,
  one: Watched,
  { forge, known, stack }: { forge: Forge; known: Looks; stack: readonly StackLayer[] },
): Promise<boolean> {
  const asked = stack.filter(({ state }) => state !== 'merged');
  const forges = new Map<string, Forge>();
  for (const layer of asked) {
    const { project, url } = layer;
    const at = project === undefined ? forge : (await asking.forgeFor(project)).forge;
    forges.set(url, at);
    await lookAt(at, layer, asking.looksOf(url));
  }
  const change = stackChange(stack, ({ url }) => asking.looksOf(url).request, one.isDone);
  if (change !== null) return asking.report(one, stackChanged(one, change));
  let hasNews = false;
  const members: MergeLook[] = [];
  for (const layer of asked.filter(({ state }) => state === 'open')) {
    const seen = asking.looksOf(layer.url);
    if (seen.request === null) continue;
    const at = forges.get(layer.url) ?? forge;
    const news = await newsOf(at, { pull: seen.request, head: layer.head, isDone: one.isDone });
    if (await asking.report(one, remarkOf(one, news))) hasNews = true;
    // The plan works on the feedback for one part at a time.
    const { remembered } = seen;
    if (one.isDone && (await take(asking, one, seen, askedStep(one, { news, remembered, layer })))) return true;
    if (layer.project !== undefined) members.push({ forge: at, head: layer.head, found: seen.request, news });
  }
  // People merge the requests of a stack themselves. The requests of members are merged together, as soon as all can be.
  if (!one.isDone || members.length === 0 || asked.some(({ state }) => state !== 'open')) return hasNews;
  return (await lookAtMerge(asking, one, { known, looks: members })) || hasNews;
}

/** Asks the forge to merge, or notifies a person of the obstacle. */
async function lookAtMerge(
  asking: Asking,
  one: Watched,
  { known, looks }: { known: Looks; looks: readonly MergeLook[] },
): Promise<boolean> {
  const policy = asking.policyOf(one.project);
  const decided = mergeWithoutLook(one, policy);
  if (decided !== null) return decided !== 'nothing' && asking.report(one, decided);
  const facts = await Promise.all(
    looks.map(async ({ forge, ...look }) => {
      const seen = { ...look, plan: one.plan };
      return { ...seen, obstacle: asksForObstacle(seen, one.merge) ? await forge.mergeObstacle(seen.found) : null };
    }),
  );
  return take(asking, one, known, mergeStep(one, { policy, facts, remembered: known.remembered }));
}

/** Carries out a step; returns whether there was news. */
async function take(
  asking: Asking,
  one: Watched,
  known: Looks,
  { signal, hasNews, remembered }: LookStep,
): Promise<boolean> {
  known.remembered = remembered;
  await asking.report(one, signal);
  return hasNews;
}
