/** GitHub's REST API, also for GitHub Enterprise: https://docs.github.com/rest */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../machines/vocabulary/schema-issue.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import { createCommonCalls, type MergeCalls } from './common-calls.ts';
import type {
  Check,
  Comment,
  Feedback,
  Forge,
  ForgeParts,
  MergeObstacle,
  PullRequest,
  ReviewedRequest,
  WantedMerge,
} from './forge.ts';
import { type Ask, createForgeCall, limitDefaultMs, limitError } from './forge-call.ts';
import { connectForge, type ForgeConnection } from './forge-connection.ts';
import { orDefault } from './forge-nothing.ts';
import {
  checkOfStatus,
  chosenMethod,
  chosenPull,
  comment,
  commentOf,
  commitOr,
  commitStatus,
  type issue,
  link,
  longText,
  number,
  person,
  pull,
  pullOf,
  word,
} from './forge-shapes.ts';
import type { CommentSize } from './newest-comments.ts';
import { checkPages, countedChecks } from './required-checks.ts';
import { githubOptions, githubRest } from './rest-call.ts';
import { feedbackOf, type Review } from './review-words.ts';

const page = 100;
/** The most entries of a list that grows at its end: texts of people. */
const wordPages = 5;
/** The most failed checks whose texts are fetched. */
const explained = 10;

/** The associations of people with write access to the repository. */
const association = word.nullish().transform((is) => ['OWNER', 'MEMBER', 'COLLABORATOR'].includes(is ?? ''));
const said = { id: number, user: person, body: longText, html_url: link, author_association: association };
const review = z.object({ ...said, state: word, commit_id: word.nullish() });
const reviewComment = z.object({
  ...said,
  path: word,
  line: number.nullish(),
  pull_request_review_id: number.nullish(),
});
const talk = z.object({ ...said, user: z.object({ login: word, type: word.nullish() }).nullish() });
/** A reviewer's verdicts; a plain comment does not change an earlier verdict. */
const verdicts: Readonly<Record<string, Review['verdict']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes',
  DISMISSED: 'withdrawn',
  COMMENTED: 'none',
};
const checkRun = z.object({
  id: number.nullish(),
  name: word,
  status: word,
  conclusion: word.nullish(),
  html_url: link,
  output: z
    .object({ title: longText, summary: longText, text: longText, annotations_count: number.nullish() })
    .nullish(),
});
const annotation = z.object({ path: longText, start_line: number.nullish(), message: longText });
const requiredIn = z.object({
  protection: z.object({ required_status_checks: z.object({ contexts: z.array(word).nullish() }).nullish() }).nullish(),
});
const branchRule = z.object({
  type: word,
  parameters: z.object({ required_status_checks: z.array(z.object({ context: word })).nullish() }).nullish(),
});
const status = commitStatus.extend({ state: word });

const draft = { draft: z.boolean().nullish() };
const mergeState = z.object({ ...draft, mergeable_state: word.nullish() });
/** https://docs.github.com/graphql/reference/enums#pullrequestmergemethod */
const method = z.enum(['MERGE', 'SQUASH', 'REBASE']);
const mergeRules = z.object({
  repository: z.object({
    autoMergeAllowed: z.boolean(),
    viewerDefaultMergeMethod: method,
    mergeCommitAllowed: z.boolean(),
    squashMergeAllowed: z.boolean(),
    rebaseMergeAllowed: z.boolean(),
    pullRequest: z.object({ id: word }).nullish(),
  }),
});
const rulesQuery = `query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    autoMergeAllowed viewerDefaultMergeMethod mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed
    pullRequest(number: $number) { id }
  }
}`;
const enableMutation = `mutation($input: EnablePullRequestAutoMergeInput!) { enablePullRequestAutoMerge(input: $input) { clientMutationId } }`;
const disableMutation = `mutation($input: DisablePullRequestAutoMergeInput!) { disablePullRequestAutoMerge(input: $input) { clientMutationId } }`;
/** GitHub accepts no auto-merge for a request that can be merged right away. */
const isMergeable = /pull request is in (?:clean|unstable) status/i;

