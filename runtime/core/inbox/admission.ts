/**
 * The checks of every signal from outside before it becomes a row: whether its kind takes such a type, whether this sender may send it, and whether its payload
 * is valid.
 */
import { z } from 'zod';
import { jsonProblem } from '../../../actors/json-value.ts';
import type { Kind, Kinds, Place, Taker } from '../../../actors/kind.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { personName, supervisorTree } from '../../../machines/vocabulary/ids.ts';
import { issueText } from '../../../machines/vocabulary/schema-issue.ts';
import {
  maySend,
  type Origin,
  type SignalType,
  unknownSignal,
  validTypes,
} from '../../../machines/vocabulary/signal.ts';
import { type SignalKind, signalBodyLimitBytes } from '../../../machines/vocabulary/signal-kind.ts';
import { didYouMean, nearest } from '../../base/config/nearest.ts';
import type { NewSignal } from '../store/rows.ts';

/** A signal without its receiver. */
export interface SaidSignal {
  readonly type: string;
  readonly payload: unknown;
  readonly origin: Origin;
}

/** A signal as its sender gives it. `plan` counts where its type is for a plan. */
export type OfferedSignal = SaidSignal & Place & { readonly dedupeKey: string | null };

/** In the form that its tree gets. */
export type AdmittedSignal = Pick<NewSignal, 'tree' | 'payload' | 'origin' | 'dedupeKey'> & {
  readonly type: SignalType;
};

interface Refused {
  readonly kind: 'refused';
  readonly error: EngineError;
}

export type Admission = { readonly kind: 'admitted'; readonly signal: AdmittedSignal } | Refused;

/**
 * The signal with the tree that it is for, whichever way it came. Whether that repo or plan exists is not checked here.
 * Codes of a refusal: those of `admit`, `bad_request` for a key of the engine's own, `repo_not_found` and `plan_not_found` for names that cannot be any.
 */
export function admitSignal(
  kinds: Kinds,
  { project, plan, type: name, payload: given, origin, dedupeKey }: OfferedSignal,
): Admission {
  const taken = keyProblem(kinds, dedupeKey, isOfEngine(origin));
  if (taken !== null) return refused(taken);
  const checked = admitWord(kinds, { type: name, payload: given, origin });
  if (checked.kind === 'refused') return checked;
  const { taker, type, payload } = checked;
  const unnamed = taker.place.problemOf({ project, plan });
  if (unnamed !== null) return refused(unnamed);
  return {
    kind: 'admitted',
    signal: { tree: taker.place.treeAt({ project, plan }), type, payload, origin, dedupeKey },
  };
}

/** The type and its payload alone, for a signal that is not put into the inbox yet. Codes of a refusal: those of `admit`. */
export function admitWord(
  kinds: Kinds,
  { type: name, payload: given, origin }: SaidSignal,
): { readonly kind: 'admitted'; readonly taker: Taker; readonly type: SignalType; readonly payload: object } | Refused {
  const taker = kinds.taking(name);
  if (taker === null) {
    const types = kinds.all.flatMap((kind) => (kind.place === null ? [] : publicTypes(kind)));
    return refused(unknownSignal(name, types, nearest));
  }
  const admission = admit(taker.kind, { type: taker.type, payload: bodyOr(given), origin });
  if (admission.kind === 'refused') return admission;
  // The kinds whose trees are found by a place take the types of the table.
  return { kind: 'admitted', taker, type: taker.type as SignalType, payload: admission.payload };
}

/**
 * A signal for a tree of that kind, with its payload as the schema of the type reads it. Codes of a refusal: `unknown_signal`, `not_allowed`, `bad_payload`,
 * `too_large`.
 */
export function admit(
  kind: Kind,
  { type, payload: given, origin }: SaidSignal,
): { readonly kind: 'admitted'; readonly payload: object } | Refused {
  const signal = Object.hasOwn(kind.signals, type) ? kind.signals[type] : undefined;
  if (signal === undefined) return refused(notTaken(kind, type));
  if (!maySend(signal, origin)) return refused(notFrom(kind, { type, signal, origin }));
  const limit = signal.isDocument === true ? Number.POSITIVE_INFINITY : signalBodyLimitBytes;
  try {
    const parsed = signal.payload.safeParse(payloadOf(`the payload of ${type}`, given, limit));
    if (!parsed.success) return refused(payloadProblem(kind, { type, signal, issue: parsed.error.issues[0] }));
    return {
      kind: 'admitted',
      payload: payloadOf(`the payload of ${type}, as its schema reads it,`, parsed.data, limit),
    };
  } catch (thrown) {
    if (thrown instanceof EngineError) return refused(thrown);
    // The schemas of a user-defined machine are the user's code.
    if (!kind.keepsMemory) throw thrown;
    const hint = `correct it in ${kind.signalsAreIn}`;
    return refused(new EngineError('bad_payload', `the schema of ${type} threw: ${messageOf(thrown)}`, hint));
  }
}

