/**
 * The routes of Jira that stator uses: version 3 of Jira Cloud, version 2 of Jira Data Center.
 * https://developer.atlassian.com/cloud/jira/platform/rest/v3/
 */
import type { Asked, FakeTracked, Reply, Service, TrackerServer } from './tracker-server.ts';
import { trackerToken } from './tracker-server.ts';

type Values = Record<string, unknown>;
/** A time in Jira's form. */
const time = (ms: number) => new Date(ms).toISOString().replace('Z', '+0000');
export const jiraAccount = (name: string) => `5b10ac8d82e05b22cc7d4e${name}`;
const ways = ['Todo', 'In Progress', 'Done'];
const gone: Reply = {
  status: 404,
  body: { errorMessages: ['Issue does not exist or you do not have permission to see it.'], errors: {} },
};

export function jiraService(tracker: TrackerServer): Service {
  const { state } = tracker;
  const isCloud = tracker.kind === 'jira';
  const named = (ref: string) =>
    [...state.issues.values()].find(({ id, team, number }) => String(id) === ref || `${team}-${number}` === ref);
  const person = (name: string) => ({
    ...(isCloud ? { accountId: jiraAccount(name), accountType: 'atlassian' } : { name, key: `JIRAUSER${name}` }),
    displayName: name.toUpperCase(),
  });
  const document = (text: string) => ({
    ...{ type: 'doc', version: 1 },
    content: text.split('\n\n').map((part) => ({ type: 'paragraph', content: [{ type: 'text', text: part }] })),
  });
  const textOf = (body: unknown) =>
    typeof body === 'string'
      ? body
      : (body as { content: { content: { text: string }[] }[] }).content
          .map(({ content }) => content.map(({ text }) => text).join(''))
          .join('\n\n');

  function shown(issue: FakeTracked): Values {
    const { id, team, number, title, body, author, isOpen, status, labels, createdMs, updatedMs } = issue;
    const category = !isOpen || status === 'Done' ? 'done' : status === 'Todo' ? 'new' : 'indeterminate';
    const assignee = issue.assignees[0];
    return {
      ...{ id: String(id), key: `${team}-${number}`, self: `${tracker.url}/rest/api/2/issue/${id}` },
      fields: {
        ...{ summary: title, description: body === '' ? null : isCloud ? document(body) : body, labels },
        ...{ creator: person(author), assignee: assignee === undefined ? null : person(assignee) },
        ...{ created: time(createdMs), updated: time(updatedMs) },
        status: { name: status, statusCategory: { key: category } },
      },
    };
  }

  /** The conditions that stator adds after the configured query. */
  function isIn(issue: FakeTracked, jql: string): boolean {
    const [, project = '', rest = ''] = /^\(project = (\w+)\) AND (.*) ORDER BY created ASC$/.exec(jql) ?? [];
    const isDone = !issue.isOpen || issue.status === 'Done';
    return (
      !issue.isPull &&
      issue.team === project &&
      rest.split(' AND ').every((condition) => {
        const [, field, operator, value = ''] = /^(\w+) (=|!=|in|is not) (.+)$/.exec(condition) ?? [];
        const words = [...value.matchAll(/"([^"]*)"/g)].map(([, word = '']) => word);
        if (field === 'statusCategory') return isDone === (operator === '=');
        if (field === 'labels') return issue.labels.includes(words[0] ?? '');
        if (field === 'status') return words.some((word) => word.toLowerCase() === issue.status.toLowerCase());
        if (field === 'assignee')
          return issue.assignees.some((name) => Object.values(person(name)).includes(words[0] ?? ''));
        return condition === 'created is not EMPTY';
      })
    );
  }

  function search({ query, path }: Asked): Reply {
    if (path !== (isCloud ? '/search/jql' : '/search')) return gone;
    const jql = query.get('jql') ?? '';
    if (!jql.startsWith('(project = '))
      return { status: 400, body: { errorMessages: ['Error in the JQL Query'], errors: {} } };
    const found = [...state.issues.values()].filter((issue) => isIn(issue, jql));
    found.sort((a, b) => (state.isReversed ? -1 : 1) * (a.createdMs - b.createdMs));
    const from = Number(query.get(isCloud ? 'nextPageToken' : 'startAt') ?? 0);
    const size = Math.min(tracker.pageSize, Number(query.get('maxResults') ?? 50));
    const issues = found.slice(from, from + size).map(shown);
    const isLast = from + size >= found.length;
    if (isCloud)
      return { status: 200, body: { issues, isLast, ...(isLast ? {} : { nextPageToken: String(from + size) }) } };
    return { status: 200, body: { startAt: from, maxResults: size, total: found.length, issues } };
  }

  function talk(issue: FakeTracked, { method, query, body }: Asked): Reply {
    if (method === 'POST') {
      if ((typeof body.body === 'string') === isCloud)
        return { status: 400, body: { errorMessages: [], errors: { comment: 'Comment body is not valid!' } } };
      return { status: 201, body: { id: String(tracker.say(issue, 'bot', textOf(body.body)).id) } };
    }
    const newest = [...issue.comments].reverse();
    const [from, size] = [
      Number(query.get('startAt') ?? 0),
      Math.min(tracker.pageSize, Number(query.get('maxResults'))),
    ];
    const comments = newest.slice(from, from + size).map(({ id, author, body: said, atMs }) => ({
      ...{
        id: String(id),
        author: person(author),
        body: isCloud ? document(said) : said,
        updated: time(atMs),
        created: time(atMs),
      },
    }));
    return { status: 200, body: { startAt: from, maxResults: size, total: newest.length, comments } };
  }

  function transitions(issue: FakeTracked, { method, body }: Asked): Reply {
    const open = ways.filter((name) => name !== issue.status);
    if (method !== 'POST')
      return {
        status: 200,
        body: {
          transitions: open.map((name) => ({ id: String(ways.indexOf(name) + 11), name: `To ${name}`, to: { name } })),
        },
      };
    const status = ways[Number((body.transition as { id: string }).id) - 11];
    if (status === undefined || !open.includes(status))
      return { status: 400, body: { errorMessages: ['no such transition'], errors: {} } };
    tracker.edit(issue, { status }, 'bot');
    return { status: 204, body: null };
  }

  function relabel(issue: FakeTracked, { body }: Asked): Reply {
    const changes = (body.update as { labels: { add?: string; remove?: string }[] }).labels;
    const removed = changes.map(({ remove }) => remove);
    const added = changes.flatMap(({ add }) => (add === undefined ? [] : [add]));
    tracker.edit(
      issue,
      { labels: [...new Set([...issue.labels.filter((name) => !removed.includes(name)), ...added])] },
      'bot',
    );
    return { status: 204, body: null };
  }

  function history({ edits }: FakeTracked): Values[] {
    return edits.map(({ by, what }) => ({
      author: person(by),
      items: [{ field: what === 'title' ? 'summary' : 'description', fieldtype: 'jira' }],
    }));
  }

  const basic = `Basic ${Buffer.from(`bot@acme.test:${trackerToken}`).toString('base64')}`;
  return {
    isAllowed: (authorization) => authorization === (isCloud ? basic : `Bearer ${trackerToken}`),
    lineOf: ({ method, path }) => `${method} ${path}`,
    answer(asked) {
      const [, noun, ref = '', part = ''] = asked.path.split('/');
      if (noun === 'search') return search(asked);
      const issue = noun === 'issue' ? named(ref) : undefined;
      if (issue === undefined) return gone;
      if (part === 'comment') return talk(issue, asked);
      if (part === 'transitions') return transitions(issue, asked);
      if (part === 'changelog' && isCloud) {
        const values = history(issue);
        return { status: 200, body: { startAt: 0, maxResults: 100, total: values.length, isLast: true, values } };
      }
      if (asked.method === 'PUT') return relabel(issue, asked);
      const changelog = asked.query.get('expand') === 'changelog' && !isCloud;
      const histories = history(issue);
      return {
        status: 200,
        body: { ...shown(issue), ...(changelog ? { changelog: { total: histories.length, histories } } : {}) },
      };
    },
  };
}
