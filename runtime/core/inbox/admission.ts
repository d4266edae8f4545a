/** What every signal from outside goes through before it is a row: is there such a type, may this sender send it, is its payload right? */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isPlanName, planTree, repoTree, supervisorTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { issueText } from '../../../machines/vocabulary/schema-issue.ts';
import {
  maySend,
  type Origin,
  originKind,
  publicSignalTypes,
  type SignalType,
  signals,
  signalTypeOf,
  unknownSignal,
  validTypes,
} from '../../../machines/vocabulary/signal.ts';
import { signalBodyLimitBytes } from '../../../machines/vocabulary/signal-kind.ts';
import { nearest } from '../../base/config/config.ts';
import type { NewSignal } from '../store/rows.ts';

/** A signal as its sender gives it. `plan` counts where its type is for a plan. */
export interface OfferedSignal {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: unknown;
  readonly origin: Origin;
  readonly dedupeKey: string | null;
}

/** As its tree will get it. */
export type AdmittedSignal = Pick<NewSignal, 'tree' | 'payload' | 'origin' | 'dedupeKey'> & {
  readonly type: SignalType;
};

export type Admission =
  | { readonly kind: 'admitted'; readonly signal: AdmittedSignal }
  | { readonly kind: 'refused'; readonly error: EngineError };

type Checked =
  | { readonly kind: 'admitted'; readonly type: SignalType; readonly payload: unknown }
  | { readonly kind: 'refused'; readonly error: EngineError };

/**
 * The signal with the tree that it is for, by whatever way it came. Whether that repo or plan is there is not asked here.
 * Codes of a refusal: those of `admit`, `bad_request` for a key of the engine's own, `repo_not_found` and `plan_not_found` for what can name none.
 */
export function admitSignal({
  project,
  plan,
  type: name,
  payload: given,
  origin,
  dedupeKey,
}: OfferedSignal): Admission {
  const taken = keyProblem(dedupeKey);
  if (taken !== null) return refused(taken);
  const checked = admit({ type: name, payload: given, origin });
  if (checked.kind === 'refused') return checked;
  const { type, payload } = checked;
  const unnamed = nameProblem({ project, plan }, type);
  if (unnamed !== null) return refused(unnamed);
  return { kind: 'admitted', signal: { tree: addressOf({ project, plan }, type), type, payload, origin, dedupeKey } };
}

/** A payload is a JSON object, or text, which becomes `{"body": text}`; nothing but white space, as kasmos's rows have it, is none. */
function payloadObject(payload: unknown): unknown {
  if (typeof payload !== 'string') return payload ?? {};
  return payload.trim() === '' ? {} : { body: payload };
}

function refused(error: EngineError): { kind: 'refused'; error: EngineError } {
  return { kind: 'refused', error };
}

/** Beginnings of the keys under which the engine reports what became of its effects: a stranger's row under one would silence the report. */
const ownKeys = ['plan:', 'repo:', supervisorTree] as const;

/** Null where the key may be used; the `bad_request` for one of the engine's own, or of that machine. */
function keyProblem(key: string | null, machine?: string): EngineError | null {
  const taken = [...ownKeys, ...(machine === undefined ? [] : [`${machine}:`])].find((prefix) =>
    key?.startsWith(prefix),
  );
  if (taken === undefined) return null;
  return new EngineError(
    'bad_request',
    `dedupe_key: keys that begin with "${taken}" are the engine's own`,
    'begin yours with a word of your own, such as ci:build-812',
  );
}

/** The tree that a word from outside is for. */
export function addressOf({ project, plan }: { project: string; plan: string }, type: SignalType): TreeAddress {
  const { to } = signals[type];
  if (to === 'repo') return repoTree(project);
  return to === 'supervisor' ? supervisorTree : planTree(project, plan);
}

/** Null where these can be the names of a registered repo and, for a signal to a plan, of one of its plans. */
function nameProblem({ project, plan }: { project: string; plan: string }, type: SignalType): EngineError | null {
  if (project === '' || project.includes('/')) {
    const hint = 'project is the name of a registered repo: stator repo list';
    return new EngineError('repo_not_found', `"${project.slice(0, 200)}" cannot name a repo`, hint);
  }
  if (signals[type].to === 'repo' || isPlanName(plan)) return null;
  return new EngineError(
    'plan_not_found',
    `plan not found: ${project}/${plan.slice(0, 256)}`,
    'a plan is named in lower case, as in: stator plan list',
  );
}

