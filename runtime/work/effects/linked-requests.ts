/**
 * Makes one pull request for each member of a repo that a plan changes, at that member's forge and for its own branch. The texts of the requests link
 * each other. The forges are read first, so a second run finds the requests of the first.
 */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { StackLayer } from '../../../machines/vocabulary/plan-pull.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Outcome } from '../../core/outbox/handler.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { PullRequest } from '../forges/forge.ts';
import { type Linked, linkedText, withLinks } from '../forges/linked-text.ts';
import type { RepoForge } from '../forges/repo-forge.ts';
import { makeOrFind, requestOf } from '../forges/requests.ts';
import { fetchHead } from '../git/base-remote.ts';
import { ownGit } from '../git/git.ts';
import { holdsWork } from '../git/joint-base.ts';
import { fetchCommit, membersAt, splitOf } from '../git/members.ts';
import { commitTree, findCommit, isAncestor, treeOf } from '../git/objects.ts';
import { headAt, pushBranch, updateBranch } from '../git/push.ts';
import { branchRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import type { Composite, CompositeMember } from './members.ts';
import { pullRequestText } from './pull-request-text.ts';
import { askMember, type ForgeParts, orFailed } from './with-forge.ts';

export interface Linking extends PlanKey {
  readonly repository: Repository;
  readonly composite: Composite;
  /** The plan's branch. */
  readonly branch: string;
  readonly head: string;
  /** The requests that the plan knows. */
  readonly known: readonly StackLayer[];
  /** A person sent the request, so closed pull requests are replaced by new ones. */
  readonly byHand: boolean;
  readonly abort: AbortSignal;
  /** The text that closes the issue of the plan when the last request is merged; null: there is none. */
  closes(forge: RepoForge['forge']): Promise<string | null>;
}

/** `none`: it gets a new request. `closed`: a person closed it, or merged it into another branch. */
export type LinkedState = StackLayer['state'] | 'none';

interface Found {
  readonly member: CompositeMember;
  readonly known: StackLayer | null;
  readonly forge: RepoForge['forge'];
  readonly remote: string;
  /** The commit with the plan's changes in the member's own repository. */
  readonly commit: string;
  /** The commit of the member's branch at the remote; null: the remote does not have the branch. */
  readonly there: string | null;
  readonly request: PullRequest | null;
  readonly state: LinkedState;
}

/** The next step, from the states of the requests. Pure. */
export type LinkedStep = 'publish' | 'merged' | 'closed' | 'decide';

/** `decide`: a person has closed some of the requests, although they are one change. */
export function linkedStep(states: readonly LinkedState[]): LinkedStep {
  if (states.every((state) => state === 'merged')) return 'merged';
  if (states.every((state) => state === 'closed')) return 'closed';
  return states.includes('closed') ? 'decide' : 'publish';
}

/** If a forge cannot be reached, this throws, and the effect waits. */
export function publishLinked(parts: ForgeParts, at: Linking): Promise<Outcome> {
  return orFailed(async () => {
    const found = await look(parts, at);
    if (found.length === 0) return failed('the plan changed no repo, so there is nothing to push');
    const step = linkedStep(found.map(({ state }) => state));
    if (step === 'publish') return publish(parts, at, found);
    const stack = found.flatMap((one) => (one.request === null ? [] : [layerOf(one, one.request, one.commit)]));
    if (step === 'closed') return { type: 'pr_closed', payload: { stack } };
    if (step === 'decide') return { type: 'pr_failed', payload: { detail: decisionText(at, found), stack } };
    if (at.known.length === 0) return opened(at, found, stack);
    return { type: 'pr_merged', payload: { head: null, into: at.composite.into, stack } };
  }, failed);
}

async function look(parts: ForgeParts, at: Linking): Promise<Found[]> {
  const { repository, composite, branch, head, known } = at;
  const base = await ownGit(repository.path, ['merge-base', branchRef(composite.into), head]);
  const also = new Set(known.map(({ name }) => name));
  const members = await membersAt(repository, base);
  const changes = await splitOf(repository, { base, members, commit: head, isRepeatable: true, also });
  const found: Found[] = [];
  for (const member of composite.members) {
    const commit = changes.find(({ folder }) => folder === member.folder)?.commit;
    if (commit === undefined) continue;
    const before = known.find(({ name }) => name === member.folder) ?? null;
    await fetchCommit(member.repository, { from: repository, commit });
    found.push(
      await askMember(parts, at, member, async ({ forge, remote }) => {
        const place = { repo: member.repository.path, remote, branch, by: 'engine' } as const;
        const there = await headAt(place);
        const request =
          before === null
            ? await forge.findPullRequest(branch, there ?? commit)
            : await requestOf(forge, { number: before.number, branch });
        const one = { member, known: before, forge, remote, commit, there, request };
        return { ...one, state: await stateOf(at, one) };
      }),
    );
  }
  return found;
}

async function stateOf(
  { byHand }: Linking,
  { member: { repository, branch }, known, remote, commit, request }: Omit<Found, 'state'>,
): Promise<LinkedState> {
  if (request === null) return 'none';
  if (request.state === 'open' && request.base === branch) return 'open';
  if (request.state === 'merged' && request.base === branch) return 'merged';
  if (request.state === 'open') return 'closed';
  const head = await fetchHead(repository, { remote, branch });
  const shown = await findCommit(repository, known?.head ?? commit);
  if (shown !== null && (await holdsWork(repository, head, shown))) return 'merged';
  return byHand ? 'none' : 'closed';
}

async function publish(parts: ForgeParts, at: Linking, found: readonly Found[]): Promise<Outcome> {
  const made: { readonly one: Found; readonly request: PullRequest; readonly head: string }[] = [];
  const linksOf = (): Linked[] =>
    found.flatMap(({ member, forge, ...one }): Linked[] => {
      const request = made.find((each) => each.one.member === member)?.request ?? one.request;
      return request === null ? [] : [{ folder: member.folder, forge, number: request.number, url: request.url }];
    });
  for (const one of found) {
    const { member, state } = one;
    if (state === 'merged') continue;
    const { request, head } = await askMember(parts, at, member, async () => {
      parts.faults?.('plan-pull.before-push');
      const head = await push(at, one);
      parts.faults?.('plan-pull.after-push');
      const request = one.state === 'open' ? one.request : null;
      return {
        head,
        request: request ?? (await create(parts, at, { one, links: linksOf(), isLast: one === found.at(-1) })),
      };
    });
    parts.faults?.('plan-pull.after-create');
    made.push({ one, request, head });
  }
  const links = linksOf();
  for (const { one, request } of made)
    await askMember(parts, at, one.member, () =>
      one.forge.editBody(request.number, (body) => withLinks(body, linkedText(one, links))),
    );
  const stack = found.map((one) => {
    const mine = made.find((each) => each.one === one);
    return layerOf(one, mine?.request ?? one.request, mine?.head ?? one.commit);
  });
  return opened(at, found, stack);
}

/** Pushes the member's commits to its branch at the remote, on top of what was pushed before. Throws `refused` if another person has pushed there. */
async function push({ branch }: Linking, { member, remote, commit, there, state, known }: Found): Promise<string> {
  const { repository, folder } = member;
  const head = there === null ? commit : await onTop(repository, { there, commit, known: known?.head ?? null });
  if (head === null) {
    throw new EngineError(
      'refused',
      `${branch} of ${folder} is at ${there?.slice(0, 12)} at ${remote}, with other work than the plan's: somebody else pushed to it, so nothing was pushed`,
      `see it: git -C ${shellWord(repository.path)} fetch ${shellWord(remote)} ${shellWord(branch)}; take it into ${branch} of the plan's repo, in the folder ${folder}, and delete it there`,
    );
  }
  if (head === there) return head;
  const wanted = { repo: repository.path, branch, remote, commit: head, by: 'engine' as const };
  if (state === 'none') await pushBranch(wanted);
  else if ((await updateBranch(wanted)) === null) {
    throw new EngineError(
      'refused',
      `${branch} of ${folder} was deleted at ${remote}, so nothing was pushed`,
      'restore the branch there, or close the request',
    );
  }
  return head;
}

/** The commit with the files of `commit` on top of `there`; null: `there` has commits that do not belong to the plan. */
async function onTop(
  repository: Repository,
  { there, commit, known }: { there: string; commit: string; known: string | null },
): Promise<string | null> {
  if ((await findCommit(repository, there)) === null) return null;
  if (await isAncestor(repository, there, commit)) return commit;
  const tree = await treeOf(repository, commit);
  // A signed commit differs each time it is made, or an earlier try has already pushed it.
  if ((await treeOf(repository, there)) === tree) return there;
  if (there !== known) return null;
  const message = await ownGit(repository.path, ['show', '--no-patch', '--format=%B', '--encoding=UTF-8', commit]);
  return commitTree(repository, { tree, parents: [there, commit], message });
}

interface Creating {
  readonly one: Found;
  readonly links: readonly Linked[];
  readonly isLast: boolean;
}

async function create(
  parts: ForgeParts,
  { project, plan, branch, closes }: Linking,
  { one, links, isLast }: Creating,
): Promise<PullRequest> {
  const { forge, member } = one;
  const of = { project, plan, closes: isLast ? await closes(forge) : null, links: linkedText(one, links) };
  return makeOrFind(forge, { head: branch, base: member.branch, ...(await pullRequestText(parts, of)) });
}

function layerOf({ member, known, state }: Found, request: PullRequest | null, head: string): StackLayer {
  const { number = 1, url = '', head: branch = '', base = member.branch } = request ?? {};
  return {
    ...{ name: member.folder, title: member.folder, project: member.project, branch, number, url, base },
    head: state === 'merged' || state === 'closed' ? (known?.head ?? request?.headCommit ?? head) : head,
    state: state === 'none' ? 'open' : state,
  };
}

function opened({ head }: Linking, found: readonly Found[], stack: readonly StackLayer[]): Outcome {
  const shown = stack.find(({ state }) => state === 'open') ?? stack[0];
  const forge = found.find(({ member }) => member.folder === shown?.name)?.forge;
  if (shown === undefined || forge === undefined) throw new Error('no request was published');
  const { number, url } = shown;
  return {
    type: 'pr_opened',
    payload: { number, url, server: forge.server.name, head, mode: 'member', stack: [...stack] },
  };
}

/** The requests are one change, so a person decides about the others. */
function decisionText({ plan }: Linking, found: readonly Found[]): string {
  const lines = found.map(({ member: { folder, branch }, request, state }) => {
    const url = request?.url ?? 'its request';
    if (state !== 'closed') return `${folder}: ${state === 'none' ? 'it has no request yet' : `${url} is ${state}`}`;
    return request?.state === 'closed'
      ? `${folder}: ${url} was closed on the forge`
      : `${folder}: ${url} is for ${request?.base} and was for ${branch}`;
  });
  const isHalf = found.some(({ state }) => state === 'merged');
  const back = isHalf ? ', or take back there what is merged' : ', or close the others too';
  return [
    `its pull requests belong together, and only a part of them is left:\n${lines.join('\n')}`,
    `\nopen it there again as it was, and a running engine continues; or make another one: stator plan pr ${shellWord(plan)}${back}`,
  ].join('');
}

function failed(detail: string): Outcome {
  return { type: 'pr_failed', payload: { detail } };
}
