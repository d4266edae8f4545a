/** Continues a session with a message, in whatever state its plan is: as a signal, as the next round, or by beginning it again. */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalType } from '../../../machines/vocabulary/signal.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import type { IssueStarted } from '../contract/issues.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import type { IssueForges } from './issue-forges.ts';
import { createNextStep, goOn, messageSignal, type SessionSignal } from './issue-next-step.ts';
import type { IssuePlace } from './issue-place.ts';
import type { IssueAsk, IssueSessions } from './issue-sessions.ts';
import { type SessionSlots, sessionTitle } from './issue-slots.ts';
import type { createBeginning } from './issue-start.ts';
import { repeatedRequest } from './signal-sender.ts';

export interface ContinueIssue extends IssueAsk {
  /** null: no new message; the session is repaired and goes on. */
  readonly message: string | null;
  readonly waits: boolean;
}

/** A message that finds its session between two states is sent again: this many times, with this delay. */
const continueTries = 60;
const continuePollMs = 250;

/** The session accepts no message at this moment. */
class BetweenStates extends EngineError {}

interface ContinueParts extends Pick<CommandDependencies, 'store' | 'clock'>, ReturnType<typeof createBeginning> {
  readonly forges: Pick<IssueForges, 'materialOf'>;
  readonly sessions: IssueSessions;
  readonly slots: SessionSlots;
  mustSend(place: PlanKey, signal: SessionSignal): Promise<void>;
}

export function createContinuation(parts: ContinueParts) {
  const { store, clock, forges, sessions, slots, begin, untilStarted, mustSend } = parts;
  const nextStep = createNextStep({ store, materialOf: forges.materialOf, saidTo: sessions.saidTo });

  async function continueSession(asked: ContinueIssue): Promise<IssueStarted> {
    let { message } = asked;
    for (let tries = 1; tries <= continueTries; tries += 1) {
      try {
        const place = await sessions.placeOf(asked);
        if (message !== null && (await isToBeRead(place, message))) message = null;
        const answer = await continueOnce(place, { message, waits: asked.waits });
        if (answer !== null) return answer;
      } catch (thrown) {
        // Its agent has just ended, and its work is being committed. Shortly after that the session accepts the message in another way.
        if (!(thrown instanceof BetweenStates) || tries === continueTries) throw thrown;
      }
      await delay(continuePollMs);
    }
    throw new EngineError('unavailable', 'the session was begun again and again', 'see why: stator issue list');
  }

  /** Whether the message is already stored and its first run has not begun: then a command that was cut off is being repeated. */
  async function isToBeRead({ project, plan }: PlanKey, message: string): Promise<boolean> {
    const known = await store.plan(project, plan);
    // The new plan's document contains the message in any case.
    if (known === null) return false;
    const last = (await store.issueMessages({ project, plan })).at(-1);
    const request = repeatedRequest();
    const isSaid = last?.by === 'person' && last.content === message;
    if (request !== null && !isSaid && (await wasWord({ project, plan }, message, request.firstAtMs))) {
      // The signal was accepted, and the engine was cut off before it stored the message.
      const said = { by: 'person', content: message, at: clock.nowMs() } as const;
      await store.commit([{ do: 'issue.say', key: { project, plan }, ...said }]);
      return true;
    }
    if (last === undefined || !isSaid) return false;
    if (request !== null && last.at >= request.firstAtMs) return true;
    if (!['ready', 'implementing'].includes(known.status)) return false;
    const runs = await store.runs({ by: 'title', project, title: sessionTitle(plan) });
    return !runs.some((run) => run.plan === plan && run.state !== 'queued');
  }

  /** Whether a signal has carried this message to the session since then. */
  async function wasWord(key: PlanKey, message: string, sinceMs: number): Promise<boolean> {
    const rows = await store.signals(key);
    return rows.some(({ payload, created_at: at }) => {
      const { body } = JSON.parse(payload) as { body?: unknown };
      return at >= sinceMs && body === message;
    });
  }

  /** null: the session was begun again, and the message is still to be sent. */
  async function continueOnce(
    place: IssuePlace,
    { message, waits }: Pick<ContinueIssue, 'message' | 'waits'>,
  ): Promise<IssueStarted | null> {
    const { project, plan } = place;
    const row = await sessions.rowOf(place);
    const known = await store.plan(project, plan);
    if (row === null && known !== null) throw notASession(place);
    if (known === null) return begin(place, { message: message ?? goOn, pullRequest: row?.pullRequest ?? null, waits });
    const sinceMs = clock.nowMs();
    const { starts, signals, sends, isOnTheWay, notes } = await nextStep(place, known, message);
    const say = async () => {
      for (const signal of signals) await mustTake(place, known, signal);
      if (sends !== null) await requireSent(place, sends);
      const content = { by: 'person', content: message ?? '', at: sinceMs } as const;
      const said = { do: 'issue.say', key: { project, plan }, ...content } as const;
      if (message !== null && !isOnTheWay) await store.commit([said]);
    };
    if (!starts) {
      await say();
      return { status: 'told', session: await sessions.entryOf(await sessions.mustRow(place)), notes: [...notes] };
    }
    await slots.begin(place, { waits, sinceMs }, say);
    if (isOnTheWay) return null;
    return untilStarted(place, { sinceMs, waits, isNew: false, notes });
  }

  /**
   * A person's request allows the round that it needs, whatever the limits are. Throws `BetweenStates` if the session has moved on meanwhile. A failure that
   * has recovered by itself needs no signal any more.
   */
  async function mustTake(place: PlanKey, known: PlanRow, signal: SessionSignal): Promise<void> {
    try {
      await mustSend(place, signal);
    } catch (thrown) {
      const now = await store.plan(place.project, place.plan);
      if (signal.type === 'resolve' && signal.payload === undefined && now !== null && now.blocked === null) return;
      throw now?.status === known.status && now.phase === known.phase ? thrown : retryableConflict(thrown);
    }
    if (!asksForChanges.has(signal.type)) return;
    const source = (await store.plan(place.project, place.plan))?.blocked?.source;
    if (source === 'review' || source === 'cycle_limit') await mustSend(place, { type: 'resolve' });
  }

  async function requireSent(place: PlanKey, body: string): Promise<void> {
    await mustSend(place, messageSignal(place, body)).catch((thrown: unknown) => {
      throw retryableConflict(thrown);
    });
  }

  return continueSession;
}

/** What a person asks of work that was done. */
const asksForChanges: ReadonlySet<SignalType> = new Set(['review_changes_requested', 'verify_failed']);

function retryableConflict(thrown: unknown): unknown {
  const isRefused = thrown instanceof EngineError && thrown.code === 'refused';
  return isRefused ? new BetweenStates('refused', thrown.message, thrown.hint) : thrown;
}

export function notASession({ project, plan }: PlanKey): EngineError {
  return new EngineError(
    'conflict',
    `${project}/${plan} is a plan, and no session of an issue`,
    `see it with: stator plan show ${shellWord(plan)}`,
  );
}
