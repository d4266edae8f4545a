/** The REST API of Gitea and Forgejo: https://docs.gitea.com/api and https://forgejo.org/docs/latest/user/api-usage/ */
import { z } from 'zod';
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
import { ForgeRefusal } from './forge-call.ts';
import { connectForge, type ForgeConnection } from './forge-connection.ts';
import { orDefault } from './forge-nothing.ts';
import {
  checkOfStatus,
  chosenMethod,
  chosenPull,
  comment,
  commentOf,
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
import { giteaRest } from './rest-call.ts';
import { type CodeComment, feedbackOf, fixAskedFor, type Review } from './review-words.ts';

/** Gitea's default maximum. */
const page = 50;
const maxPages = 4;
const feedbackLimit = 200;

const review = z.object({
  id: number,
  user: person,
  body: longText,
  state: word,
  html_url: link,
  comments_count: number.nullish(),
  /** Whether the author may write to the repository. */
  official: z.boolean().nullish(),
  dismissed: z.boolean().nullish(),
  /** Whether it is about an earlier commit than the request's head. */
  stale: z.boolean().nullish(),
  commit_id: word.nullish(),
});
const reviewComment = z.object({
  id: number,
  user: person,
  body: longText,
  path: longText,
  position: number.nullish(),
  html_url: link,
});
const talkWord = z.object({ id: number, user: person, body: longText, html_url: link });
const permission = z.object({ permission: word });
const writers: ReadonlySet<string> = new Set(['write', 'admin', 'owner']);
const branchRules = z.object({
  required_approvals: number.nullish(),
  enable_status_check: z.boolean().nullish(),
  status_check_contexts: z.array(word).nullish(),
  user_can_merge: z.boolean().nullish(),
});
const mergeState = z.object({ draft: z.boolean().nullish(), mergeable: z.boolean().nullish() });
const styles = z.object({
  allow_merge_commits: z.boolean().nullish(),
  allow_squash_merge: z.boolean().nullish(),
  allow_rebase: z.boolean().nullish(),
  allow_rebase_explicit: z.boolean().nullish(),
  default_merge_style: word.nullish(),
});
const passed: ReadonlySet<string> = new Set(['success', 'warning', 'skipped']);
const status = commitStatus.extend({ status: word });

const mergeRoute = 'POST /repos/{owner}/{repo}/pulls/{number}/merge';
const alreadyScheduled = /already scheduled to auto merge/i;

export function createGitea(parts: ForgeParts): Forge {
  const { server, repo } = parts;
  const at = { owner: repo.owner, repo: repo.name };
  const connection = connectForge(parts, { at, options: giteaRest(parts), pages: { sizeName: 'limit', size: page } });
  return {
    server,
    repo,
    ...createCommonCalls(connection, readComments),
    ...createMergeCalls(connection),
    findPullRequest: (head, commit) => findPullRequest(connection, head, commit),
    feedback: (of) => readFeedback(connection, of),
    checks: (commit, base) => readChecks(connection, commit, base),
  };
}

async function readComments(
  { ask, at }: ForgeConnection,
  { number: wanted, updated_at: updated }: z.infer<typeof issue>,
  size: CommentSize,
): Promise<Comment[]> {
  const route = 'GET /repos/{owner}/{repo}/issues/{number}/comments';
  const since = sinceOf(size, updated ?? null);
  const parameters = { ...at, number: wanted, ...(since === null ? {} : { since }) };
  const some = await ask({ route, parameters, shape: z.array(comment).nullable() });
  return (some ?? []).map(commentOf);
}

function createMergeCalls(connection: ForgeConnection): MergeCalls {
  const { ask, at } = connection;
  return {
    async mergeObstacle({ number: wanted, base }): Promise<MergeObstacle> {
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}';
      const found = await ask({ route, parameters: { ...at, number: wanted }, shape: mergeState });
      if (found.draft === true) return { kind: 'waits', detail: 'it is a draft' };
      if (found.mergeable === false) return { kind: 'behind', detail: `it conflicts with ${base}` };
      const rules = await rulesOf(connection, base);
      if (rules.user_can_merge === false)
        return { kind: 'blocked', detail: `the token that is used may not merge into ${base}` };
      const required = rules.required_approvals ?? 0;
      if (required === 0) return { kind: 'none' };
      const given = await approvalsOf(connection, wanted);
      if (given >= required) return { kind: 'none' };
      return { kind: 'waits', detail: `it has ${given} of the ${required} approvals that ${base} requires` };
    },
    async merge({ number: wanted, head, method }) {
      const parameters = { ...at, number: wanted, Do: await styleOf(connection, method), head_commit_id: head };
      await ask({ route: mergeRoute, parameters, shape: z.unknown() });
      const route = 'GET /repos/{owner}/{repo}/pulls/{number}';
      const merged = await ask({ route, parameters: { ...at, number: wanted }, shape: pull });
      return pullOf(merged, null).mergeCommit;
    },
    async mergeWhenGreen({ number: wanted, head, base, method }) {
      // Without a required check it would wait for the first check, or for ever.
      if ((await rulesOf(connection, base)).enable_status_check !== true) return false;
      const parameters = { ...at, number: wanted, Do: await styleOf(connection, method), head_commit_id: head };
      try {
        await ask({
          route: mergeRoute,
          parameters: { ...parameters, merge_when_checks_succeed: true },
          shape: z.unknown(),
        });
        return true;
      } catch (thrown) {
        if (!(thrown instanceof ForgeRefusal)) throw thrown;
        if (thrown.status === 409 && alreadyScheduled.test(thrown.message)) return true;
        // The forge is still checking it, or another condition comes first.
        if (thrown.status === 405) return false;
        throw thrown;
      }
    },
    async cancelMerge(wanted) {
      const route = 'DELETE /repos/{owner}/{repo}/pulls/{number}/merge';
      await orDefault(ask({ route, parameters: { ...at, number: wanted }, shape: z.unknown() }), null);
    },
  };
}

