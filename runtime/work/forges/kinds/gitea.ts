/** Gitea, and Forgejo, which came from it. */
import { z } from 'zod';
import type { OutboundAnswer } from '../../../base/platform/outbound.ts';
import { jsonIn, type KindOfForge } from './kind.ts';

const version = z.object({ version: z.string().max(200) });

/** null: the answer names no version. */
function versionIn(answer: OutboundAnswer): string | null {
  return answer.status === 200 ? (version.safeParse(jsonIn(answer)).data?.version ?? null) : null;
}

const isForgejos = (text: string) => /\+gitea|forgejo/i.test(text);

export const gitea: KindOfForge = {
  tokenVariables: () => ['GITEA_TOKEN', 'FORGEJO_TOKEN'],
  signRank: 2,
  signs: [{ path: '/api/v1/version', isIn: (answer) => versionIn(answer) !== null }],
};

/** Forgejo also answers Gitea's request, so it is asked before Gitea. */
export const forgejo: KindOfForge = {
  host: 'codeberg.org',
  tokenVariables: () => ['FORGEJO_TOKEN', 'GITEA_TOKEN'],
  signRank: 1,
  signs: [
    { path: '/api/forgejo/v1/version', isIn: (answer) => versionIn(answer) !== null },
    { path: '/api/v1/version', isIn: (answer) => isForgejos(versionIn(answer) ?? '') },
  ],
};