/** All conclusions that are no failure: https://docs.github.com/rest/checks/runs */
const conclusions: Readonly<Record<string, Check['state']>> = {
  success: 'passed',
  neutral: 'passed',
  skipped: 'passed',
  cancelled: 'inconclusive',
  stale: 'inconclusive',
  action_required: 'needs-person',
};
/** GitHub Actions' text if the job has no message of its own. */
const sayNothing = /^Process completed with exit code \d+\.$/;

export function createGitHub(parts: ForgeParts): Forge {
  const { server, repo } = parts;
  const at = { owner: repo.owner, repo: repo.name };
  const connection = connectForge(parts, {
    at,
    options: githubRest(parts),
    pages: { sizeName: 'per_page', size: page },
  });
  const graph = createGraphCall(createForgeCall(parts, githubOptions(parts, '/api')).ask, new URL(server.url).host);
  return {
    server,
    repo,
    ...createCommonCalls(connection, readComments),
    ...createMergeCalls(connection, graph),
    findPullRequest: (head, commit) => findPullRequest(connection, head, commit),
    feedback: (of) => readFeedback(connection, of),
    checks: (commit, base) => readChecks(connection, commit, base),
  };
}

/** The newest ones are on the last page, which may have only a few entries. */
async function readComments(
  { ask, at }: ForgeConnection,
  { number: wanted, comments: count }: z.infer<typeof issue>,
  size: CommentSize,
): Promise<Comment[]> {
  const last = Math.max(1, Math.ceil(count / size));
  const comments: Comment[] = [];
  for (const index of last === 1 ? [1] : [last - 1, last]) {
    const route = 'GET /repos/{owner}/{repo}/issues/{number}/comments';
    const parameters = { ...at, number: wanted, per_page: size, page: index };
    comments.push(...(await ask({ route, parameters, shape: z.array(comment) })).map(commentOf));
  }
  return comments;
}

function createMergeCalls(connection: ForgeConnection, graph: GraphAsk): MergeCalls {
  const { ask, at, repo } = connection;

  async function rulesOf({ number: wanted, method: by }: Pick<WantedMerge, 'number' | 'method'>) {
    const { repository: rules } = await graph(
      rulesQuery,
      { owner: repo.owner, name: repo.name, number: wanted },
      mergeRules,
    );
    const allowed = {
      ...(rules.mergeCommitAllowed ? { merge: 'MERGE' as const } : {}),
      ...(rules.squashMergeAllowed ? { squash: 'SQUASH' as const } : {}),
      ...(rules.rebaseMergeAllowed ? { rebase: 'REBASE' as const } : {}),
    };
    const isFirst = Object.values(allowed).some((one) => one === rules.viewerDefaultMergeMethod);
    const first = isFirst ? rules.viewerDefaultMergeMethod : null;
    return { ...rules, method: chosenMethod({ wanted: by, allowed, first }, repo) };
  }

  return {
    async mergeObstacle({ number: wanted, base }): Promise<MergeObstacle> {
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}';
      const found = await ask({ route, parameters: { ...at, number: wanted }, shape: mergeState });
      const { draft: isDraft, mergeable_state: state } = found;
      if (isDraft === true) return { kind: 'waits', detail: 'it is a draft' };
      if (state === 'dirty') return { kind: 'behind', detail: `it conflicts with ${base}` };
      if (state === 'behind')
        return { kind: 'behind', detail: `it is behind ${base}, and the forge wants it up to date first` };
      if (state === 'blocked') return { kind: 'waits', detail: `it has not yet what ${base} requires` };
      return state === 'unknown' ? { kind: 'waits', detail: 'the forge looks at it' } : { kind: 'none' };
    },
    async merge({ number: wanted, head, method: by }) {
      const { method: chosen } = await rulesOf({ number: wanted, method: by });
      const { sha } = await ask({
        route: 'PUT /repos/{owner}/{repo}/pulls/{number}/merge',
        parameters: { ...at, number: wanted, sha: head, merge_method: chosen.toLowerCase() },
        shape: z.object({ sha: word.nullish() }),
      });
      return commitOr(sha);
    },
    async mergeWhenGreen({ number: wanted, head, base, method: by }) {
      const rules = await rulesOf({ number: wanted, method: by });
      // Without a required check it would be merged before any of them has passed.
      if (!rules.autoMergeAllowed || rules.pullRequest == null) return false;
      if ((await requiredFor(connection, base)).length === 0) return false;
      const input = { pullRequestId: rules.pullRequest.id, mergeMethod: rules.method, expectedHeadOid: head };
      try {
        await graph(enableMutation, { input }, z.unknown());
        return true;
      } catch (thrown) {
        if (thrown instanceof EngineError && isMergeable.test(thrown.message)) return false;
        throw thrown;
      }
    },
    async cancelMerge(wanted) {
      const { pullRequest } = await rulesOf({ number: wanted, method: null });
      if (pullRequest == null) return;
      await orDefault(graph(disableMutation, { input: { pullRequestId: pullRequest.id } }, z.unknown()), null);
    },
  };
}

