/** Things that a forge may not have, or may not show to every token. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';

const absent: ReadonlySet<string> = new Set(['not_found', 'forge_denied', 'forge_refused']);

/** The answer, or `nothing` if the forge has none for us. Throws all other errors: no answer, a limit. */
export function orDefault<Answer, Nothing>(asked: Promise<Answer>, nothing: Nothing): Promise<Answer | Nothing> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof EngineError && absent.has(thrown.code)) return nothing;
    throw thrown;
  });
}
