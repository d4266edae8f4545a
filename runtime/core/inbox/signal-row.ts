/** A row of the inbox as a signal: its tree, the plan that waits for it, and whether a row of another program is valid. */
import type { Kinds, Waiter } from '../../../actors/kind.ts';
import { outputAwaited, waiterOf } from '../../../actors/output-wait.ts';
import type { Refusal } from '../../../actors/refusal.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { parseTree, placeOf, planTree, resultKey, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { AnySignal, Origin } from '../../../machines/vocabulary/signal.ts';
import type { Change, Store } from '../store/port.ts';
import type { NewSignal, SignalRow } from '../store/rows.ts';
import { admitSignal } from './admission.ts';

/** A row written by another program names no tree: it is for the tree that takes signals of its type, and for the plan's if the type is unknown. */
export function treeOf(kinds: Kinds, row: SignalRow): TreeAddress {
  if (row.tree !== null) return row.tree as TreeAddress; // a row with an invalid address fails before its tree is read
  return kinds.taking(row.type)?.place.treeAt(row) ?? planTree(row.project, row.plan);
}

/** The row that a signal of our own would get under that number. */
export function rowOf(
  id: number,
  { tree, type, payload, origin, run = null, dedupeKey = null, at }: NewSignal,
): SignalRow {
  return {
    id,
    ...placeOf(tree),
    type,
    payload: JSON.stringify(payload),
    origin,
    status: 'pending',
    attempts: 0,
    suspected: 0,
    result: null,
    dedupe_key: dedupeKey,
    created_at: at,
    deliver_at: 0,
    processed_at: null,
    tree,
    run,
    is_checked: 1,
  };
}

/** The plan that cannot continue while this signal is quarantined: its own, or the one that asks its repo for permission to implement; null: none. */
export function dependentPlan(row: SignalRow): { project: string; plan: string } | null {
  const { project, plan, type, payload, origin } = row;
  if (origin !== 'engine') return null;
  if (plan !== '') return { project, plan };
  if (type !== 'implement_requested') return null;
  const request = parsePayload(payload);
  const asking = typeof request === 'object' && request !== null && 'plan' in request ? request.plan : null;
  return typeof asking === 'string' ? { project, plan: asking } : null;
}

/** The signal to a tree that the output for which it waits will not come. */
export function noOutput({ tree, run }: Waiter, refused: unknown, at: number): Change {
  const { error = 'it was refused' } = refused as { readonly error?: string }; // an error as JSON
  const payload = { detail: error };
  return { do: 'signal.insert', tree, type: 'effect_failed', payload, origin: 'engine', run, at };
}

/** A machine of your own may wait for the result of a signal that it sent. So it gets a signal that says that this one was refused. */
export function noticeToSender(row: SignalRow, refused: unknown, at: number): Change[] {
  const { origin, type: message, tree: to } = row;
  if (!origin.startsWith('machine:')) return [];
  const tree = origin.slice('machine:'.length) as TreeAddress; // it was written from one
  if (message === outputAwaited) return [noOutput(waiterOf({ origin, payload: JSON.parse(row.payload) }), refused, at)];
  const payload = { to, message, refused };
  return [{ do: 'signal.insert', tree, type: 'message_failed', payload, origin: 'engine', at }];
}

/** The signal of a row, or why the row is no signal: a row of another program is checked here. */
export function signalOf(kinds: Kinds, row: SignalRow, at: number): AnySignal | EngineError {
  if ((row.is_checked === 1 || row.tree !== null) && !isAddress(row.tree ?? '')) {
    const hint = 'leave the column tree out: the engine fills it in';
    return new EngineError('bad_request', `no tree has the address "${row.tree ?? ''}"`, hint);
  }
  const base = { actor: '', at };
  if (row.is_checked === 1) {
    return { ...base, run: row.run, type: row.type, payload: JSON.parse(row.payload), origin: row.origin as Origin }; // we wrote it after the check
  }
  const origin: Origin = row.origin === 'file' ? 'file' : 'person';
  const { project, plan, dedupe_key: dedupeKey } = row;
  const payload = parsePayload(row.payload);
  const admission = admitSignal(kinds, { project, plan, type: row.type, payload, origin, dedupeKey });
  if (admission.kind === 'refused') return admission.error;
  // A run is known by its token, and a row brings none.
  return { ...base, run: null, type: admission.signal.type, payload: admission.signal.payload, origin } as AnySignal; // a payload is an object, as checked
}

