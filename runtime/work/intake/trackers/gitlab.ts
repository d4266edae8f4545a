/** Issues of GitLab: https://docs.gitlab.com/api/issues/ and https://docs.gitlab.com/api/members/ */
import { z } from 'zod';
import { link, longText, number, word } from '../../forges/forge-shapes.ts';
import { allPages, pageInParts, statePrefix, type TrackedIssue } from '../tracker.ts';
import type { ForgeTracker } from './forge-tracker.ts';
import { account, time } from './shapes.ts';

const issue = z.object({
  id: number,
  iid: number,
  title: word,
  description: longText,
  author: account,
  state: word,
  web_url: link,
  labels: z.array(word).nullish(),
  assignees: z.array(account).nullish(),
  created_at: time,
  updated_at: time,
});
const note = z.object({ id: number, author: account, body: longText, updated_at: time, system: z.boolean().nullish() });
const member = z.object({ access_level: number });
/** The lowest access level that may push. */
const developer = 30;
const size = 100;
const issuePages = 10;
const notePages = 5;
const states = { open: 'opened', closed: 'closed', all: 'all' } as const;

function tracked(found: z.infer<typeof issue>): TrackedIssue {
  return {
    id: String(found.id),
    ref: String(found.iid),
    title: found.title,
    body: found.description,
    author: found.author,
    isOpen: found.state === 'opened',
    labels: found.labels ?? [],
    assignees: (found.assignees ?? []).map(({ name }) => name),
    url: found.web_url,
    createdMs: found.created_at,
    updatedMs: found.updated_at,
  };
}

export const gitlabTracker: ForgeTracker = ({ ask, kept, config, repo }) => {
  const at = { id: `${repo.owner}/${repo.name}` };
  const { state, labels, assignee } = config;
  return {
    async issues() {
      const parameters = {
        ...{ ...at, state: states[state], order_by: 'created_at', sort: 'asc' },
        ...(labels.length === 0 ? {} : { labels: labels.join(',') }),
        ...(assignee === undefined ? {} : { assignee_username: assignee }),
      };
      const route = 'GET /projects/{id}/issues';
      const read = (page: number, of: number) =>
        kept({ route, parameters: { ...parameters, per_page: of, page }, shape: z.array(issue) });
      const found = await allPages((page) => pageInParts(read, { page, size }), { size, pages: issuePages });
      return found.flatMap((each) => (each === null ? [] : [tracked(each)]));
    },
    async issue(ref) {
      return tracked(
        await kept({ route: 'GET /projects/{id}/issues/{iid}', parameters: { ...at, iid: ref }, shape: issue }),
      );
    },
    async comments(ref, sinceMs) {
      const route = 'GET /projects/{id}/issues/{iid}/notes';
      const newest = { order_by: 'updated_at', sort: 'desc', per_page: size };
      const found: z.infer<typeof note>[] = [];
      for (let page = 1; page <= notePages; page += 1) {
        const some = await ask({ route, parameters: { ...at, iid: ref, ...newest, page }, shape: z.array(note) });
        const fresh = some.filter(({ updated_at: updated }) => updated >= sinceMs);
        found.push(...fresh);
        if (fresh.length < size) break;
      }
      return found
        .filter(({ system }) => system !== true)
        .map(({ id, author, body, updated_at: atMs }) => ({ id: String(id), author, body, atMs }))
        .reverse();
    },
    async mayWrite({ id: user }) {
      const route = 'GET /projects/{id}/members/all/{user}';
      return (await ask({ route, parameters: { ...at, user }, shape: member })).access_level >= developer;
    },
    async comment(ref, body) {
      const route = 'POST /projects/{id}/issues/{iid}/notes';
      await ask({ route, parameters: { ...at, iid: ref, body }, shape: z.object({ id: number }) });
    },
    async setStateLabel({ ref, labels: present }, wanted) {
      const others = present.filter((name) => name.startsWith(statePrefix) && name !== wanted);
      if (others.length === 0 && present.includes(wanted)) return;
      const change = { add_labels: wanted, ...(others.length === 0 ? {} : { remove_labels: others.join(',') }) };
      const route = 'PUT /projects/{id}/issues/{iid}';
      await ask({ route, parameters: { ...at, iid: ref, ...change }, shape: z.unknown() });
    },
  };
};
