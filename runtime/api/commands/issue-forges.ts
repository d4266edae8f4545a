/** Requests to the forge of an issue: read the issue, read the state of a pull request, and write a comment. */
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { later } from '../../base/platform/later.ts';
import { timeLimit } from '../../base/platform/pause.ts';
import type { Forge } from '../../work/forges/forge.ts';
import { findReference } from '../../work/forges/reference.ts';
import { readServers, type Servers } from '../../work/forges/servers.ts';
import { findToken } from '../../work/forges/tokens.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import type { IssueMaterial } from './issue-document.ts';
import type { PullRequestLook } from './issue-end.ts';
import type { IssuePlace } from './issue-place.ts';

const loadForges = later(() => import('../../work/forges/create-forge.ts'));

/** The time that a forge has to send an issue's text. */
const answerMs = 5_000;

export type IssueForges = ReturnType<typeof createIssueForges>;

export function createIssueForges({
  home,
  env,
  forgeAnswerMs = answerMs,
}: Pick<CommandDependencies, 'home' | 'env' | 'forgeAnswerMs'>) {
  function serversNow(): Servers {
    return readServers(home);
  }

  async function forgeOf({ forge }: Pick<IssuePlace, 'forge'>, signal?: AbortSignal): Promise<Forge | null> {
    if (forge === null) return null;
    const found = await findToken(forge.server, env);
    const { createForge } = await loadForges();
    return createForge({ ...forge, token: found?.token ?? null, signal });
  }

  return {
    serversNow,

    /** Never throws: without the forge's answer a session goes on without that text. */
    async materialOf(place: IssuePlace): Promise<IssueMaterial> {
      if (place.number === null) return { issue: null, trouble: null, isMissing: false };
      try {
        const forge = await forgeOf(place, timeLimit(forgeAnswerMs));
        if (forge === null)
          return {
            issue: null,
            trouble: 'its remote belongs to no known forge; add it with: stator server add <name> <url>',
            isMissing: false,
          };
        return { issue: await forge.issue(place.number), trouble: null, isMissing: false };
      } catch (thrown) {
        const isMissing = thrown instanceof EngineError && thrown.code === 'not_found';
        return { issue: null, trouble: messageOf(thrown).slice(0, 500), isMissing };
      }
    },

    /** Whether the forge answers that the issue does not exist. A forge that cannot be reached counts as no answer. */
    async isGone(place: IssuePlace): Promise<boolean> {
      if (place.number === null) return false;
      try {
        await (await forgeOf(place, timeLimit(forgeAnswerMs)))?.issue(place.number);
        return false;
      } catch (thrown) {
        if (thrown instanceof EngineError) return thrown.code === 'not_found';
        throw thrown;
      }
    },

    /** A pull request whose forge cannot be reached counts as open. */
    async lookAtPullRequest(url: string): Promise<PullRequestLook> {
      const servers = serversNow();
      const found = findReference(url, named(servers));
      const server = servers.list.find((each) => new URL(each.url).host === found?.host);
      const unknown = (why: string): PullRequestLook => ({ url, state: 'unknown', why, heads: [] });
      if (found === null || server === undefined) return unknown('its forge is not known');
      try {
        const repo = { owner: found.owner, name: found.name };
        const forge = await forgeOf({ forge: { server, repo } }, timeLimit(forgeAnswerMs));
        const answer = (await forge?.pullRequest(found.number)) ?? 'unchanged';
        if (answer === 'unchanged') return unknown('its forge did not say');
        // The forge's head may be missing here, if someone else updated the branch. So the commits are compared one by one.
        const brought = answer.state === 'merged' ? ((await forge?.commits(found.number)) ?? []) : [];
        return { url, state: answer.state, why: '', heads: [answer.headCommit, ...brought] };
      } catch (thrown) {
        return unknown(messageOf(thrown).slice(0, 300));
      }
    },

    /** Throws `usage` if the address is not a pull request, and `not_found` if its forge is not known. */
    mustBePullRequest(url: string): string {
      const servers = serversNow();
      const isAddress = /^https?:\/\//.test(url) && URL.canParse(url);
      const found = isAddress ? findReference(url, named(servers)) : null;
      if (found === null || found.kind !== 'pull')
        throw new EngineError(
          'usage',
          `"${url.slice(0, 200)}" is no address of a pull request`,
          'such as https://github.com/owner/repo/pull/7',
        );
      if (servers.list.some((server) => new URL(server.url).host === found.host)) return url;
      const names = servers.list.map(({ name }) => name).join(', ');
      throw new EngineError(
        'not_found',
        `the pull request is of an unknown forge: ${found.host}`,
        `known are ${names}; add it with: stator server add <name> https://${found.host}`,
      );
    },

    /** Returns the comment's address. Throws `not_found` if the issue has no known forge, and the forge's errors. */
    async comment(place: IssuePlace, text: string): Promise<string> {
      const forge = await forgeOf(place);
      if (forge === null || place.number === null)
        throw new EngineError(
          'not_found',
          `${place.reference ?? place.plan}: it belongs to no known forge`,
          'see which are known: stator server list',
        );
      try {
        return await forge.comment(place.number, text);
      } catch (thrown) {
        if (!(thrown instanceof EngineError) || thrown.code !== 'forge_unreachable') throw thrown;
        throw new EngineError(
          thrown.code,
          thrown.message,
          'it may be written all the same: look at the issue before you write it again',
          { cause: thrown },
        );
      }
    },
  };
}

/** The servers, by the names that references use. */
export function named({ list, main }: Servers) {
  return { servers: list, main };
}
