/** One request to GitHub's GraphQL API, for functions that its REST API lacks: https://docs.github.com/graphql */

import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../machines/vocabulary/schema-issue.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import type { Ask } from './forge-call.ts';

const saidChars = 500;
const errors = z.array(z.object({ type: z.string().nullish(), message: z.string() })).nullish();

export type GraphAsk = <Data>(
  query: string,
  variables: Readonly<Record<string, unknown>>,
  shape: z.ZodType<Data>,
) => Promise<Data>;

/** An answer with errors has the status 200, but also throws as documented at `Forge`. */
export function createGraphCall(ask: Ask, host: string): GraphAsk {
  return async (query, variables, shape) => {
    const answer = await ask({
      route: 'POST /graphql',
      parameters: { query, variables },
      shape: z.object({ data: z.unknown(), errors }),
    });
    const [first] = answer.errors ?? [];
    if (first !== undefined) {
      const said = `${host} answered: ${oneLine(first.message).slice(0, saidChars)}`;
      if (first.type === 'FORBIDDEN' || first.type === 'INSUFFICIENT_SCOPES')
        throw new EngineError('forge_denied', said, 'give it a token that may do this; see docs/forges.md');
      if (first.type === 'NOT_FOUND')
        throw new EngineError('not_found', said, 'see whether it is there, and whether the token may see it');
      throw new EngineError('forge_refused', said, 'its answer says what is wrong');
    }
    const read = shape.safeParse(answer.data);
    if (read.success) return read.data;
    throw new EngineError(
      'forge_refused',
      `${host} answered with something else: ${firstIssueText(read.error, 'the whole')}`,
      'see whether that address is a forge of this kind',
    );
  };
}
