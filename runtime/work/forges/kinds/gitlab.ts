/** GitLab. */
import { z } from 'zod';
import { jsonIn, type KindOfForge } from './kind.ts';

const version = z.object({ version: z.string().max(200), revision: z.string() });
const refusal = z.object({ message: z.literal('401 Unauthorized') });

export const gitlab: KindOfForge = {
  host: 'gitlab.com',
  sshHosts: { 'altssh.gitlab.com': 'gitlab.com' },
  tokenVariables: () => ['GITLAB_TOKEN'],
  tokenProgram: (host) => ({
    ask: ['glab', 'config', 'get', 'token', '--host', host],
    login: `glab auth login --hostname ${host}`,
  }),
  // A refusal is the weakest evidence.
  signRank: 4,
  signs: [
    {
      path: '/api/v4/version',
      isIn: (answer) =>
        (answer.status === 200 && version.safeParse(jsonIn(answer)).success) ||
        (answer.status === 401 && refusal.safeParse(jsonIn(answer)).success),
    },
  ],
};
