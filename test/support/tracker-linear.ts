/** The answers of Linear's GraphQL API that stator needs, by the names of its queries: https://linear.app/developers/graphql */
import type { Asked, FakeTracked, Reply, Service, TrackerServer } from './tracker-server.ts';
import { trackerToken } from './tracker-server.ts';

type Values = Record<string, unknown>;
const iso = (ms: number) => new Date(ms).toISOString();
/** An id in Linear's form: a UUID. */
export const linearId = (id: number) => `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`;
export const linearAddress = (name: string) => `${name}@acme.test`;
const types: Readonly<Record<string, string>> = {
  ...{ Backlog: 'backlog', Todo: 'unstarted', 'In Progress': 'started', Done: 'completed', Canceled: 'canceled' },
};
const ok = (data: unknown): Reply => ({ status: 200, body: { data } });
const notFound: Reply = {
  status: 200,
  body: {
    data: null,
    errors: [
      {
        message: 'Entity not found: Issue',
        path: ['issue'],
        extensions: { type: 'invalid input', code: 'INPUT_ERROR', userError: true },
      },
    ],
  },
};

export function linearService(tracker: TrackerServer): Service {
  const { state } = tracker;
  const named = (id: unknown) => [...state.issues.values()].find((issue) => linearId(issue.id) === id);
  const person = (name: string) => ({ id: `user-${name}`, name: name.toUpperCase(), email: linearAddress(name) });
  const typeOf = ({ isOpen, status }: FakeTracked) => (isOpen ? (types[status] ?? 'unstarted') : 'completed');
  const labelId = (name: string) => `label-${name}`;

  function shown(issue: FakeTracked): Values {
    const identifier = `${issue.team}-${issue.number}`;
    return {
      ...{ id: linearId(issue.id), identifier, title: issue.title, description: issue.body },
      ...{
        url: `${tracker.url}/acme/issue/${identifier}`,
        createdAt: iso(issue.createdMs),
        updatedAt: iso(issue.updatedMs),
      },
      ...{
        creator: person(issue.author),
        assignee: issue.assignees[0] === undefined ? null : person(issue.assignees[0]),
      },
      ...{ state: { name: issue.status, type: typeOf(issue) }, team: { id: `team-${issue.team}` } },
      labels: { nodes: issue.labels.map((name) => ({ id: labelId(name), name })) },
    };
  }

  /** The filters that stator writes. */
  function isIn(issue: FakeTracked, filter: Values): boolean {
    return Object.entries(filter).every(([key, value]) => {
      if (key === 'and') return (value as Values[]).every((each) => isIn(issue, each));
      if (key === 'or') return (value as Values[]).some((each) => isIn(issue, each));
      const of = value as Record<string, Record<string, unknown>>;
      const same = (text: string, part: string) => text.toLowerCase() === String(of[part]?.eqIgnoreCase).toLowerCase();
      if (key === 'team') return same(issue.team, 'key');
      if (key === 'assignee') return issue.assignees.some((name) => same(linearAddress(name), 'email'));
      if (key === 'labels') {
        const some = of.some as unknown as { name: { eqIgnoreCase: string } };
        return issue.labels.some((name) => name.toLowerCase() === some.name.eqIgnoreCase.toLowerCase());
      }
      if (key !== 'state') throw new Error(`no such filter here: ${key}`);
      if (of.name !== undefined) return same(issue.status, 'name');
      const { in: within, nin: without } = of.type as { in?: string[]; nin?: string[] };
      return within?.includes(typeOf(issue)) ?? !(without ?? []).includes(typeOf(issue));
    });
  }

  function page(items: readonly unknown[], { after }: Values): Values {
    const from = after == null ? 0 : Number(after);
    const to = Math.min(items.length, from + Math.min(50, tracker.pageSize));
    return {
      nodes: items.slice(from, to),
      pageInfo: { hasNextPage: to < items.length, endCursor: to === from ? null : String(to) },
    };
  }

  const answers: Readonly<Record<string, (given: Values) => Reply>> = {
    Issues(given) {
      const found = [...state.issues.values()].filter((issue) => !issue.isPull && isIn(issue, given.filter as Values));
      found.sort((a, b) => (state.isReversed ? 1 : -1) * (a.createdMs - b.createdMs));
      return ok({ list: page(found.map(shown), given) });
    },
    Issue: ({ id }) => {
      const issue = named(id);
      return issue === undefined ? notFound : ok({ issue: shown(issue) });
    },
    Comments(given) {
      const issue = named(given.id);
      if (issue === undefined) return notFound;
      const { gte } = (given.filter as { updatedAt: { gte: string } }).updatedAt;
      const found = issue.comments.filter(({ atMs }) => atMs >= Date.parse(gte)).reverse();
      const nodes = found.map(({ id, author, body, atMs }) => ({
        id: `comment-${id}`,
        body,
        updatedAt: iso(atMs),
        user: person(author),
      }));
      return ok({ issue: { list: page(nodes, given) } });
    },
    History(given) {
      const issue = named(given.id);
      if (issue === undefined) return notFound;
      const nodes = issue.edits.map(({ by, what }) => ({
        ...{ actor: person(by), toTitle: what === 'title' ? issue.title : null },
        ...{
          updatedDescription: what === 'body' ? true : null,
          descriptionUpdatedBy: what === 'body' ? [person(by)] : null,
        },
      }));
      return ok({ issue: { list: page(nodes, given) } });
    },
    Comment({ input }) {
      const { issueId, body } = input as { issueId: string; body: string };
      const issue = named(issueId);
      if (issue === undefined) return notFound;
      tracker.say(issue, 'bot', body);
      return ok({ commentCreate: { success: true } });
    },
    Update({ id, input }) {
      const issue = named(id);
      if (issue === undefined) return notFound;
      const {
        addedLabelIds = [],
        removedLabelIds = [],
        stateId,
      } = input as { addedLabelIds?: string[]; removedLabelIds?: string[]; stateId?: string };
      const known = [...state.labels.keys()].filter((name) => addedLabelIds.includes(labelId(name)));
      const kept = issue.labels.filter((name) => !removedLabelIds.includes(labelId(name)));
      const status = Object.keys(types).find((name) => `state-${name}` === stateId);
      tracker.edit(
        issue,
        { labels: [...new Set([...kept, ...known])], ...(status === undefined ? {} : { status }) },
        'bot',
      );
      return ok({ issueUpdate: { success: true } });
    },
    States: () => ok({ workflowStates: { nodes: Object.keys(types).map((name) => ({ id: `state-${name}`, name })) } }),
    Labels({ filter }) {
      const { eq } = (filter as { name: { eq: string } }).name;
      const nodes = state.labels.has(eq) ? [{ id: labelId(eq), name: eq, team: null }] : [];
      return ok({ issueLabels: { nodes } });
    },
    Label({ input }) {
      const { name } = input as { name: string };
      state.labels.set(name, state.labels.size + 1);
      return ok({ issueLabelCreate: { success: true, issueLabel: { id: labelId(name) } } });
    },
  };

  const nameOf = ({ body }: Asked) => /^(?:query|mutation) (\w+)/.exec(String(body.query))?.[1] ?? '';
  return {
    isAllowed: (authorization) => authorization === trackerToken,
    lineOf: (asked) => `${asked.method} ${asked.path} ${nameOf(asked)}`,
    answer(asked) {
      const answer = asked.path === '/graphql' ? answers[nameOf(asked)] : undefined;
      return answer?.(asked.body.variables as Values) ?? { status: 404, body: {} };
    },
  };
}
