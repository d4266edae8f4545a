/** Issues of GitHub and of Gitea, whose routes are the same but for a few: https://docs.github.com/rest/issues and https://docs.gitea.com/api */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { ForgeMoved } from '../../forges/forge-call.ts';
import { commented, link, longText, number, word } from '../../forges/forge-shapes.ts';
import { allPages, pageInParts, statePrefix, type TrackedIssue } from '../tracker.ts';
import type { ForgeTracker } from './forge-tracker.ts';
import { account, time } from './shapes.ts';

const named = z.array(z.object({ name: word })).nullish();
const issue = z.object({
  id: number,
  number,
  title: word,
  body: longText,
  user: account,
  state: word,
  html_url: link,
  labels: named,
  assignees: z.array(account).nullish(),
  created_at: time,
  updated_at: time,
  pull_request: z.unknown().optional(),
});
const comment = z.object({ id: number, user: account, body: longText, updated_at: time });
const permission = z.object({ permission: word });
const writers: ReadonlySet<string> = new Set(['write', 'admin', 'owner']);
const label = z.object({ id: number, name: word });

const issueLimit = 1_000;
const commentPages = 5;

function tracked(found: z.infer<typeof issue>): TrackedIssue {
  return {
    id: String(found.id),
    ref: String(found.number),
    title: found.title,
    body: found.body,
    author: found.user,
    isOpen: found.state === 'open',
    labels: (found.labels ?? []).map(({ name }) => name),
    assignees: (found.assignees ?? []).map(({ name }) => name),
    url: found.html_url,
    createdMs: found.created_at,
    updatedMs: found.updated_at,
  };
}

interface Dialect {
  readonly size: { readonly name: 'per_page' | 'limit'; readonly is: number; readonly isCapped: boolean };
  /** The parameters of its list that select the issues, beside `state` and `labels`. */
  which(assignee: string | undefined): Readonly<Record<string, string>>;
  /** The value by which labels are added to an issue, and the one by which one is taken from it. */
  labels(parts: Parameters<ForgeTracker>[0]): {
    toAdd(name: string): Promise<string | number>;
    toTake(name: string): Promise<string | number | null>;
  };
}

function trackerOf({ size, which, labels }: Dialect): ForgeTracker {
  return (parts) => {
    const { ask, kept, config } = parts;
    const at = { owner: parts.repo.owner, repo: parts.repo.name };
    const paging = (page: number) => ({ [size.name]: size.is, page });
    return {
      async issues() {
        const parameters = {
          ...at,
          ...{ state: config.state, ...(config.labels.length === 0 ? {} : { labels: config.labels.join(',') }) },
          ...which(config.assignee),
        };
        const route = 'GET /repos/{owner}/{repo}/issues';
        const read = (page: number, of: number) =>
          kept({ route, parameters: { ...parameters, [size.name]: of, page }, shape: z.array(issue).nullable() });
        const found = await allPages((page) => pageInParts(read, { page, size: size.is }), {
          size: size.is,
          pages: issueLimit / size.is,
          isCapped: size.isCapped,
        });
        return found.flatMap((each) => (each === null || each.pull_request != null ? [] : [tracked(each)]));
      },
      async issue(ref) {
        const route = 'GET /repos/{owner}/{repo}/issues/{number}';
        try {
          return tracked(await kept({ route, parameters: { ...at, number: ref }, shape: issue }));
        } catch (thrown) {
          if (!(thrown instanceof ForgeMoved)) throw thrown;
          // If the whole repository was moved, this throws as well.
          await ask({ route: 'GET /repos/{owner}/{repo}', parameters: at, shape: z.unknown() });
          const hint = 'it is followed there by nobody; its plan goes on';
          throw new EngineError('not_found', `the issue ${ref} was transferred to another repository`, hint);
        }
      },
      async comments(ref, sinceMs) {
        const route = 'GET /repos/{owner}/{repo}/issues/{number}/comments';
        const since = { since: new Date(sinceMs).toISOString() };
        const found = await allPages(
          (page) =>
            ask({
              route,
              parameters: { ...at, number: ref, ...since, ...paging(page) },
              shape: z.array(comment).nullable(),
            }),
          { size: size.is, pages: commentPages },
        );
        // Gitea may return all of them again as a second page.
        const once = [...new Map(found.map((each) => [each.id, each])).values()];
        return once.map(({ id, user: author, body, updated_at: atMs }) => ({ id: String(id), author, body, atMs }));
      },
      async mayWrite({ name: login }) {
        const route = 'GET /repos/{owner}/{repo}/collaborators/{login}/permission';
        return writers.has((await ask({ route, parameters: { ...at, login }, shape: permission })).permission);
      },
      async comment(ref, body) {
        const route = 'POST /repos/{owner}/{repo}/issues/{number}/comments';
        await ask({ route, parameters: { ...at, number: ref, body }, shape: commented });
      },
      async setStateLabel({ ref, labels: present }, wanted) {
        const { toAdd, toTake } = labels(parts);
        const route = '/repos/{owner}/{repo}/issues/{number}/labels';
        for (const other of present.filter((name) => name.startsWith(statePrefix) && name !== wanted)) {
          const label = await toTake(other);
          if (label === null) continue;
          await ask({
            route: `DELETE ${route}/{label}`,
            parameters: { ...at, number: ref, label },
            shape: z.unknown(),
          });
        }
        if (present.includes(wanted)) return;
        const added = { labels: [await toAdd(wanted)] as unknown as Record<string, unknown> }; // JSON of any form is a parameter
        await ask({ route: `POST ${route}`, parameters: { ...at, number: ref, ...added }, shape: z.unknown() });
      },
    };
  };
}

export const githubTracker = trackerOf({
  size: { name: 'per_page', is: 100, isCapped: false },
  which: (assignee) => ({ sort: 'created', direction: 'asc', ...(assignee === undefined ? {} : { assignee }) }),
  // It makes a missing label itself.
  labels: () => ({ toAdd: async (name) => name, toTake: async (name) => name }),
});

export const giteaTracker = trackerOf({
  // Its administrator sets the largest page.
  size: { name: 'limit', is: 50, isCapped: true },
  which: (assignee) => ({ type: 'issues', ...(assignee === undefined ? {} : { assigned_by: assignee }) }),
  labels({ ask, repo: { owner, name: repo } }) {
    const route = '/repos/{owner}/{repo}/labels';
    async function find(wanted: string): Promise<number | null> {
      const found = await allPages(
        (page) =>
          ask({
            route: `GET ${route}`,
            parameters: { owner, repo, limit: 50, page },
            shape: z.array(label).nullable(),
          }),
        { size: 50, pages: 10 },
      );
      return found.find(({ name }) => name === wanted)?.id ?? null;
    }
    return {
      toTake: find,
      async toAdd(name) {
        const known = await find(name);
        if (known !== null) return known;
        const parameters = { owner, repo, name, color: '#ededed' };
        return (await ask({ route: `POST ${route}`, parameters, shape: label })).id;
      },
    };
  },
});
