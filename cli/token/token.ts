/** What both verbs of `token` have in common. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { homeFolder } from '../../runtime/base/config/home.ts';
import { homeTokenFile } from '../../runtime/base/platform/home-token.ts';
import type { Call } from '../command.ts';

/** Throws `not_allowed` inside a run: an agent speaks with its own token. */
export function homeOfPerson({ env }: Pick<Call, 'env'>): string {
  if (env.STATOR_TOKEN === undefined) return homeFolder(env);
  throw new EngineError(
    'not_allowed',
    'an agent may not have the token of the home, only a person may',
    'ask for it with: stator signal emit needs_decision --payload "<why>"',
  );
}

export function printToken({ out }: Pick<Call, 'out'>, home: string, token: string): number {
  const file = homeTokenFile(home);
  if (out.json) out.print(JSON.stringify({ token, file }));
  else out.print(token);
  return 0;
}
