/** What a forge may not have, or not show to everybody. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';

const absent: ReadonlySet<string> = new Set(['not_found', 'forge_denied', 'forge_refused']);

/** The answer, or `nothing` where the forge has none for us. Throws what else there is: no answer, a limit. */
export function orDefault<Answer, Nothing>(asked: Promise<Answer>, nothing: Nothing): Promise<Answer | Nothing> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof EngineError && absent.has(thrown.code)) return nothing;
    throw thrown;
  });
}
