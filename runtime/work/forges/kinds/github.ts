/** GitHub and GitHub Enterprise. */
import { z } from 'zod';
import { jsonIn, type KindOfForge } from './kind.ts';

const meta = z.object({ verifiable_password_authentication: z.boolean() });

export const github: KindOfForge = {
  host: 'github.com',
  sshHosts: { 'ssh.github.com': 'github.com' },
  tokenVariables: ({ name }) =>
    name === 'github.com' ? ['GH_TOKEN', 'GITHUB_TOKEN'] : ['GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN'],
  tokenProgram: (host) => ({
    ask: ['gh', 'auth', 'token', '--hostname', host],
    login: `gh auth login --hostname ${host}`,
  }),
  signRank: 3,
  signs: [
    {
      path: '/api/v3/meta',
      isIn: (answer) =>
        (answer.status === 200 && meta.safeParse(jsonIn(answer)).success) ||
        answer.headers['x-github-request-id'] !== undefined,
    },
  ],
};
