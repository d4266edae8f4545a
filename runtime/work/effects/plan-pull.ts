/** Pushes a done plan's approved commit, and makes its pull request or finds an existing one. A second run finds the first one's result. */
import type { PlanPull } from '../../../machines/vocabulary/effect.ts';
import type { Approval } from '../../../machines/vocabulary/plan-merge.ts';
import type { Handler, Outcome } from '../../core/outbox/handler.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { closingWords } from '../forges/closing-words.ts';
import type { Forge, PullRequest } from '../forges/forge.ts';
import { findReference } from '../forges/reference.ts';
import type { RepoForge } from '../forges/repo-forge.ts';
import { makeOrFind, requestAt, requestOf } from '../forges/requests.ts';
import { readServers } from '../forges/servers.ts';
import { isNoAnswer, pushBranch, updateBranch } from '../git/push.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { publishLinked } from './linked-requests.ts';
import { reportLostWork } from './lost-work.ts';
import { compositeOf } from './members.ts';
import { publishStack } from './plan-stack.ts';
import { pullRequestText } from './pull-request-text.ts';
import { planBase } from './stored-base.ts';
import { type ForgeParts, withForge } from './with-forge.ts';
import { siteOf } from './workplace.ts';

/** How long the effect waits for a remote that does not answer, before a person is asked. */
const remotePatienceMs = 3_600_000;

/** If a forge is down or wants us to wait, the effect waits and spends no try; likewise for a remote that does not answer, for an hour. */
export function createPlanPull(parts: ForgeParts): Handler<PlanPull> {
  const publish = createPublish(parts);
  return async (effect, context) => {
    try {
      return await publish(effect, context);
    } catch (thrown) {
      const detail = silenceText(thrown, context.row, parts.nowMs());
      if (detail === null) throw thrown;
      return failed(detail);
    }
  };
}

/** The reason for a remote that has not answered for too long; null: that is not what was thrown, or it is waited for. */
export function silenceText(thrown: unknown, row: Pick<EffectRow, 'waiting_since'>, nowMs: number): string | null {
  if (!isNoAnswer(thrown) || nowMs - (row.waiting_since ?? nowMs) < remotePatienceMs) return null;
  return `the remote has not answered for an hour: ${thrown.message}; ${thrown.hint}`;
}

function createPublish(parts: ForgeParts): Handler<PlanPull> {
  return async ({ branch, approved, request: open, stack }, context): Promise<Outcome> => {
    const { row, abort } = context;
    const { repository, project } = await siteOf(parts, row, { branch, from: branch });
    parts.projects.mustBeTrusted(row.project);
    const head = await readRef(repository, branchRef(branch));
    const lost = await reportLostWork(parts, context, branch);
    if (lost !== null) return failed(`${lost.detail}\nso nothing was pushed; see: stator plan explain ${row.plan}`);
    if (head === null) return failed(`there is no branch ${branch}: nothing was done that could be pushed`);
    const moved = movedOutcome(branch, head, approved);
    const composite = await compositeOf(parts, { project, repository }, row.plan);
    // The branch of a stack may contain commits that people pushed.
    if (approved !== null && head !== approved.sha && (stack === undefined || composite !== null)) return moved;
    if (composite !== null) {
      const key = { project: row.project, plan: row.plan };
      return publishLinked(parts, {
        ...{ ...key, repository, composite, branch, head, abort, known: stack?.known ?? [] },
        byHand: stack?.byHand === true,
        closes: (forge) => closesOf(parts, key, forge),
      });
    }
    const work = async ({ forge, remote }: RepoForge): Promise<Outcome> => {
      const at = { project: row.project, plan: row.plan, branch };
      const begun = await planBase(parts, at);
      const base = begun.branch ?? repository.defaultBase;
      if (stack !== undefined) {
        const { reviewAgain } = project.config.landing;
        const has = { ...at, repository, head, approved, moved, reviewAgain, base: begun.commit };
        return publishStack(parts, { ...has, stack, into: base, forge, remote });
      }
      // The forge is called first: if it cannot be reached, the effect waits before anything is pushed.
      const shown = open == null ? null : await requestOf(forge, { number: open, branch });
      const known = shown ?? (await forge.findPullRequest(branch, head));
      // A pull request that the plan does not know yet is reported as open: the watch then follows it, and notices that it is over.
      if (known !== null && known.state !== 'open')
        return open == null ? openedOutcome(forge, known, head) : closedOutcome(known);
      parts.faults?.('plan-pull.before-push');
      const push = { repo: repository.path, branch, remote, commit: head, by: 'engine' as const };
      // A forge may delete a branch when it merges it: a push would make it again.
      if (known === null) await pushBranch(push);
      else if ((await updateBranch(push)) === null) {
        const gone = await requestAt(forge, known.number);
        if (gone.state !== 'open') return open == null ? openedOutcome(forge, gone, head) : closedOutcome(gone);
        if (open != null) return failed(deletedText(branch, gone));
        await pushBranch(push);
      }
      parts.faults?.('plan-pull.after-push');
      const request =
        known ??
        (await makeOrFind(forge, {
          head: branch,
          base,
          ...(await pullRequestText(parts, { ...at, closes: await closesOf(parts, at, forge) })),
        }));
      parts.faults?.('plan-pull.after-create');
      return openedOutcome(forge, request, head);
    };
    return withForge(parts, { repo: repository.path, row, plan: row.plan, abort, work, failed });
  };
}

/** The text that closes the session's issue when the request is merged; null: there is no issue, or the repo does not want it closed. */
async function closesOf(
  { store, projects, home }: Pick<ForgeParts, 'store' | 'projects' | 'home'>,
  { project, plan }: PlanKey,
  forge: Pick<Forge, 'server' | 'repo'>,
): Promise<string | null> {
  if (!projects.get(project).config.closeIssues) return null;
  const session = (await store.issues()).find((row) => row.project === project && row.plan === plan);
  if (session?.reference == null) return null;
  const { list, main } = readServers(home);
  const issue = findReference(session.reference, { servers: list, main });
  return issue === null ? null : closingWords(forge, issue);
}

function movedOutcome(branch: string, head: string, approved: Approval | null): Outcome {
  const detail = `${branch} was approved at ${approved?.sha.slice(0, 12)} and is at ${head.slice(0, 12)} now, so nothing was pushed; it is judged again first`;
  return { type: 'pr_failed', payload: { detail, moved: true } };
}

function openedOutcome(forge: Forge, { number, url }: PullRequest, head: string): Outcome {
  return { type: 'pr_opened', payload: { number, url, server: forge.server.name, head } };
}

export function closedOutcome({ state, mergeCommit, base }: PullRequest): Outcome {
  return state === 'merged'
    ? { type: 'pr_merged', payload: { head: mergeCommit, into: base } }
    : { type: 'pr_closed', payload: {} };
}

function deletedText(branch: string, { url }: PullRequest): string {
  return `${branch} was deleted where ${url} is, so nothing was pushed; restore the branch there, or close the request`;
}

function failed(detail: string): Outcome {
  return { type: 'pr_failed', payload: { detail } };
}