/** What became of a signal. */
export function outcomeOf(row: SignalRow) {
  const { id, type, status } = row;
  const result = resultOf(row);
  // A refusal is recognized by its field.
  const isRefusal = status === 'failed' && typeof result === 'object' && result !== null && 'accepts' in result;
  return { id, type, status, result, refused: isRefusal ? (result as Refusal) : null };
}

export function resultOf({ result }: SignalRow): unknown {
  return result === null ? null : jsonOrText(result);
}

/** A row of another program may contain plain text. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function isAddress(text: string): boolean {
  try {
    parseTree(text);
    return true;
  } catch {
    return false; // it throws no other error
  }
}

/** An object of JSON, or the text itself: text that is no JSON is no mistake, since it is a body. */
function parsePayload(text: string): unknown {
  const value = jsonOrText(text);
  return typeof value === 'object' && value !== null ? value : text;
}

/**
 * The signals that may have ended the earlier engine: an endless loop in a machine's action, exhausted memory, a process that was ended. If that engine was cut
 * off, these are all signals that are older than this engine, and the results of its running effects: a result is stored in the commit that handles it, so a
 * result that ends the engine arrives again. A suspect remains one until it has its verdict, in every engine.
 */
export interface Suspects {
  /** Finds them once, before the first signal is handled. */
  look(): Promise<void>;
  has(row: SignalRow): boolean;
  hasArriving(signal: Pick<NewSignal, 'dedupeKey'>): boolean;
  /** The trees whose next signal was begun most often come last, so that one that ends the engine lets it handle the others first. Each tree's rows stay in order. */
  leastBegunFirst(rows: readonly SignalRow[], treeOf: (row: SignalRow) => TreeAddress): SignalRow[];
  /** false: this engine has begun it before, so it is already counted. */
  begin(row: SignalRow): boolean;
  /** The try did not end the engine. */
  handled(row: SignalRow): void;
}

export function createSuspects(
  store: Pick<Store, 'effects' | 'lastSignal'>,
  wasCutOff: () => Promise<boolean>,
): Suspects {
  /** null: not searched yet. */
  let older: { readonly upTo: number; readonly results: ReadonlySet<string> } | null = null;
  const begun = new Set<number>();

  const isResult = (key: string | null | undefined) => key != null && older?.results.has(key) === true;

  return {
    async look() {
      older ??= (await wasCutOff())
        ? {
            upTo: await store.lastSignal(),
            results: new Set((await store.effects({ by: 'running' })).map(({ key }) => resultKey(key))),
          }
        : { upTo: 0, results: new Set() };
    },
    has: ({ id, suspected, dedupe_key: key }) => suspected > 0 || id <= (older?.upTo ?? 0) || isResult(key),
    hasArriving: ({ dedupeKey }) => isResult(dedupeKey),
    leastBegunFirst(rows, treeOf) {
      const times = new Map<TreeAddress, number>();
      for (const row of rows) if (!times.has(treeOf(row))) times.set(treeOf(row), row.suspected);
      const begunFor = (row: SignalRow) => times.get(treeOf(row)) ?? 0;
      return rows.toSorted((a, b) => begunFor(a) - begunFor(b));
    },
    begin({ id }) {
      if (begun.has(id)) return false;
      begun.add(id);
      return true;
    },
    handled: ({ id }) => void begun.delete(id),
  };
}