/** Empty if the token may not see them. */
async function rulesOf({ ask, at }: ForgeConnection, branch: string): Promise<Partial<z.infer<typeof branchRules>>> {
  const route = 'GET /repos/{owner}/{repo}/branches/{branch}';
  return orDefault(ask({ route, parameters: { ...at, branch }, shape: branchRules }), {});
}

async function styleOf({ ask, at, repo }: ForgeConnection, wanted: WantedMerge['method']): Promise<string> {
  const found = await ask({ route: 'GET /repos/{owner}/{repo}', parameters: at, shape: styles });
  const allowed = {
    ...(found.allow_merge_commits === false ? {} : { merge: 'merge' }),
    ...(found.allow_squash_merge === false ? {} : { squash: 'squash' }),
    ...(found.allow_rebase !== false
      ? { rebase: 'rebase' }
      : found.allow_rebase_explicit === true
        ? { rebase: 'rebase-merge' }
        : {}),
  };
  return chosenMethod({ wanted, allowed, first: found.default_merge_style || null }, repo);
}

/** The counted reviewers whose newest verdict is an approval. */
async function approvalsOf({ readPages, at }: ForgeConnection, wanted: number): Promise<number> {
  const route = 'GET /repos/{owner}/{repo}/pulls/{number}/reviews';
  const reviews = await readPages(route, { ...at, number: wanted }, review, maxPages);
  const verdicts = reviews.filter((one) => one.official === true && verdictOf(one) !== 'none');
  const newest = new Map(verdicts.map((one) => [one.user, verdictOf(one)]));
  return [...newest.values()].filter((verdict) => verdict === 'approved').length;
}

async function findPullRequest(
  { readPages, at }: ForgeConnection,
  head: string,
  commit: string | undefined,
): Promise<PullRequest | null> {
  const found = await readPages(
    'GET /repos/{owner}/{repo}/pulls',
    { ...at, state: commit === undefined ? 'open' : 'all', sort: 'recentupdate' },
    pull,
    maxPages,
  );
  // A fork's branch may have the same name.
  const isOwn = ({ head: { ref, repo }, base }: z.infer<typeof pull>) =>
    ref === head && (repo?.full_name ?? '') === (base.repo?.full_name ?? '');
  return chosenPull(
    found.filter(isOwn).map((one) => pullOf(one, null)),
    commit,
  );
}

