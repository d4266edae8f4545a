/** Watches a plan while it runs, shows its progress, and returns how it ended. */
import { onOneLine, withHint } from '../../machines/vocabulary/errors.ts';
import { isOver, statusIn } from '../../machines/vocabulary/plan-status.ts';
import type { Client, FactEntry, InstanceEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { environmentFault } from '../../runtime/base/platform/environment-fault.ts';
import { pause } from '../../runtime/base/platform/pause.ts';
import { hasNoStream, isAbsence, waitsForStore } from '../absence.ts';
import { plain } from '../text.ts';
import type { Display } from './display.ts';
import { journalOf } from './journal.ts';
import { type Outcome, outcomeOf, waitedOutcome } from './outcome.ts';
import type { Asking } from './questions.ts';
import type { Warnings } from './warnings.ts';

export interface Watching {
  readonly client: Client;
  readonly project: string;
  readonly plan: string;
  /** The `seq` of the last fact that was read. */
  readonly since: number;
  /** Called with the number of the last fact that was shown. */
  onShown(seq: number): void;
  readonly display: Display;
  readonly footer: string;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** How long the plan may wait without progress; null: without a limit. */
  readonly waitLimitMs: number | null;
  /** Asks the person at the terminal the agents' questions. */
  readonly asking: Asking;
  readonly warnings: Warnings;
}

export type Ending =
  | {
      readonly kind: 'over';
      readonly outcome: Exclude<Outcome, { kind: 'goes-on' }>;
      readonly plan: PlanShow;
      readonly since: number;
    }
  | { readonly kind: 'interrupted'; readonly since: number }
  /** The engine has ended. */
  | { readonly kind: 'gone'; readonly since: number };

/** At most five pictures a second, and at least one for the clock. */
const shortestMs = 200;
const longestMs = 1_000;
/** Reading takes at most this part of the time: a large plan takes longer to read, and the engine may work in the same process. */
const lookPart = 20;
/** A done plan may still have an agent that takes its time to end. */
const leavingMs = 45_000;

/** Throws the errors of an engine, except that no engine answers. */
export async function watchPlan(watching: Watching): Promise<Ending> {
  const abort = new AbortController();
  const feed = createFeed(watching, abort.signal);
  let overSinceMs: number | null = null;
  let waitsSinceMs: number | null = null;
  let printed: string | null = null;
  let since = watching.since;
  try {
    for (;;) {
      const begunMs = performance.now();
      const isGone = feed.isOver();
      const seen = await look(watching);
      const tookMs = performance.now() - begunMs;
      if (seen === 'gone' || seen === 'interrupted') return { kind: seen, since };
      const facts = feed.take().filter((fact) => fact.seq > since);
      since = facts.at(-1)?.seq ?? since;
      const unfetched = seen.plan.base_remote?.fetch_failed ?? null;
      if (unfetched !== null && unfetched !== printed)
        watching.display.say(`base ${plain(seen.plan.base_remote?.text ?? '')}`);
      printed = unfetched;
      watching.display.show({ ...seen, facts, footer: watching.footer });
      watching.onShown(since);
      if (watching.interrupted.aborted) return { kind: 'interrupted', since };
      const isAsking = isAsked(watching, seen);
      const isFinal = isOver(seen.plan.status);
      overSinceMs = isFinal ? (overSinceMs ?? begunMs) : null;
      const isLate = overSinceMs !== null && begunMs - overSinceMs > leavingMs;
      const outcome = outcomeOf(seen.plan, isLate ? [] : seen.instances);
      if (outcome.kind !== 'goes-on' && !isAsking)
        return { kind: 'over', outcome, ...(await lastLook(watching, since)) };
      waitsSinceMs = isWaiting(seen) && !isAsking && facts.length === 0 ? (waitsSinceMs ?? begunMs) : null;
      const { waitLimitMs } = watching;
      if (waitLimitMs !== null && waitsSinceMs !== null && performance.now() - waitsSinceMs >= waitLimitMs)
        return { kind: 'over', outcome: waitedOutcome(seen.plan, waitLimitMs), plan: seen.plan, since };
      if (isGone) return { kind: 'gone', since };
      await feed.next(longestMs);
      const pauseMs = Math.min(longestMs, Math.max(shortestMs, tookMs * lookPart));
      await feed.last(Math.max(0, pauseMs - (performance.now() - begunMs)));
    }
  } finally {
    watching.asking.stop();
    abort.abort();
    await feed.ended;
  }
}

/** A working agent has time limits of its own; every other wait may last for ever. */
function isWaiting({ plan: { waiting_for: waiting } }: Seen): boolean {
  return waiting !== null && waiting.kind !== 'agent';
}

/** Whether a person is answering a question now: then the run does not end. */
function isAsked({ asking }: Watching, { plan, instances }: Seen): boolean {
  try {
    return asking.look(plan, instances);
  } catch (thrown) {
    if (isAbsence(thrown) || waitsForStore(thrown)) return true; // the next reading reports it
    throw thrown;
  }
}

interface Seen {
  readonly plan: PlanShow;
  readonly instances: readonly InstanceEntry[];
}

/** `gone`: no engine answers. */
type Unseen = Exclude<Ending['kind'], 'over'>;

/** As long as the environment or the store is at fault, the engine cannot be read, but goes on, so it is asked again. */
async function look({ client, project, plan, warnings, display, interrupted }: Watching): Promise<Seen | Unseen> {
  for (let isSaid = false; ; isSaid = true) {
    try {
      await warnings.look();
      const shown = await client.plan(project, plan);
      return { plan: shown, instances: await client.instances({ project, plan }) };
    } catch (thrown) {
      if (isAbsence(thrown)) return 'gone';
      const trouble = waitsForStore(thrown) ? thrown : environmentFault(thrown);
      if (trouble === null) throw thrown;
      if (!isSaid) display.say(`${plan} cannot be read now: ${plain(onOneLine(withHint(trouble)))}`);
      if (interrupted.aborted) return 'interrupted';
      await pause(longestMs, interrupted);
    }
  }
}

/** The plan may end before its last facts and warnings arrive, so they are requested. */
async function lastLook({ client, project, plan, display, onShown, warnings }: Watching, since: number) {
  await warnings.look(true);
  const facts: FactEntry[] = [];
  for await (const entry of journalOf(client, { project, plan }, since)) facts.push({ ...entry, project, plan });
  const shown = await client.plan(project, plan);
  display.show({ plan: shown, instances: await client.instances({ project, plan }), facts, footer: '' });
  const last = facts.at(-1)?.seq ?? since;
  onShown(last);
  return { plan: shown, since: last };
}

interface Feed {
  take(): FactEntry[];
  /** The stream has ended, and was not closed here. */
  isOver(): boolean;
  /** Resolves with the next fact, the end of the stream, an interrupt, or the time. */
  next(limitMs: number): Promise<void>;
  /** Resolves with the fact that ends the plan, after which only the last reading follows, or after the time. */
  last(limitMs: number): Promise<void>;
  readonly ended: Promise<void>;
}

function createFeed({ client, project, plan, since, interrupted }: Watching, signal: AbortSignal): Feed {
  let facts: FactEntry[] = [];
  let isClosed = false;
  let hasEnded = false;
  let wake = () => {};
  let wakeAtEnd = () => {};
  interrupted.addEventListener('abort', () => wake(), { signal });
  const read = async () => {
    for (let isRefused = true; isRefused && !signal.aborted; ) {
      try {
        for await (const fact of client.events({ project, plan, since, watch: true, signal })) {
          facts.push(fact);
          wake();
          hasEnded = fact.actor === '' && isOver(statusIn(fact.to_tags));
          if (hasEnded) wakeAtEnd();
        }
        isRefused = false;
      } catch (thrown) {
        // Otherwise the stream broke off: the next request shows why.
        isRefused = hasNoStream(thrown);
        if (isRefused) await pause(longestMs, signal);
      }
    }
    isClosed = true;
    wake();
  };
  return {
    take() {
      const taken = facts;
      facts = [];
      return taken;
    },
    isOver: () => isClosed,
    async next(limitMs) {
      if (facts.length > 0 || isClosed || interrupted.aborted) return;
      const woken = new AbortController();
      wake = () => woken.abort();
      await pause(limitMs, woken.signal);
    },
    async last(limitMs) {
      const woken = new AbortController();
      wakeAtEnd = () => woken.abort();
      if (!hasEnded) await pause(limitMs, woken.signal);
    },
    ended: read(),
  };
}
