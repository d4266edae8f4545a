/** Finds the kind of the forge at an address, by requests without a token. */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type OutboundAnswer, type OutboundRequest, requestOutbound } from '../../base/platform/outbound.ts';
import { type ForgeKind, forgeKinds } from './forge.ts';

export interface KindQuestion {
  /** Its web address, without a slash at its end. */
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly send?: ((request: OutboundRequest) => Promise<OutboundAnswer>) | undefined;
}

const timeoutMs = 10_000;
const maxResponseBytes = 64 * 1024;
const version = z.object({ version: z.string().max(200) });
const gitlabVersion = version.extend({ revision: z.string() });
const gitlabRefusal = z.object({ message: z.literal('401 Unauthorized') });
const githubMeta = z.object({ verifiable_password_authentication: z.boolean() });

/** Forgejo also answers Gitea's request, so its own request comes first. The weakest evidence, a refusal of GitLab's, comes last. */
const questions: readonly { path: string; kindIn(answer: OutboundAnswer): ForgeKind | null }[] = [
  {
    path: '/api/forgejo/v1/version',
    kindIn: (answer) => (answer.status === 200 && version.safeParse(jsonOf(answer)).success ? 'forgejo' : null),
  },
  {
    path: '/api/v1/version',
    kindIn: (answer) => {
      const read = version.safeParse(jsonOf(answer));
      if (answer.status !== 200 || !read.success) return null;
      return /\+gitea|forgejo/i.test(read.data.version) ? 'forgejo' : 'gitea';
    },
  },
  {
    path: '/api/v3/meta',
    kindIn: (answer) => {
      const isOpen = answer.status === 200 && githubMeta.safeParse(jsonOf(answer)).success;
      return isOpen || answer.headers['x-github-request-id'] !== undefined ? 'github' : null;
    },
  },
  {
    path: '/api/v4/version',
    kindIn: (answer) => {
      const isOpen = answer.status === 200 && gitlabVersion.safeParse(jsonOf(answer)).success;
      const isClosed = answer.status === 401 && gitlabRefusal.safeParse(jsonOf(answer)).success;
      return isOpen || isClosed ? 'gitlab' : null;
    },
  },
];

/** Throws `forge_unreachable`, `address_refused`, and `usage` if it is no known kind, or does not reveal it; no token is sent. */
export async function askKind({ url, allowPrivate, send = requestOutbound }: KindQuestion): Promise<ForgeKind> {
  const hint = `say it: --kind ${forgeKinds.join('|')}; then nothing is asked`;
  for (const { path, kindIn } of questions) {
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
    const kind = kindIn(answer);
    if (kind !== null) return kind;
  }
  throw new EngineError('usage', `${url} does not say which kind of forge it is`, hint);
}

function jsonOf({ body }: OutboundAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null; // an HTML page
  }
}
