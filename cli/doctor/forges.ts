/** The forge behind a repo's remote, and whether it accepts the token for it. */
import type { ForgeEntry } from '../../runtime/api/client/client.ts';
import type { ServerList } from '../../runtime/work/forges/server-list.ts';
import { forgeLines } from '../forge-text.ts';
import type { Finding } from './finding.ts';

/** A forge that does not answer now is no problem: each use of it tries again. */
const passing: ReadonlySet<string> = new Set(['forge_unreachable', 'forge_limited', 'interrupted']);

/**
 * `reported`: the last result of an engine's own request; null: no engine asked. Throws `bad_config`, and `agent_unusable` for an env file that cannot be
 * read.
 */
export async function forgeState(servers: ServerList, path: string, reported: ForgeEntry | null): Promise<Finding> {
  const now = await askedNow(servers, path);
  if (reported === null || reported.state === 'up') return now;
  const [line] = forgeLines([reported], Date.now());
  const hint = 'hint' in now ? now.hint : 'the engine asks it again by itself; at once: stator daemon reload';
  return { detail: `${now.detail}; ${line?.text ?? ''}`, hint };
}

async function askedNow(servers: ServerList, path: string): Promise<Finding> {
  const found = await servers.forgeOf(path);
  if (found === null) return { detail: 'no remote at a known forge; name one: stator server add <name> <url>' };
  const { remote, repo, server, kind, tokenFrom, login, problem } = found;
  const where = `${remote} is ${repo} at ${server} (${kind})`;
  if (tokenFrom === null) return { detail: `${where}; no token: stator server get ${server}` };
  if (problem === null) return { detail: `${where}; the token from ${tokenFrom} is ${login ?? 'somebody'}'s` };
  const detail = `${where}; with the token from ${tokenFrom}: ${problem.message}`;
  return passing.has(problem.code) ? { detail } : { detail, hint: problem.hint };
}