/** The required checks, from both kinds of branch rules; the token may not be allowed to see them. */
async function requiredFor({ ask, readPages, at }: ForgeConnection, branch: string): Promise<string[]> {
  const route = 'GET /repos/{owner}/{repo}/branches/{branch}';
  const found = await orDefault(ask({ route, parameters: { ...at, branch }, shape: requiredIn }), null);
  const rules = await orDefault(
    readPages('GET /repos/{owner}/{repo}/rules/branches/{branch}', { ...at, branch }, branchRule),
    [],
  );
  return [
    ...(found?.protection?.required_status_checks?.contexts ?? []),
    ...rules.flatMap(({ parameters }) => (parameters?.required_status_checks ?? []).map(({ context }) => context)),
  ];
}

async function findPullRequest(
  { readPages, at, repo }: ForgeConnection,
  head: string,
  commit: string | undefined,
): Promise<PullRequest | null> {
  const parameters = { ...at, head: `${repo.owner}:${head}`, state: commit === undefined ? 'open' : 'all' };
  const found = await readPages('GET /repos/{owner}/{repo}/pulls', parameters, pull);
  return chosenPull(
    found.filter((one) => one.head.ref === head).map((one) => pullOf(one, null)),
    commit,
  );
}

async function readFeedback({ readPages, at }: ForgeConnection, of: ReviewedRequest): Promise<Feedback[]> {
  const parameters = { ...at, number: of.number };
  const reviews = await readPages('GET /repos/{owner}/{repo}/pulls/{number}/reviews', parameters, review, wordPages);
  const comments = await readPages(
    'GET /repos/{owner}/{repo}/pulls/{number}/comments',
    parameters,
    reviewComment,
    wordPages,
  );
  const below = await orDefault(
    readPages('GET /repos/{owner}/{repo}/issues/{number}/comments', parameters, talk, wordPages),
    [],
  );
  return feedbackOf(
    {
      reviews: reviews
        .filter(({ state }) => state !== 'PENDING')
        .map((one) => ({
          ...wordOf('review', one),
          verdict: verdicts[one.state] ?? 'none',
          commit: one.commit_id ?? null,
        })),
      comments: comments.map((one) => ({
        ...wordOf('comment', one),
        review: one.pull_request_review_id == null ? null : `review:${one.pull_request_review_id}`,
        path: one.path,
        line: one.line ?? null,
      })),
      talk: below
        .filter(({ user }) => user?.type !== 'Bot')
        .map((one) => wordOf('talk', { ...one, user: one.user?.login ?? 'somebody', path: '' })),
    },
    of,
  );
}

function wordOf(kind: string, one: z.infer<typeof review | typeof reviewComment>) {
  return {
    id: `${kind}:${one.id}`,
    author: one.user,
    mayWrite: one.author_association,
    text: one.body,
    url: one.html_url,
  };
}

