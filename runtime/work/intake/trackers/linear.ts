/** Issues of Linear, by its GraphQL API: https://linear.app/developers/graphql */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../../machines/vocabulary/schema-issue.ts';
import type { IntakeOf } from '../../../base/config/config.ts';
import { oneLine } from '../../../base/platform/terminal-text.ts';
import { type Ask, type FailedAnswer, limitDefaultMs, limitError } from '../../forges/forge-call.ts';
import { link, longText, word } from '../../forges/forge-shapes.ts';
import type { SourceParts } from '../source.ts';
import { type Author, isSame, statePrefix, type TrackedIssue, type Tracker } from '../tracker.ts';
import { openService } from './service.ts';
import { time, uniqueAuthors, withVisibleKey } from './shapes.ts';

/** An account's owner can choose its names, but not its address. */
const user = z
  .object({ id: z.string(), name: word, email: word })
  .nullish()
  .transform(
    (who): Author => ({ name: who?.email ?? '', id: who?.id ?? '', ...(who == null ? {} : { shown: who.name }) }),
  );
const named = z.object({ id: z.string(), name: word });
const issue = z.object({
  ...{ id: z.string(), identifier: word, title: word, description: longText, url: link },
  ...{ createdAt: time, updatedAt: time, creator: user, assignee: user },
  state: z.object({ name: word, type: z.string() }),
  labels: z.object({ nodes: z.array(named) }),
  team: z.object({ id: z.string() }),
});
type LinearIssue = z.infer<typeof issue>;
const people = 'id name email';
const issueFields = `id identifier title description url createdAt updatedAt creator { ${people} } assignee { ${people} }
  state { name type } labels(first: 50) { nodes { id name } } team { id }`;

const answerShape = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(z.object({ message: z.string(), extensions: z.object({ code: z.string().nullish() }).nullish() }))
    .nullish(),
});
const succeeded = z.object({ success: z.literal(true) });
/** Linear's kinds of workflow states that mean a closed issue. */
const closedTypes = ['completed', 'canceled', 'duplicate'];
/** An answer may have 10,000 points, and each issue costs points for its labels. */
const size = 50;
const issuePages = 20;
const commentPages = 10;
const historyPages = 10;