/** The type and its payload alone, for what is not put into the inbox yet. Codes of a refusal: `unknown_signal`, `not_allowed`, `bad_payload`, `too_large`. */
export function admit({ type: name, payload, origin }: { type: string; payload: unknown; origin: Origin }): Checked {
  const type = signalTypeOf(name);
  if (type === null || (signals[type].from === 'engine' && originKind(origin) !== 'engine')) {
    const best = nearest(name, publicSignalTypes);
    if (type === null) return refused(unknownSignal(name, best));
    return refused(new EngineError('not_allowed', `only the engine itself sends "${type}"`, validTypes(best)));
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
  return refused(payloadProblem(type, parsed.error.issues[0]));
}

/** What is said to a tree of a machine of one's own, by a person or by another tree: what its kind takes, with its payload as the schema reads it. */
export function admitOwn(
  { name, signals }: { readonly name: string; readonly signals: Readonly<Record<string, z.ZodType | undefined>> },
  {
    type,
    payload: given,
    dedupeKey,
  }: { readonly type: string; readonly payload: unknown; readonly dedupeKey: string | null },
): { readonly kind: 'admitted'; readonly payload: object } | { readonly kind: 'refused'; readonly error: EngineError } {
  const schema = Object.hasOwn(signals, type) ? signals[type] : undefined;
  if (schema === undefined) {
    const meant = nearest(type, Object.keys(signals));
    const known = `a ${name} takes: ${Object.keys(signals).join(', ') || 'nothing from outside'}`;
    return refused(
      new EngineError(
        'unknown_signal',
        `a ${name} takes no "${type.slice(0, 100)}" from outside`,
        meant === null ? known : `did you mean ${meant}? ${known}`,
      ),
    );
  }
  const taken = keyProblem(dedupeKey, name);
  if (taken !== null) return refused(taken);
  try {
    const parsed = schema.safeParse(payloadOf(`the payload of ${type}`, given));
    if (parsed.success)
      return { kind: 'admitted', payload: payloadOf(`the payload of ${type}, as its schema reads it,`, parsed.data) };
    const [issue] = parsed.error.issues;
    const field = issue === undefined || issue.path.length === 0 ? 'payload' : issue.path.join('.');
    const message = `invalid payload: ${type}: ${field}: ${issue === undefined ? 'is not accepted' : issueText(issue)}`;
    return refused(new EngineError('bad_payload', message, `the schema stands in the definition of ${name}`));
  } catch (thrown) {
    if (thrown instanceof EngineError) return refused(thrown);
    throw thrown;
  }
}

/** Throws `bad_payload` for what is no object, `too_large`. */
export function payloadOf(what: string, given: unknown): object {
  const value = given ?? {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new EngineError(
      'bad_payload',
      `${what} is no JSON object`,
      'give fields by their names: {"version": "1.2.0"}',
    );
  const size = Buffer.byteLength(JSON.stringify(value));
  if (size <= signalBodyLimitBytes) return value;
  throw new EngineError(
    'too_large',
    `${what} is ${size} bytes, at most ${signalBodyLimitBytes} are taken`,
    'shorten it, or put it in a file and name the file',
  );
}

function payloadProblem(type: SignalType, issue: z.core.$ZodIssue | undefined): EngineError {
  const fields = fieldsOf(signals[type].payload);
  const takes = fields.length === 0 ? `${type} takes no payload` : `${type} takes: ${fields.join(', ')}`;
  if (issue?.code === 'unrecognized_keys') {
    const unknown = issue.keys[0] ?? '';
    const best = nearest(unknown, fields);
    const message = `invalid payload: ${type}: unknown field "${unknown.slice(0, 100)}"`;
    return new EngineError('bad_payload', message, best === null ? takes : `did you mean ${best}? ${takes}`);
  }
  const field = issue === undefined || issue.path.length === 0 ? 'payload' : issue.path.join('.');
  const message = `invalid payload: ${type}: ${field}: ${issue === undefined ? 'is not accepted' : issueText(issue)}`;
  return new EngineError('bad_payload', message, `the fields of ${type} stand in docs/signals.md`);
}

function fieldsOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodPipe) return fieldsOf(schema.in);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