async function readChecks(connection: ForgeConnection, commit: string, base: string): Promise<readonly Check[]> {
  const runs = await connection.readList(
    'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
    { ...connection.at, ref: commit, filter: 'latest' },
    z.object({ check_runs: z.array(checkRun) }).transform(({ check_runs: some }) => some),
    checkPages,
  );
  const statuses = await connection.readList(
    'GET /repos/{owner}/{repo}/commits/{ref}/status',
    { ...connection.at, ref: commit },
    z.object({ statuses: z.array(status) }).transform(({ statuses: some }) => some),
    checkPages,
  );
  const others = statuses.items.map(({ state, ...of }) =>
    checkOfStatus(of, state === 'pending' ? 'pending' : state === 'success' ? 'passed' : 'failed'),
  );
  const all = [...(await checksOf(connection, runs.items)), ...others];
  const isWhole = runs.isWhole && statuses.isWhole;
  // If all checks have passed, it does not matter which ones are required.
  if (isWhole && all.every(({ state }) => state === 'passed')) return all;
  return countedChecks(all, await requiredFor(connection, base), isWhole);
}

async function checksOf(connection: ForgeConnection, runs: readonly z.infer<typeof checkRun>[]): Promise<Check[]> {
  const checks: Check[] = [];
  let asked = 0;
  for (const { id, name, status: stage, conclusion, html_url: url, output } of runs) {
    const state = stage !== 'completed' ? 'pending' : (conclusions[conclusion ?? ''] ?? 'failed');
    const own = [output?.title ?? '', output?.summary ?? '', output?.text ?? ''];
    const isAsked = state === 'failed' && id != null && output?.annotations_count !== 0 && asked < explained;
    if (isAsked) asked += 1;
    const notes = isAsked ? await annotationsOf(connection, id) : [];
    const log = [...own, ...notes].filter((text) => text !== '').join('\n');
    const detail = [conclusion ?? stage, log].filter((text) => text !== '').join('\n');
    checks.push({ name, state, detail, log, url: url || null });
  }
  return checks;
}

/** The places in the code that a check names, each with its text. */
async function annotationsOf({ readPages, at }: ForgeConnection, run: number): Promise<string[]> {
  const route = 'GET /repos/{owner}/{repo}/check-runs/{run}/annotations';
  const found = await orDefault(readPages(route, { ...at, run }, annotation), []);
  return found
    .filter(({ message }) => !sayNothing.test(message))
    .slice(0, 20)
    .map(({ path, start_line: line, message }) => `${path}${line == null ? '' : `:${line}`}: ${message}`);
}

const saidChars = 500;
/** GitHub's message if it could not carry out a query itself. */
const ownFault = /^Something went wrong while executing your query/i;
const errors = z.array(z.object({ type: z.string().nullish(), message: z.string() })).nullish();

export type GraphAsk = <Data>(
  query: string,
  variables: Readonly<Record<string, unknown>>,
  shape: z.ZodType<Data>,
) => Promise<Data>;

/** An answer with errors has the status 200, but also throws as documented at `Forge`. */
function createGraphCall(ask: Ask, host: string): GraphAsk {
  return async (query, variables, shape) => {
    const answer = await ask({
      route: 'POST /graphql',
      parameters: { query, variables },
      shape: z.object({ data: z.unknown(), errors }),
    });
    const [first] = answer.errors ?? [];
    if (first !== undefined) {
      const said = `${host} answered: ${oneLine(first.message).slice(0, saidChars)}`;
      if (first.type === 'FORBIDDEN' || first.type === 'INSUFFICIENT_SCOPES')
        throw new EngineError('forge_denied', said, 'give it a token that may do this; see docs/forges.md');
      if (first.type === 'NOT_FOUND')
        throw new EngineError('not_found', said, 'see whether it is there, and whether the token may see it');
      if (first.type === 'RATE_LIMITED') throw limitError(host, Date.now() + limitDefaultMs);
      if (ownFault.test(first.message)) throw new EngineError('forge_unreachable', said, 'it is asked again later');
      throw new EngineError('forge_refused', said, 'its answer says what is wrong');
    }
    const read = shape.safeParse(answer.data);
    if (read.success) return read.data;
    throw new EngineError(
      'forge_refused',
      `${host} answered with something else: ${firstIssueText(read.error, 'the whole')}`,
      'see whether that address is a forge of this kind',
    );
  };
}
