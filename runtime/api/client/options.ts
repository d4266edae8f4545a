/** The options of a public function: an unknown one, or a value that is not accepted, is refused, so that none is silently without effect. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { foundText } from '../../../machines/vocabulary/found-text.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';

/** The accepted values of an option. */
export interface Accepted {
  readonly text: string;
  is(value: unknown): boolean;
  /** true: it cannot be left out. */
  readonly isRequired?: true;
}

/**
 * Lists every option of the type; a missing one does not compile. `true`: its value is checked by the code that uses it. An option whose value is undefined
 * is left out.
 */
export type KnownOptions<Options> = Readonly<Record<keyof Options, true | Accepted>>;

export function required(accepted: Accepted): Accepted {
  return { ...accepted, isRequired: true };
}

/** It may be empty, as the plan of a signal to the repo. */
export const anyText: Accepted = { text: 'a text', is: (value) => typeof value === 'string' };
export const aText: Accepted = {
  text: 'a text that is not empty',
  is: (value) => typeof value === 'string' && value !== '',
};
export const aFlag: Accepted = { text: 'true or false', is: (value) => typeof value === 'boolean' };
export const aWholeNumber: Accepted = {
  text: 'a whole number from 0',
  is: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
export const milliseconds: Accepted = { ...aWholeNumber, text: 'whole milliseconds from 0' };
/** A journal's lines, and signals, are found by it again. */
export const aKey: Accepted = {
  text: 'a text of 1 to 256 characters',
  is: (value) => typeof value === 'string' && value !== '' && value.length <= 256,
};
export const aSignal: Accepted = { text: 'an AbortSignal', is: (value) => value instanceof AbortSignal };
export const anObject: Accepted = {
  text: 'an object with each field by its name',
  is: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
export const anEnvironment: Accepted = {
  ...anObject,
  text: 'the variables of an environment as an object, such as process.env',
};
export const aFunction: Accepted = { text: 'a function', is: (value) => typeof value === 'function' };
export const aClock: Accepted = {
  text: 'an object with the function nowMs',
  is: (value) => typeof (value as Partial<Clock> | null)?.nowMs === 'function',
};
const levels = ['debug', 'info', 'warn', 'error'] as const satisfies readonly (keyof Log)[];
export const aLog: Accepted = {
  text: `an object with the functions ${levels.join(', ')}`,
  is: (value) =>
    typeof value === 'object' &&
    value !== null &&
    levels.every((level) => typeof (value as Record<string, unknown>)[level] === 'function'),
};

export function aListOf({ text, is }: Accepted): Accepted {
  return { text: `a list, each of it ${text}`, is: (value) => Array.isArray(value) && value.every(is) };
}

export const aList: Accepted = { text: 'a list', is: Array.isArray };

export function oneOf(...values: readonly string[]): Accepted {
  return {
    text: values.map((value) => `'${value}'`).join(' or '),
    is: (value) => typeof value === 'string' && values.includes(value),
  };
}

/**
 * Throws `bad_request`: for an unknown option, with the known one that is most like it and all known options; for a value that is not accepted, with what is.
 * `of`: the name of the function.
 */
export function checkOptions<Options extends object>(of: string, options: Options, known: KnownOptions<Options>): void {
  const names = Object.keys(known);
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new EngineError('bad_request', `${of} takes an object of options`, `the options: ${names.join(', ')}`);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    throw new EngineError(
      'bad_request',
      `${of} has no option "${unknown}"`,
      `${didYouMean(unknown, names)}the options: ${names.join(', ')}`,
    );
  for (const name of names as (keyof Options & string)[]) {
    const accepts: true | Accepted = known[name];
    const value = options[name];
    if (accepts !== true && (value !== undefined || accepts.isRequired === true))
      mustBe(`${of}: ${name}`, accepts, value);
  }
}

/** Throws `bad_request` with what was found and what is accepted. */
export function mustBe(what: string, { text, is }: Accepted, value: unknown): void {
  if (is(value)) return;
  throw new EngineError('bad_request', `${what}: found ${foundText(value)}`, `accepted: ${text}`);
}
