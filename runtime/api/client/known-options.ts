/** Options that a program hands in: one that there is not was meant for something, so it is refused instead of left out. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { didYouMean } from '../../base/config/nearest.ts';

/** Every option, so that none can be forgotten where the type has it. */
export type KnownOptions<Options> = Readonly<Record<keyof Options, true>>;

/** Throws `bad_request` with the option, the one that was most likely meant, and all that are taken. `of`: the function, as it is called. */
export function refuseUnknownOptions<Options extends object>(
  of: string,
  options: Options,
  known: KnownOptions<Options>,
): void {
  const names = Object.keys(known);
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new EngineError('bad_request', `${of} takes an object of options`, `the options: ${names.join(', ')}`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new EngineError(
      'bad_request',
      `${of} has no option "${name}"`,
      `${didYouMean(name, names)}the options: ${names.join(', ')}`,
    );
  }
}
