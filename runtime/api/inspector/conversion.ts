/**
 * Converts actors and events to Stately's protocol with the package's own code. That code runs in its own timers, where a thrown error would end the daemon.
 * So it gets only plain values, and the send function catches errors.
 */
import { createInspector } from '@statelyai/inspect';
import type { InspectionEvent, Snapshot } from 'xstate';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import type { ShownActor } from '../queries/shown-actor.ts';

/** An actor as watchers know it. */
export interface Subject {
  readonly sessionId: string;
  readonly name: string;
  /** null: it is the root of all actors. */
  readonly parentId: string | null;
  readonly rootId: string;
}

export type Status = 'active' | 'done' | 'stopped';

export interface Conversion {
  actor(subject: Subject, shown: ShownActor): void;
  event(subject: Subject, event: { readonly type: string }): void;
  snapshot(subject: Subject, shown: ShownActor, by: { event: string; status: Status }): void;
  /** Resolves when all frames were sent. */
  settled(): Promise<void>;
}

/** Deep enough for all of a machine's definition: with less depth, a target's name becomes `[Array]`. */
const depth = 50;

/** An actor as the package reads it. */
interface Ref extends InspectedActor {
  readonly id: string;
  readonly logic: { readonly config: unknown };
  readonly _parent: { readonly sessionId: string } | undefined;
}
type InspectedActor = InspectionEvent['actorRef'];

/** Frames in the order of the calls. */
export function createConversion(send: (frame: string) => void, log: Pick<Log, 'warn'>): Conversion {
  const adapter = {
    send(event: object) {
      try {
        send(JSON.stringify(event));
      } catch (thrown) {
        log.warn(`a frame was not sent to those who watch: ${messageOf(thrown)}`);
      }
    },
  };
  const { inspect } = createInspector(adapter, { serializationDepthLimit: depth });
  const convert = (event: InspectionEvent) => inspect.next?.(event);
  return {
    actor: (subject, shown) =>
      convert({ type: '@xstate.actor', actorRef: refOf(subject, shown), rootId: subject.rootId }),
    event: (subject, event) =>
      convert({
        type: '@xstate.event',
        actorRef: refOf(subject, null),
        sourceRef: undefined,
        event,
        rootId: subject.rootId,
      }),
    snapshot: (subject, shown, { event, status }) =>
      convert({
        type: '@xstate.snapshot',
        actorRef: refOf(subject, null),
        event: { type: event },
        snapshot: snapshotOf(shown, status),
        rootId: subject.rootId,
      }),
    // Timers of the same length fire in their order, so this one fires after the package's.
    settled: () => new Promise((resolve) => setTimeout(resolve, 0)),
  };
}

function refOf({ sessionId, name, parentId }: Subject, shown: ShownActor | null): Ref {
  return {
    id: name,
    sessionId,
    logic: { config: shown?.machine.config },
    _parent: parentId === null ? undefined : { sessionId: parentId },
    send() {},
    getSnapshot: () => (shown === null ? {} : snapshotOf(shown, 'active')),
  };
}

function snapshotOf({ value, context }: ShownActor, status: Status): Snapshot<unknown> & Partial<ShownActor> {
  return { status, output: undefined, error: undefined, value, context };
}