export async function openLinear(config: IntakeOf<'linear'>, parts: SourceParts): Promise<Tracker> {
  const { host } = new URL(config.url);
  const { ask } = await openService(config, parts, (token) => ({
    baseUrl: config.url,
    // A key has no scheme.
    headers: { accept: 'application/json', authorization: token.startsWith('lin_oauth') ? `Bearer ${token}` : token },
    failure: (answer) => failureIn(answer, host),
  }));

  const call = linearCall(ask, host);
  const { query, pages } = call;
  return {
    async issues() {
      const { items } = await pages(
        {
          text: `query Issues($filter: IssueFilter!, $after: String) { list: issues(filter: $filter, first: ${size}, after: $after) { nodes { ${issueFields} } ${pageInfo} } }`,
          variables: { filter: filterOf(config) },
          most: issuePages,
        },
        z.object({ list: pageOf(issue) }).transform(({ list }) => list),
      );
      return items.map(tracked);
    },
    issue: async (id) => tracked(await one(call, id)),
    async comments(id, sinceMs) {
      const { items } = await pages(
        {
          text: `query Comments($id: String!, $filter: CommentFilter!, $after: String) { issue(id: $id) { list: comments(filter: $filter, first: ${size}, after: $after) { nodes { id body updatedAt user { ${people} } } ${pageInfo} } } }`,
          variables: { id, filter: { updatedAt: { gte: new Date(sinceMs).toISOString() } } },
          most: commentPages,
        },
        ofIssue(z.object({ id: z.string(), body: longText, updatedAt: time, user })),
      );
      return items
        .map(({ id: comment, body, updatedAt: atMs, user: author }) => ({ id: comment, author, body, atMs }))
        .sort((a, b) => a.atMs - b.atMs);
    },
    async editors(id) {
      const { items, isWhole } = await pages(
        {
          text: `query History($id: String!, $after: String) { issue(id: $id) { list: history(first: ${size}, after: $after) { nodes { actor { ${people} } toTitle updatedDescription descriptionUpdatedBy { ${people} } } ${pageInfo} } } }`,
          variables: { id },
          most: historyPages,
        },
        ofIssue(
          z.object({
            ...{ actor: user, toTitle: z.string().nullish(), updatedDescription: z.boolean().nullish() },
            descriptionUpdatedBy: z.array(user).nullish(),
          }),
        ),
      );
      const writers =
        isWhole &&
        items.flatMap((change) => [
          ...(change.toTitle != null || change.updatedDescription === true ? [change.actor] : []),
          ...(change.descriptionUpdatedBy ?? []),
        ]);
      return writers === false ? null : uniqueAuthors(writers);
    },
    async comment(issueId, text) {
      const input = { issueId, body: withVisibleKey(text) };
      await query(
        'mutation Comment($input: CommentCreateInput!) { commentCreate(input: $input) { success } }',
        { input },
        z.object({ commentCreate: succeeded }),
      );
    },
    async setStateLabel({ ref }, wanted) {
      const { labels, team } = await one(call, ref);
      const others = labels.nodes.filter(({ name }) => name.startsWith(statePrefix) && name !== wanted);
      const isThere = labels.nodes.some(({ name }) => name === wanted);
      if (others.length === 0 && isThere) return;
      await update(call, ref, {
        ...(isThere ? {} : { addedLabelIds: [await labelId(call, wanted, team.id)] }),
        ...(others.length === 0 ? {} : { removedLabelIds: others.map(({ id }) => id) }),
      });
    },
    async setStatus({ ref }, status) {
      const { team } = await one(call, ref);
      const { workflowStates } = await query(
        'query States($filter: WorkflowStateFilter!) { workflowStates(filter: $filter, first: 100) { nodes { id name } } }',
        { filter: { team: { id: { eq: team.id } } } },
        z.object({ workflowStates: z.object({ nodes: z.array(named) }) }),
      );
      const found = workflowStates.nodes.find(({ name }) => isSame(name, status));
      if (found === undefined)
        throw new EngineError(
          'forge_refused',
          `the team of ${config.team} has no status "${status}"`,
          `move of [intake.${config.name}] may name: ${workflowStates.nodes.map(({ name }) => oneLine(name)).join(', ')}`,
        );
      await update(call, ref, { stateId: found.id });
    },
  };
}

type LinearCall = ReturnType<typeof linearCall>;

/** An answer with errors has the status 200 or 400, and throws as documented at `Forge` either way. */
function linearCall(ask: Ask, host: string) {
  async function query<Data>(text: string, variables: Record<string, unknown>, shape: z.ZodType<Data>): Promise<Data> {
    const answer = await ask({ route: 'POST /graphql', parameters: { query: text, variables }, shape: answerShape });
    const failure = failureIn({ status: 200, headers: {}, data: answer }, host);
    if (failure !== null) throw failure;
    const read = shape.safeParse(answer.data);
    if (read.success) return read.data;
    const problem = firstIssueText(read.error, 'the whole');
    throw new EngineError(
      'forge_refused',
      `${host} answered with something else: ${problem}`,
      'see whether url is right',
    );
  }

  /** Pages of a list until the last one. */
  async function pages<Item>(
    { text, variables, most }: { text: string; variables: Record<string, unknown>; most: number },
    shape: z.ZodType<Page<Item>>,
  ): Promise<{ readonly items: Item[]; readonly isWhole: boolean }> {
    const items: Item[] = [];
    let after: string | null = null;
    for (let page = 1; page <= most; page += 1) {
      const { nodes, pageInfo }: Page<Item> = await query(text, { ...variables, after }, shape);
      items.push(...nodes);
      after = pageInfo.endCursor ?? null;
      if (!pageInfo.hasNextPage || after === null) return { items, isWhole: true };
    }
    return { items, isWhole: false };
  }

  return { query, pages };
}

interface Page<Item> {
  readonly nodes: readonly Item[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null | undefined };
}

const pageInfo = 'pageInfo { hasNextPage endCursor }';

function ofIssue<Item>(item: z.ZodType<Item>): z.ZodType<Page<Item>> {
  return z.object({ issue: z.object({ list: pageOf(item) }) }).transform(({ issue: { list } }) => list);
}

function pageOf<Item>(item: z.ZodType<Item>) {
  return z.object({
    nodes: z.array(item),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
  });
}

async function one({ query }: LinearCall, id: string): Promise<LinearIssue> {
  const text = `query Issue($id: String!) { issue(id: $id) { ${issueFields} } }`;
  return (await query(text, { id }, z.object({ issue }))).issue;
}

