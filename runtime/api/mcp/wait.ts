/** Waits for events, even if the engine goes away and comes back meanwhile. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isOver, planStatuses } from '../../../machines/vocabulary/plan-status.ts';
import { absentStep, absentText } from '../../base/platform/home-engine.ts';
import { pause, timeLimit } from '../../base/platform/pause.ts';
import type { Client, FactEntry, PlanEntry } from '../client/client.ts';
import { type McpCaller, withCaller } from './caller.ts';
import { type Ask, withKnown } from './tool.ts';

/** Most clients give up after a minute without a progress message. */
export const defaultWaitSeconds = 45;
export const waitLimitSeconds = 3_600;
/** Facts make the wait prompt. This poll is the safeguard, and looks for a missing engine. */
const lookMs = 2_000;
const progressMs = 15_000;
const eventsLimit = 200;
/** Errors that occur briefly: while an engine restarts, and while all streams are open. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'owner_taken', 'store_locked', 'limit_reached']);

export const waitFor = ['event', 'person', 'idle', 'final', ...planStatuses] as const;
type WaitFor = (typeof waitFor)[number];

type WaitAsk = Ask<{
  project?: string | undefined;
  until: WaitFor;
  since?: number | undefined;
  timeout_seconds: number;
}>;

/** `plan` null: all plans, or those of one repo. Throws `plan_not_found` and other errors that do not pass by themselves. */
export async function waitUntil(ask: WaitAsk, plan: string | null) {
  const { until, since = null, timeout_seconds: seconds } = ask.input;
  const done = new AbortController();
  const stop = AbortSignal.any([timeLimit(seconds * 1_000), ask.signal, done.signal]);
  const { project: said } = ask.input;
  const project =
    plan === null
      ? await withKnown(ask.caller, { mode: 'read', said }, async () => said)
      : await ask.with('read', async (_, named) => named);
  const facts = followFacts(ask.caller, { project, plan, since, signal: stop });
  let look: Look | null = null;
  let reportedMs = performance.now();
  try {
    for (;;) {
      facts.mustBeWell();
      if (plan !== null && project !== undefined) look = (await lookAt(ask, project, plan)) ?? look;
      const reached = until === 'event' ? facts.seen.length > 0 : look !== null && isAsWanted(look, until);
      if (reached || stop.aborted)
        return {
          reached,
          note: reached ? leftOut(facts.dropped()) : (facts.trouble() ?? unreached(until, seconds)),
          plan: look?.entry ?? null,
          events: [...facts.seen],
          next_since: facts.since(),
        };
      if (performance.now() - reportedMs > progressMs) {
        reportedMs = performance.now();
        await ask.progress(facts.trouble() ?? 'waiting');
      }
      await facts.next(stop);
    }
  } finally {
    done.abort();
  }
}

function unreached(until: WaitFor, seconds: number): string {
  return `${until === 'event' ? 'no event' : `"${until}" was not reached`} within ${seconds} s; call again`;
}

/** null: no event is missing in the answer. */
function leftOut(count: number): string | null {
  return count === 0 ? null : `${count} earlier events are left out; read the history for them`;
}

/** null: the engine is briefly away. `hasAgents`: looked at only where it matters. */
async function lookAt(ask: WaitAsk, project: string, plan: string): Promise<Look | null> {
  try {
    return await ask.with('read', async (client) => {
      const entry = await client.plan(project, plan);
      const isAsked = ask.input.until === 'idle';
      return { entry, hasAgents: isAsked && (await client.instances({ project, plan, live: true })).length > 0 };
    });
  } catch (thrown) {
    if (isPassing(thrown)) return null;
    throw thrown;
  }
}

interface Look {
  readonly entry: PlanEntry;
  readonly hasAgents: boolean;
}

function isAsWanted({ entry: { status, turn }, hasAgents }: Look, until: WaitFor): boolean {
  switch (until) {
    case 'event':
      return true;
    case 'person':
    case 'idle':
      // While a person is asked, other tasks may be at work.
      return (turn === 'person' || turn === 'nobody') && !hasAgents;
    case 'final':
      return isOver(status);
    default:
      return status === until;
  }
}

interface Followed {
  readonly project?: string | undefined;
  readonly plan: string | null;
  readonly since: number | null;
  readonly signal: AbortSignal;
}

export interface Facts {
  /** The newest 200 facts; a reader may take them out. */
  readonly seen: FactEntry[];
  /** How many older ones were dropped. */
  dropped(): number;
  /** The number of the newest fact, or, before one came, of the fact after which they begin; null: no engine was reached so far. */
  since(): number | null;
  /** Resolves at the next fact, or after the poll interval. */
  next(stop: AbortSignal): Promise<void>;
  /** Why no facts can arrive now; null: they can. */
  trouble(): string | null;
  /** Throws the error that ended the stream for good. */
  mustBeWell(): void;
}

/** Follows the facts of the running engine, also over restarts, until `signal`. */
export function followFacts(caller: Pick<McpCaller, 'attach' | 'open'>, { signal, ...of }: Followed): Facts {
  const seen: FactEntry[] = [];
  let dropped = 0;
  // A reader may have taken the facts out, and the stream goes on after the last of them nevertheless.
  let { since } = of;
  let wake = () => {};
  let trouble: string | null = null;
  let broken: unknown = null;
  const follow = async () => {
    while (!signal.aborted) {
      try {
        const client = await caller.attach();
        trouble = client === null ? await absence(caller) : null;
        const onStart = (begins: number) => {
          since = begins;
        };
        for await (const fact of client === null ? [] : factsOf(client, { ...of, since, signal, onStart })) {
          since = fact.seq;
          seen.push(fact);
          if (seen.length > eventsLimit) {
            seen.shift();
            dropped += 1;
          }
          wake();
        }
      } catch (thrown) {
        if (signal.aborted) return;
        if (!isPassing(thrown)) throw thrown;
        trouble = thrown instanceof Error ? thrown.message : String(thrown);
      }
      await pause(lookMs / 2, signal);
    }
  };
  follow().catch((thrown: unknown) => {
    broken = thrown;
    wake();
  });
  return {
    seen,
    dropped: () => dropped,
    since: () => since,
    async next(stop) {
      const soon = new AbortController();
      wake = () => soon.abort();
      await pause(lookMs, AbortSignal.any([stop, soon.signal]));
    },
    trouble: () => trouble,
    mustBeWell() {
      if (broken !== null) throw broken;
    },
  };
}

/** The owner of the home if it does not answer. */
async function absence(caller: Pick<McpCaller, 'open'>): Promise<string> {
  const engine = (await withCaller(caller, 'read', async (client) => client.engine)) ?? { kind: 'none' };
  return `${absentText(engine)}; for a person: ${absentStep(engine)}`;
}

async function* factsOf(
  client: Client,
  { project, plan, since, signal, onStart }: Followed & { onStart: (since: number) => void },
): AsyncGenerator<FactEntry> {
  try {
    yield* client.events({
      ...(project === undefined ? {} : { project }),
      ...(plan === null ? {} : { plan }),
      ...(since === null ? {} : { since }),
      signal,
      onStart,
    });
  } finally {
    await client.close();
  }
}

function isPassing(thrown: unknown): boolean {
  return thrown instanceof EngineError && passing.has(thrown.code);
}