async function readFeedback(connection: ForgeConnection, of: ReviewedRequest): Promise<Feedback[]> {
  const { readPages, at } = connection;
  const number = of.number;
  const route = 'GET /repos/{owner}/{repo}/pulls/{number}/reviews';
  const reviews = (await readPages(route, { ...at, number }, review, maxPages)).filter(
    ({ state }) => state !== 'PENDING',
  );
  const mayWrite = createMayWrite(connection, reviews);
  const words: Review[] = [];
  const comments: CodeComment[] = [];
  for (const one of reviews) {
    const verdict = verdictOf(one);
    const isWriter = verdict === 'none' ? await mayWrite(one.user) : one.official === true;
    const url = one.html_url;
    const id = `review:${one.id}`;
    const commit = one.stale === true ? 'stale' : (one.commit_id ?? null);
    words.push({ id, author: one.user, mayWrite: isWriter, text: one.body, url, verdict, commit });
    if (one.comments_count === 0 || comments.length >= feedbackLimit) continue;
    const inside = await readPages(`${route}/{id}/comments`, { ...at, number, id: one.id }, reviewComment, maxPages);
    for (const { id: own, user: author, body: text, path, position, html_url: place } of inside)
      comments.push({
        id: `comment:${own}`,
        author,
        mayWrite: author === one.user ? isWriter : await mayWrite(author),
        text,
        url: place,
        review: id,
        path: path || null,
        line: position ?? null,
      });
  }
  const talk = [];
  const below = await orDefault(
    readPages('GET /repos/{owner}/{repo}/issues/{number}/comments', { ...at, number }, talkWord, maxPages),
    [],
  );
  for (const { id, user: author, body: text, html_url: url } of below) {
    const isAsking = fixAskedFor(text) !== null;
    talk.push({ id: `talk:${id}`, author, mayWrite: isAsking && (await mayWrite(author)), text, url });
  }
  return feedbackOf({ reviews: words, comments, talk }, of);
}

/** Whether an author may write: from the review itself, otherwise from one request to the forge per author. */
function createMayWrite(
  { ask, at, repo }: ForgeConnection,
  reviews: readonly z.infer<typeof review>[],
): (login: string) => Promise<boolean> {
  const known = new Map<string, boolean>([[repo.owner, true]]);
  for (const { user, official } of reviews) if (official === true) known.set(user, true);
  return async (login) => {
    const before = known.get(login);
    if (before !== undefined) return before;
    const route = 'GET /repos/{owner}/{repo}/collaborators/{login}/permission';
    const answer = await orDefault(ask({ route, parameters: { ...at, login }, shape: permission }), null);
    const isWriter = writers.has(answer?.permission ?? '');
    known.set(login, isWriter);
    return isWriter;
  };
}

async function readChecks(connection: ForgeConnection, commit: string, base: string): Promise<readonly Check[]> {
  const { items, isWhole } = await connection.readList(
    'GET /repos/{owner}/{repo}/commits/{ref}/status',
    { ...connection.at, ref: commit },
    z.object({ statuses: z.array(status).nullish() }).transform(({ statuses }) => statuses ?? []),
    checkPages,
  );
  const all = items.map(({ status: state, ...of }) =>
    checkOfStatus(of, state === 'pending' ? 'pending' : passed.has(state) ? 'passed' : 'failed'),
  );
  if (isWhole && all.every(({ state }) => state === 'passed')) return all;
  const { enable_status_check: isRequired, status_check_contexts: required } = await rulesOf(connection, base);
  return countedChecks(all, isRequired === true ? (required ?? []) : [], isWhole);
}

/** A repeated review request is in the list, as an entry of the requested reviewer. */
function verdictOf({ state, dismissed }: z.infer<typeof review>): Review['verdict'] {
  if (dismissed === true || state === 'REQUEST_REVIEW') return 'withdrawn';
  return state === 'APPROVED' ? 'approved' : state === 'REQUEST_CHANGES' ? 'changes' : 'none';
}

const dayMs = 24 * 60 * 60_000;
/** Gitea returns all comments at once, whatever the requested number: to get fewer, only those of the issue's last days are requested. */
const windowMs: Readonly<Record<CommentSize, number | null>> = { 100: null, 20: 30 * dayMs, 3: dayMs };

function sinceOf(size: CommentSize, updated: string | null): string | null {
  const back = windowMs[size];
  if (back === null) return null;
  const at = Date.parse(updated ?? '');
  return new Date(Math.max(0, (Number.isNaN(at) ? Date.now() : at) - back)).toISOString();
}