async function update({ query }: LinearCall, id: string, input: Record<string, unknown>): Promise<void> {
  await query(
    'mutation Update($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }',
    { id, input },
    z.object({ issueUpdate: succeeded }),
  );
}

/** The label of the team or of the whole workspace; a missing one is made. */
async function labelId({ query }: LinearCall, name: string, teamId: string): Promise<string> {
  const { issueLabels } = await query(
    'query Labels($filter: IssueLabelFilter!) { issueLabels(filter: $filter, first: 50) { nodes { id name team { id } } } }',
    { filter: { name: { eq: name } } },
    z.object({
      issueLabels: z.object({ nodes: z.array(named.extend({ team: z.object({ id: z.string() }).nullish() })) }),
    }),
  );
  const known = issueLabels.nodes.find(({ team }) => team == null || team.id === teamId);
  if (known !== undefined) return known.id;
  const { issueLabelCreate } = await query(
    'mutation Label($input: IssueLabelCreateInput!) { issueLabelCreate(input: $input) { success issueLabel { id } } }',
    { input: { name, teamId } },
    z.object({ issueLabelCreate: z.object({ issueLabel: z.object({ id: z.string() }) }) }),
  );
  return issueLabelCreate.issueLabel.id;
}

/** https://linear.app/developers/filtering */
function filterOf({ team, labels, state, statuses, assignee }: IntakeOf<'linear'>): Record<string, unknown> {
  const type = { open: { nin: closedTypes }, closed: { in: closedTypes }, all: null }[state];
  return {
    team: { key: { eqIgnoreCase: team } },
    ...(type === null ? {} : { state: { type } }),
    ...(assignee === undefined ? {} : { assignee: { email: { eqIgnoreCase: assignee } } }),
    and: [
      ...labels.map((name) => ({ labels: { some: { name: { eqIgnoreCase: name } } } })),
      ...(statuses.length === 0 ? [] : [{ or: statuses.map((name) => ({ state: { name: { eqIgnoreCase: name } } })) }]),
    ],
  };
}

function tracked(found: LinearIssue): TrackedIssue {
  return {
    ...{ id: found.id, ref: found.id, shown: found.identifier, title: found.title, body: found.description },
    ...{ author: found.creator, isOpen: !closedTypes.includes(found.state.type), status: found.state.name },
    labels: found.labels.nodes.map(({ name }) => name),
    assignees: found.assignee.name === '' ? [] : [found.assignee.name],
    ...{ url: found.url, createdMs: found.createdAt, updatedMs: found.updatedAt },
  };
}

/** https://linear.app/developers/rate-limiting: the status is 400, and the headers say when there is room again, each of its kind of limit. */
function failureIn({ headers, data }: FailedAnswer, host: string): EngineError | null {
  const read = answerShape.safeParse(data);
  const [first] = read.success ? (read.data.errors ?? []) : [];
  if (first === undefined) return null;
  const { message, extensions } = first;
  const code = extensions?.code ?? '';
  if (code === 'RATELIMITED') return limitError(host, limitUntil(headers, Date.now()));
  const said = `${host} answered: ${oneLine(message).slice(0, 500)}`;
  if (code === 'AUTHENTICATION_ERROR' || code === 'FORBIDDEN')
    return new EngineError('forge_denied', said, 'give the intake a token that may do this; see docs/intake.md');
  if (/^Entity not found/i.test(message))
    return new EngineError('not_found', said, 'see whether it is there, and whether the token may see it');
  if (code === 'INTERNAL_SERVER_ERROR' || code === 'LOCK_TIMEOUT')
    return new EngineError('forge_unreachable', said, 'it is asked again later');
  return new EngineError('forge_refused', said, 'its answer says what is wrong');
}

function limitUntil(headers: FailedAnswer['headers'], nowMs: number): number {
  const resets = ['requests', 'complexity', 'endpoint-requests'].flatMap((kind) => {
    const reset = Number(headers[`x-ratelimit-${kind}-reset`]);
    const isSpent = Number(headers[`x-ratelimit-${kind}-remaining`] ?? 1) <= 0;
    return isSpent && Number.isFinite(reset) ? [reset] : [];
  });
  return resets.length === 0 ? nowMs + limitDefaultMs : Math.max(...resets);
}
