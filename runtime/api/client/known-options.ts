/** Checks the options that a program passes. An unknown option is refused, not ignored: its author meant something by it. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { didYouMean } from '../../base/config/nearest.ts';

/** Lists every option of the type; a missing one does not compile. */
export type KnownOptions<Options> = Readonly<Record<keyof Options, true>>;

/** Throws `bad_request` with the unknown option, the known one that is most like it, and all known options. `of`: the name of the function. */
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
