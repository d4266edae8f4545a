/** Finds the kind of the forge at an address, by requests without a token. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type OutboundAnswer, type OutboundRequest, requestOutbound } from '../../base/platform/outbound.ts';
import { allKinds, type ForgeKind, forgeKinds } from './kinds/kinds.ts';

export interface KindQuestion {
  /** Its web address, without a slash at its end. */
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly send?: ((request: OutboundRequest) => Promise<OutboundAnswer>) | undefined;
}

const timeoutMs = 10_000;
const maxResponseBytes = 64 * 1024;

/** Throws `forge_unreachable`, `address_refused`, and `usage` if it is no known kind, or does not reveal it; no token is sent. */
export async function askKind({ url, allowPrivate, send = requestOutbound }: KindQuestion): Promise<ForgeKind> {
  const hint = `say it: --kind ${forgeKinds.join('|')}; then nothing is asked`;
  const answers = new Map<string, OutboundAnswer>();

  async function answerTo(path: string): Promise<OutboundAnswer> {
    const known = answers.get(path);
    if (known !== undefined) return known;
    const answer = await send({
      url: `${url}${path}`,
      method: 'GET',
      headers: { accept: 'application/json', 'user-agent': 'stator' },
      body: null,
      allowPrivate,
      timeoutMs,
      maxResponseBytes,
    }).catch((thrown: unknown) => {
      if (!(thrown instanceof EngineError)) throw thrown;
      throw thrown.code === 'address_refused'
        ? new EngineError(thrown.code, thrown.message, 'where that is meant: --allow-private', { cause: thrown })
        : new EngineError('forge_unreachable', thrown.message, hint, { cause: thrown });
    });
    answers.set(path, answer);
    return answer;
  }

  for (const { kind, signs } of allKinds.toSorted((a, b) => a.signRank - b.signRank))
    for (const { path, isIn } of signs) if (isIn(await answerTo(path))) return kind;
  throw new EngineError('usage', `${url} does not say which kind of forge it is`, hint);
}
