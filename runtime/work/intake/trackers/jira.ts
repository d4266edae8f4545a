/** Issues of Jira: of Jira Cloud by version 3 of its REST API, of Jira Data Center by version 2. https://developer.atlassian.com/cloud/jira/platform/rest/v3/ */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { IntakeOf } from '../../../base/config/config.ts';
import { oneLine } from '../../../base/platform/terminal-text.ts';
import type { Ask } from '../../forges/forge-call.ts';
import { longText, number, word } from '../../forges/forge-shapes.ts';
import type { SourceParts } from '../source.ts';
import { type Author, isSame, statePrefix, type TrackedIssue, type Tracker } from '../tracker.ts';
import { documentOf, markdownOf } from './adf.ts';
import { openService } from './service.ts';
import { time, uniqueAuthors, withVisibleKey } from './shapes.ts';

/** The id of the account at Jira Cloud, its name at Jira Data Center: its owner can choose neither. */
const user = z
  .object({ accountId: word.nullish(), name: word.nullish(), displayName: word.nullish() })
  .nullish()
  .transform((who): Author => {
    const name = who?.accountId ?? who?.name ?? '';
    return { name, id: name, ...(who?.displayName == null ? {} : { shown: who.displayName }) };
  });
/** A document at Jira Cloud, a text at Jira Data Center. */
const body = z.unknown().transform((value) => longText.parse(typeof value === 'string' ? value : markdownOf(value)));
const issue = z.object({
  id: z.string(),
  key: word,
  fields: z.object({
    ...{ summary: word, description: body, creator: user, assignee: user, created: time, updated: time },
    status: z.object({ name: word, statusCategory: z.object({ key: z.string() }) }),
    labels: z.array(word).nullish(),
  }),
});
const fields = 'summary,description,creator,assignee,created,updated,status,labels';
const searched = z.object({
  issues: z.array(issue),
  nextPageToken: z.string().nullish(),
  total: number.nullish(),
});
const comments = z.object({
  comments: z.array(z.object({ id: z.string(), author: user, body, updated: time })),
  total: number,
});
const change = z.object({ author: user, items: z.array(z.object({ field: z.string() })) });
const transitions = z.object({ transitions: z.array(z.object({ id: z.string(), to: z.object({ name: word }) })) });
/** The fields whose text an agent reads. */
const textFields: ReadonlySet<string> = new Set(['summary', 'description']);
const size = 100;
const issuePages = 10;
const commentPages = 5;
const historyPages = 10;

export async function openJira(config: IntakeOf<'jira'>, parts: SourceParts): Promise<Tracker> {
  const { url, email, jql } = config;
  const isCloud = email !== undefined;
  const { ask } = await openService(config, parts, (token) => ({
    baseUrl: `${url}/rest/api/${isCloud ? 3 : 2}`,
    headers: {
      accept: 'application/json',
      authorization: isCloud ? `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}` : `Bearer ${token}`,
      // https://confluence.atlassian.com/cloudkb/xsrf-check-failed-when-calling-cloud-apis-826874382.html
      'x-atlassian-token': 'no-check',
    },
  }));
  const search = isCloud ? searchCloud : searchServer;

  return {
    async issues() {
      const found = await search(ask, `(${jql}) AND ${queryOf(config)} ORDER BY created ASC`);
      return found.map((each) => tracked(each, url));
    },
    async issue(id) {
      const parameters = { id, fields };
      return tracked(await ask({ route: 'GET /issue/{id}', parameters, shape: issue }), url);
    },
    async comments(id, sinceMs) {
      const found: z.infer<typeof comments>['comments'] = [];
      for (let page = 0; page < commentPages; page += 1) {
        const parameters = { id, startAt: page * size, maxResults: size, orderBy: '-created' };
        const some = await ask({ route: 'GET /issue/{id}/comment', parameters, shape: comments });
        found.push(...some.comments);
        if (some.comments.length === 0 || (page + 1) * size >= some.total) break;
      }
      return found
        .map(({ id: comment, author, body: text, updated: atMs }) => ({ id: comment, author, body: text, atMs }))
        .filter(({ atMs }) => atMs >= sinceMs)
        .sort((a, b) => a.atMs - b.atMs);
    },
    async editors(id) {
      const changes = isCloud ? await changesCloud(ask, id) : await changesServer(ask, id);
      const ofText = changes?.filter(({ items }) => items.some(({ field }) => textFields.has(field)));
      return ofText === undefined ? null : uniqueAuthors(ofText.map(({ author }) => author));
    },
    async comment(id, text) {
      const shown = withVisibleKey(text);
      const parameters = { id, body: isCloud ? documentOf(shown) : shown };
      await ask({ route: 'POST /issue/{id}/comment', parameters, shape: z.object({ id: z.string() }) });
    },
    async setStateLabel({ ref: id, labels: present }, wanted) {
      const others = present.filter((name) => name.startsWith(statePrefix) && name !== wanted);
      if (others.length === 0 && present.includes(wanted)) return;
      const labels = [{ add: wanted }, ...others.map((name) => ({ remove: name }))];
      await ask({ route: 'PUT /issue/{id}', parameters: { id, update: { labels } }, shape: z.unknown() });
    },
    async setStatus({ ref: id, shown }, status) {
      const found = await ask({ route: 'GET /issue/{id}/transitions', parameters: { id }, shape: transitions });
      const way = found.transitions.find(({ to }) => isSame(to.name, status));
      if (way === undefined)
        throw new EngineError(
          'forge_refused',
          `the workflow of ${oneLine(shown ?? id)} has no way to "${status}" from where it is`,
          `it leads to: ${found.transitions.map(({ to }) => oneLine(to.name)).join(', ') || 'nowhere'}; see move of [intake.${config.name}]`,
        );
      const parameters = { id, transition: { id: way.id } };
      await ask({ route: 'POST /issue/{id}/transitions', parameters, shape: z.unknown() });
    },
  };
}

