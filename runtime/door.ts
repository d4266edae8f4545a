/** What every signal from outside goes through before it is a row: is there such a type, may this sender send it, is its payload right? */
import { EngineError } from '../machines/errors.ts';
import {
  maySend,
  type Origin,
  originKind,
  publicSignalTypes,
  type SignalType,
  signalBodyLimitBytes,
  signals,
  signalTypeOf,
} from '../machines/signal.ts';
import { nearest } from './config.ts';

export type Admission =
  | { kind: 'admitted'; type: SignalType; payload: unknown }
  | { kind: 'refused'; error: EngineError };

/** A payload is a JSON object, or text, which becomes `{"body": text}`. */
function payloadObject(payload: unknown): unknown {
  return typeof payload === 'string' ? { body: payload } : (payload ?? {});
}

function refused(error: EngineError): Admission {
  return { kind: 'refused', error };
}

/** Codes of a refusal: `unknown_signal`, `not_allowed`, `bad_payload`, `too_large`. */
export function admit({ type: name, payload, origin }: { type: string; payload: unknown; origin: Origin }): Admission {
  const type = signalTypeOf(name);
  if (type === null || (signals[type].from === 'engine' && originKind(origin) !== 'engine')) {
    const best = nearest(name, publicSignalTypes);
    const hint = `valid types: ${publicSignalTypes.join(', ')}${best === null ? '' : `; did you mean ${best}?`}`;
    if (type === null) return refused(new EngineError('unknown_signal', `unknown signal type "${name}"`, hint));
    return refused(new EngineError('not_allowed', `only the engine itself sends "${type}"`, hint));
  }
  if (!maySend(type, origin)) {
    return refused(
      new EngineError(
        'not_allowed',
        `only a person may send "${type}", not ${origin}`,
        `ask for it with: stator signal emit needs_decision --payload "<why>"`,
      ),
    );
  }
  const object = payloadObject(payload);
  const limit = type === 'plan_updated' ? Number.POSITIVE_INFINITY : signalBodyLimitBytes;
  const size = Buffer.byteLength(JSON.stringify(object));
  if (size > limit) {
    return refused(
      new EngineError(
        'too_large',
        `the payload of ${type} is ${size} bytes, at most ${limit} are taken`,
        'shorten it, or put it in a file and name the file',
      ),
    );
  }
  const parsed = signals[type].payload.safeParse(object);
  if (parsed.success) return { kind: 'admitted', type, payload: parsed.data };
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? 'payload' : issue.path.join('.');
  return refused(
    new EngineError(
      'bad_payload',
      `invalid payload: ${type}: ${field}: ${issue?.message ?? 'not accepted'}`,
      `the fields of ${type} stand in docs/signals.md`,
    ),
  );
}
