/** The address and the headers of a forge's REST API, for each that stator knows. */
import type { ForgeParts } from './forge.ts';
import type { CallOptions } from './forge-call.ts';

export type RestOptions = (parts: Pick<ForgeParts, 'server' | 'token'>) => CallOptions;

/** Cloud forges have a separate host for it, others a path on their own host: `/api/v3`, and `/api` for GraphQL. */
export function githubOptions(
  { server, token }: Pick<ForgeParts, 'server' | 'token'>,
  path: '/api/v3' | '/api',
): CallOptions {
  const { host } = new URL(server.url);
  const isCloud = host === 'github.com' || host.endsWith('.ghe.com');
  return {
    baseUrl: isCloud ? `https://api.${host}` : `${server.url}${path}`,
    headers: {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
  };
}

export const githubRest: RestOptions = (parts) => githubOptions(parts, '/api/v3');

export const giteaRest: RestOptions = ({ server, token }) => ({
  baseUrl: `${server.url}/api/v1`,
  headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `token ${token}` }) },
});

export const gitlabRest: RestOptions = ({ server, token }) => ({
  baseUrl: `${server.url}/api/v4`,
  headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
});