type Found = z.infer<typeof issue>;

/** The pages are chained by tokens. */
async function searchCloud(ask: Ask, jql: string): Promise<Found[]> {
  const all: Found[] = [];
  let token: string | null = null;
  for (let page = 1; page <= issuePages; page += 1) {
    const parameters = { jql, fields, maxResults: size, ...(token === null ? {} : { nextPageToken: token }) };
    const some: z.infer<typeof searched> = await ask({ route: 'GET /search/jql', parameters, shape: searched });
    all.push(...some.issues);
    token = some.nextPageToken ?? null;
    if (token === null) break;
  }
  return all;
}

/** The administrator sets the largest page. */
async function searchServer(ask: Ask, jql: string): Promise<Found[]> {
  const all: Found[] = [];
  while (all.length < issuePages * size) {
    const parameters = { jql, fields, maxResults: size, startAt: all.length };
    const { issues, total } = await ask({ route: 'GET /search', parameters, shape: searched });
    all.push(...issues);
    if (issues.length === 0 || all.length >= (total ?? 0)) break;
  }
  return all;
}

/** null: there are more changes than are read. */
async function changesCloud(ask: Ask, id: string): Promise<z.infer<typeof change>[] | null> {
  const shape = z.object({ values: z.array(change), total: number });
  const all: z.infer<typeof change>[] = [];
  for (let page = 0; page < historyPages; page += 1) {
    const parameters = { id, startAt: all.length, maxResults: size };
    const { values, total } = await ask({ route: 'GET /issue/{id}/changelog', parameters, shape });
    all.push(...values);
    if (all.length >= total) return all;
    if (values.length === 0) break;
  }
  return null;
}

/** null: there are more changes than the answer contains. */
async function changesServer(ask: Ask, id: string): Promise<z.infer<typeof change>[] | null> {
  const shape = z.object({ changelog: z.object({ histories: z.array(change), total: number }) });
  const parameters = { id, fields: 'summary', expand: 'changelog' };
  const { histories, total } = (await ask({ route: 'GET /issue/{id}', parameters, shape })).changelog;
  return histories.length >= total ? histories : null;
}

/** https://support.atlassian.com/jira-service-management-cloud/docs/jql-fields/ */
function queryOf({ labels, state, statuses, assignee }: IntakeOf<'jira'>): string {
  return [
    ...{ open: ['statusCategory != Done'], closed: ['statusCategory = Done'], all: ['created is not EMPTY'] }[state],
    ...labels.map((label) => `labels = ${quoted(label)}`),
    ...(statuses.length === 0 ? [] : [`status in (${statuses.map(quoted).join(', ')})`]),
    ...(assignee === undefined ? [] : [`assignee = ${quoted(assignee)}`]),
  ].join(' AND ');
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function tracked({ id, key, fields: own }: Found, url: string): TrackedIssue {
  const { status, assignee } = own;
  return {
    ...{ id, ref: id, shown: key, title: own.summary, body: own.description, author: own.creator },
    ...{ isOpen: status.statusCategory.key !== 'done', status: status.name, labels: own.labels ?? [] },
    assignees: assignee.name === '' ? [] : [assignee.name],
    ...{ url: `${url}/browse/${encodeURIComponent(key)}`, createdMs: own.created, updatedMs: own.updated },
  };
}