/** Null where the key may be used; the `bad_request` for one under which the engine reports the outcome of its effects: another program's row would suppress the report. */
export function keyProblem({ all }: Kinds, key: string | null, isOwn = false): EngineError | null {
  const others = isOwn ? [] : ownKeys;
  const taken = [supervisorTree, ...all.map(({ name }) => `${name}:`), ...others].find((prefix) =>
    key?.startsWith(prefix),
  );
  if (taken === undefined) return null;
  return new EngineError(
    'bad_request',
    `dedupe_key: keys that begin with "${taken}" are the engine's own`,
    'begin yours with a word of your own, such as ci:build-812',
  );
}

/** The beginnings of keys of the engine's own signals: for an item of an intake, and for an answer from a chat. */
const ownKeys: readonly string[] = ['intake:', 'chat:'];

/** No token has a name with "@": that is a person whom the engine knows from a chat. */
function isOfEngine(origin: Origin): boolean {
  return origin === 'engine' || personName(origin)?.includes('@') === true;
}

/** Throws `bad_payload` for a value that is no object, or contains values that JSON cannot carry, `too_large`. */
export function payloadOf(what: string, given: unknown, limitBytes = signalBodyLimitBytes): object {
  const value = given ?? {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new EngineError(
      'bad_payload',
      `${what} is no JSON object`,
      'give fields by their names: {"version": "1.2.0"}',
    );
  mustBeJson(what, value);
  const size = Buffer.byteLength(JSON.stringify(value));
  if (size <= limitBytes) return value;
  throw new EngineError(
    'too_large',
    `${what} is ${size} bytes, at most ${limitBytes} are taken`,
    'shorten it, or put it in a file and name the file',
  );
}

/** Throws `bad_payload` with the place of a value that a chart would get in another form. */
export function mustBeJson(what: string, value: unknown): void {
  const problem = jsonProblem(value);
  if (problem === null) return;
  const hint =
    'give a time as a text or in milliseconds, a map as an object, a set as a list; a schema may check those, and leaves them as they are';
  throw new EngineError('bad_payload', `${what} cannot be kept as JSON: ${problem}`, hint);
}

/** A payload is a JSON object, or text, which becomes `{"body": text}`; white space alone, as in kasmos's rows, is no payload. */
function bodyOr(payload: unknown): unknown {
  if (typeof payload !== 'string') return payload;
  return payload.trim() === '' ? {} : { body: payload };
}

function refused(error: EngineError): Refused {
  return { kind: 'refused', error };
}

/** The signals that a person may send to a tree of that kind. */
function publicTypes({ signals }: Kind): string[] {
  return Object.entries(signals).flatMap(([type, signal]) => (signal?.from.includes('person') ? [type] : []));
}

function notTaken(kind: Kind, type: string): EngineError {
  const types = publicTypes(kind);
  const hint = `${didYouMean(type, types)}a ${kind.name} takes: ${types.join(', ') || 'nothing from outside'}`;
  return new EngineError('unknown_signal', `a ${kind.name} takes no "${type.slice(0, 100)}" from outside`, hint);
}

function notFrom(
  kind: Kind,
  { type, signal: { from }, origin }: { type: string; signal: SignalKind; origin: Origin },
): EngineError {
  if (from.includes('person'))
    return new EngineError(
      'not_allowed',
      `only a person may send "${type}", not ${origin}`,
      `ask for it with: stator signal emit needs_decision --payload "<why>"`,
    );
  const types = publicTypes(kind);
  const who = from.includes('machine') ? 'a machine of your own' : 'the engine itself';
  return new EngineError('not_allowed', `only ${who} sends "${type}"`, validTypes(types, nearest(type, types)));
}

function payloadProblem(
  { signalsAreIn }: Kind,
  { type, signal, issue }: { type: string; signal: SignalKind; issue: z.core.$ZodIssue | undefined },
): EngineError {
  const fields = fieldsOf(signal.payload);
  const takes = fields.length === 0 ? `${type} takes no payload` : `${type} takes: ${fields.join(', ')}`;
  if (issue?.code === 'unrecognized_keys') {
    const unknown = issue.keys[0] ?? '';
    const message = `invalid payload: ${type}: unknown field "${unknown.slice(0, 100)}"`;
    return new EngineError('bad_payload', message, `${didYouMean(unknown, fields)}${takes}`);
  }
  const field = issue === undefined || issue.path.length === 0 ? 'payload' : issue.path.join('.');
  const message = `invalid payload: ${type}: ${field}: ${issue === undefined ? 'is not accepted' : issueText(issue)}`;
  return new EngineError('bad_payload', message, `the fields of ${type} are in ${signalsAreIn}`);
}

function fieldsOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodPipe) return fieldsOf(schema.in);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
