/**
 * Makes a stack of pull requests for a plan: a branch and a request for each finished part, each based on the part below. The forge is read first, so
 * a second run finds the requests of the first. People's changes on the forge are preserved: their commits, which are also added to the plan's
 * branch, and the requests that they merged or closed.
 */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Approval } from '../../../machines/vocabulary/plan-merge.ts';
import type { AskedStack, PersonsPush, StackLayer, TakenAs } from '../../../machines/vocabulary/plan-pull.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { ReviewAgain } from '../../base/config/config.ts';
import type { Outcome } from '../../core/outbox/handler.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { PullRequest } from '../forges/forge.ts';
import type { RepoForge } from '../forges/repo-forge.ts';
import { makeOrFind, requestOf } from '../forges/requests.ts';
import { fetchHead } from '../git/base-remote.ts';
import { movedMeanwhile } from '../git/branch.ts';
import { holdsWork } from '../git/joint-base.ts';
import { advanceBranch } from '../git/merge.ts';
import { findCommit, isAncestor } from '../git/objects.ts';
import { headsIn, replaceBranch } from '../git/push.ts';
import type { Repository } from '../git/repository.ts';
import { endsOf, type Restacked, restack, stackDecided, withChange } from '../git/stack.ts';
import { pullRequestText } from './pull-request-text.ts';
import { type LayerState, pushesTo, takeConflictText, taken } from './stack-pushes.ts';
import type { ForgeParts } from './with-forge.ts';

export interface Stacking extends PlanKey, Pick<RepoForge, 'forge' | 'remote'> {
  readonly repository: Repository;
  readonly stack: AskedStack;
  /** The plan's branch, and its commit. */
  readonly branch: string;
  readonly head: string;
  readonly approved: Approval | null;
  /** The outcome if the commit is no longer the head of the branch. */
  readonly moved: Outcome;
  readonly reviewAgain: ReviewAgain;
  /** The commit from which the plan began. */
  readonly base: string;
  /** The branch that the stack lands on. */
  readonly into: string;
}

interface Layer extends Pick<StackLayer, 'name' | 'title' | 'branch'> {
  /** The last commit of this part on the plan's branch; null: the branch does not have it any more. */
  readonly end: string | null;
  readonly known: StackLayer | null;
  /** The commit of its branch at the remote; null: the remote does not have that branch. */
  readonly there: string | null;
  readonly found: PullRequest | null;
  readonly state: LayerState;
  readonly pushed: PersonsPush[];
}

/** If the forge cannot be reached, this throws, and the effect waits. */
export async function publishStack(parts: ForgeParts, at: Stacking): Promise<Outcome> {
  const { repository, branch, head, approved, moved, stack } = at;
  const found = await look(at);
  if (found.length === 0) return failed('no part of it changed anything, so there is nothing to push');
  const open = found.filter(({ state }) => state === 'open' || state === 'none');
  const pushes = open.flatMap((layer) => layer.pushed.map((push) => ({ branch: layer.branch, push })));
  const people = await taken(parts.store, {
    ...at,
    isWhole: stack.isWhole,
    pushes,
    receivingHead: () => receivingHead(at),
  });
  if (people.kind === 'moved') return moved;
  // A part that waits or conflicts is remembered.
  const layers =
    people.kind !== 'taken' ? found : found.map((one) => (open.includes(one) ? { ...one, pushed: [] } : one));
  const own = approved?.sha ?? head;
  const made = await publish(parts, { ...at, head: own }, layers);
  if (made.kind === 'conflict') return failed(made.detail);
  if (people.kind === 'conflict') {
    const part = pushes.find(({ push }) => push.to === people.to)?.branch ?? '';
    return failed(takeConflictText(people, { ...at, part }), made.stack);
  }
  if (people.kind === 'waits' || people.head === own) return outcomeOf(at, layers, made);
  if (people.head !== head && !(await advanceBranch(repository, { branch, from: head, to: people.head })))
    throw movedMeanwhile(repository, branch);
  parts.faults?.('plan-stack.after-take');
  const isJudged = approved !== null && at.reviewAgain !== 'never';
  return outcomeOf({ ...at, head: people.head }, layers, { ...made, taken: isJudged ? 'to_judge' : 'approved' });
}

type Published =
  | { readonly kind: 'published'; readonly stack: readonly StackLayer[] }
  | { readonly kind: 'conflict'; readonly detail: string };

/** Creates or updates the branches and requests of the parts, the lowest first. */
async function publish(parts: ForgeParts, at: Stacking, layers: readonly Layer[]): Promise<Published> {
  const published: StackLayer[] = [];
  const below: string[] = [];
  let under: Under = { branch: at.into, head: null, isLanded: true, url: null };
  let newOn: Under | null = null;
  let receiver = receiverOf(layers, at.stack);
  const highest = highestOf(layers);
  for (const [index, layer] of layers.entries()) {
    const { state, found, there, branch, known } = layer;
    if (known === null) newOn ??= under;
    if (state === 'landed') under = { branch: at.into, head: await receivingHead(at), isLanded: true, url: null };
    // The part above stays based on this branch until a person decides.
    else if (state === 'closed' && there !== null)
      under = { branch, head: there, isLanded: false, url: found?.url ?? null };
    else if (state === 'open' || state === 'none') {
      let made = await headOf(at, layer, { under, newOn, below, receives: layer === receiver });
      if (made.kind === 'conflict' && layer === receiver && layer !== highest) {
        receiver = highest;
        made = await headOf(at, layer, { under, newOn, below, receives: false });
      }
      if (made.kind === 'conflict') {
        const detail =
          newOn === null ? conflictText(layer, under, made, at) : newConflictText(layer, under, made, { ...at, newOn });
        return { kind: 'conflict', detail };
      }
      // The part below contains all of its changes, so its request would be empty.
      if (made.head === under.head && known === null && there === null) {
        below.push(...ownCommits(layer));
        continue;
      }
      if (made.head !== there) await push(at, layer, made.head);
      parts.faults?.('plan-stack.after-push');
      const request = await requestFor(parts, at, { layer, under, nth: index + 1 });
      parts.faults?.('plan-stack.after-request');
      below.push(made.head);
      under = { branch, head: made.head, isLanded: false, url: request.url };
      published.push({ ...shownLayer({ ...layer, found: request }, 'open'), head: made.head, base: request.base });
    }
    below.push(...ownCommits(layer));
    if (published.at(-1)?.name !== layer.name)
      published.push(shownLayer(layer, state === 'closed' ? 'closed' : 'merged'));
  }
  return { kind: 'published', stack: published };
}

/** The known heads of a part: its present one, earlier ones, and the one that stator pushed. */
function ownCommits({ end, known, found, there }: Layer): string[] {
  return [end, known?.head, found?.headCommit, there].filter((commit) => commit != null);
}

/** The branch on which a part is based. `head`: null as long as it is the branch from which the plan was begun. */
interface Under {
  readonly branch: string;
  readonly head: string | null;
  readonly isLanded: boolean;
  readonly url: string | null;
}

/** The parts, the lowest first. Changes nothing. */
async function look(at: Stacking): Promise<Layer[]> {
  const { repository, stack, head, base, forge, remote } = at;
  const ends = await endsOf(repository, { base, head, parts: stack.parts });
  const known = new Map(stack.known.map((layer) => [layer.name, layer]));
  const fresh = [...ends.keys()].filter((name) => !known.has(name));
  const named = [...stack.known, ...fresh.flatMap((name) => stack.parts.filter((part) => part.name === name))];
  const folder = named[0]?.branch.replace(/\/[^/]*$/, '');
  if (folder === undefined) return [];
  const heads = await headsIn({ repo: repository.path, remote, folder });
  const layers: Layer[] = [];
  for (const { name, title, branch } of named) {
    const before = known.get(name) ?? null;
    const there = heads.get(branch) ?? null;
    const end = ends.get(name) ?? null;
    if (before === null && there !== null) await mustBeOurs(at, { branch, there, end });
    const found =
      before === null
        ? await forge.findPullRequest(branch, there ?? end ?? undefined)
        : await requestOf(forge, { number: before.number, branch });
    const layer = { name, title, branch, end, known: before, there, found };
    layers.push({ ...layer, pushed: [], state: await stateOf(at, layer, { layers, heads }) });
  }
  return layers.map((layer) => ({ ...layer, pushed: pushesTo(layer, layers) }));
}

/** Only a branch that an earlier try has pushed is used for the part. Another branch of that name, such as an earlier plan's, stays unchanged. Throws `refused`. */
async function mustBeOurs(
  { repository, remote, forge }: Stacking,
  { branch, there, end }: Pick<Layer, 'branch' | 'end'> & { readonly there: string },
): Promise<void> {
  const isHere = (await findCommit(repository, there)) !== null;
  const head = isHere ? there : await fetchHead(repository, { remote, branch });
  if (end !== null && (await holdsWork(repository, head, end))) return;
  throw new EngineError(
    'refused',
    `${branch} is at ${forge.server.name} already, at ${there.slice(0, 12)}, with other work than the plan's; nothing was pushed`,
    `see it, and delete it there if it is not needed: git push ${shellWord(remote)} --delete ${shellWord(branch)}`,
  );
}

async function stateOf(
  at: Stacking,
  { found, known, end }: Pick<Layer, 'found' | 'known' | 'end'>,
  { layers, heads }: { readonly layers: readonly Layer[]; readonly heads: ReadonlyMap<string, string> },
): Promise<LayerState> {
  if (found === null) return 'none';
  if (found.state === 'open') return 'open';
  if (found.state === 'merged' && found.base === at.into) return 'landed';
  const isOpenBelow = layers.some(({ branch, state }) => branch === found.base && state === 'open');
  if (found.state === 'merged' && isOpenBelow) return 'folded';
  const head = known?.head ?? end;
  const commit = head === null ? null : await findCommit(at.repository, head);
  if (commit !== null && (await holdsWork(at.repository, await receivingHead(at), commit))) return 'landed';
  if (found.state === 'merged' || at.stack.byHand) return 'none';
  // Some forges close the requests for a branch that they delete.
  const isOfForge = known?.state === 'open' && found.base !== at.into && !heads.has(found.base);
  return isOfForge ? 'none' : 'closed';
}

/** The target branch at the remote. */
function receivingHead({ repository, remote, into }: Stacking): Promise<string> {
  return fetchHead(repository, { remote, branch: into });
}

type Placed = Pick<Layer, 'name' | 'state' | 'known'>;

function highestOf<L extends Placed>(layers: readonly L[]): L | null {
  return layers.findLast(({ state }) => state === 'open' || state === 'none') ?? null;
}

/** The part that gets the new commits of the plan's branch: the one whose reviewers asked for them, otherwise the highest. Pure. */
export function receiverOf<L extends Placed>(
  layers: readonly L[],
  { isWhole, from, fixes }: Pick<AskedStack, 'isWhole' | 'from' | 'fixes'>,
): L | null {
  if (!isWhole) return null;
  const highest = highestOf(layers);
  // A new part begins with all commits of the branch.
  if (from === null || highest?.known === null) return highest;
  return layers.find(({ name, state }) => name === fixes && state === 'open') ?? highest;
}

interface Place {
  readonly under: Under;
  /** The base of the lowest new part; null: this part is not new. */
  readonly newOn: Under | null;
  readonly below: readonly string[];
  readonly receives: boolean;
}

/** The new head of a part: its present commits on top of the part below, with the new commits of the plan's branch. */
async function headOf(at: Stacking, layer: Layer, { under, newOn, below, receives }: Place): Promise<Restacked> {
  const { repository, stack, head, remote } = at;
  const { there, known, end, branch, title } = layer;
  const isNew = known === null && there === null;
  const own = isNew && receives ? head : (there ?? known?.head ?? end);
  if (own === null) throw new Error(`part ${layer.name} has no commit`);
  const isHere = (await findCommit(repository, own)) !== null;
  const partHead = isHere ? own : await fetchHead(repository, { remote, branch });
  const stacked: Restacked =
    under.head === null
      ? { kind: 'stacked', head: partHead }
      : await restack(repository, {
          ...{ head: partHead, onto: under.head, isLanded: under.isLanded, below },
          message: title,
        });
  if (isNew && newOn?.head != null && under.head !== null && (await isAncestor(repository, newOn.head, head)))
    return stackDecided(repository, {
      ...{ stacked, head: partHead, onto: under.head, below, message: title, decided: head, isWhole: receives },
    });
  if (stacked.kind === 'conflict' || !receives || isNew) return stacked;
  return stack.from === null || stack.from === head
    ? stacked
    : withChange(repository, { onto: stacked.head, from: stack.from, to: head, message: title });
}

async function push({ repository, remote, forge }: Stacking, { branch, there }: Layer, head: string): Promise<void> {
  if (await replaceBranch({ repo: repository.path, remote, branch, head, there })) return;
  throw new EngineError(
    'forge_unreachable',
    `${branch} was pushed to at ${forge.server.name} in the same moment`,
    'it is looked at again later',
  );
}

/** Finds or makes the request of a part for the branch below it. A request that a person made, or whose creation got no answer, is used. */
async function requestFor(
  parts: ForgeParts,
  { forge, stack, project, plan }: Stacking,
  { layer, under, nth }: { readonly layer: Layer; readonly under: Under; readonly nth: number },
): Promise<PullRequest> {
  const { name, title, branch, found, state } = layer;
  if (state !== 'open' || found === null) {
    const part = { name, title, nth, of: stack.planned, below: under.url };
    const text = await pullRequestText(parts, { project, plan, closes: null, part });
    return makeOrFind(forge, { head: branch, base: under.branch, ...text });
  }
  if (found.base === under.branch) return found;
  await forge.retarget(found.number, under.branch);
  return { ...found, base: under.branch };
}

function shownLayer({ name, title, branch, found, known, pushed }: Layer, state: StackLayer['state']): StackLayer {
  const { number = 0, url = '', headCommit = '', base = '' } = found ?? {};
  const shown = { name, title, branch, number, url, state, head: headCommit || (known?.head ?? ''), base };
  return pushed.length === 0 ? shown : { ...shown, pushed };
}

/** While some parts of the plan are not finished, its stack has not ended, even if all of its requests have landed. */
function outcomeOf(
  at: Stacking,
  layers: readonly Layer[],
  { stack, taken: takenAs }: { readonly stack: readonly StackLayer[]; readonly taken?: TakenAs },
): Outcome {
  const { stack: asked, forge, head, into } = at;
  const shown = stack.find(({ state }) => state === 'open') ?? stack.at(-1);
  if (shown === undefined) throw new Error('a stack without a part was published');
  const isOver = stack.every(({ state }) => state !== 'open');
  if (isOver && asked.isLast && asked.known.length > 0) {
    if (stack.some(({ state }) => state === 'closed')) return { type: 'pr_closed', payload: { stack: [...stack] } };
    const landed = layers.findLast(({ state }) => state === 'landed');
    return { type: 'pr_merged', payload: { head: landed?.found?.mergeCommit ?? null, into, stack: [...stack] } };
  }
  const { number, url } = shown;
  const last = layers.findLast(({ end }) => end !== null)?.end ?? null;
  return {
    type: 'pr_opened',
    payload: {
      ...{ number, url, server: forge.server.name, mode: asked.mode, stack: [...stack] },
      ...(takenAs && { taken: takenAs }),
      head: asked.isWhole ? head : hasNew(layers) ? (last ?? head) : (asked.from ?? head),
    },
  };
}

function hasNew(layers: readonly Layer[]): boolean {
  return layers.some(({ known }) => known === null);
}

function conflictText(
  { name, branch }: Layer,
  { branch: below, head: belowHead }: Under,
  { files, cut }: Extract<Restacked, { kind: 'conflict' }>,
  { remote, plan, forge }: Pick<Stacking, 'remote' | 'plan' | 'forge'>,
): string {
  const listed = files.slice(0, 20).join(', ');
  const [place, head] = [shellWord(remote), shellWord(`HEAD:refs/heads/${branch}`)];
  return [
    `part ${name} of the stack conflicts with ${below} at ${forge.server.name} in ${listed}, so it and what is above it stay as they are;`,
    `put it there by hand: git fetch ${place} && git checkout --detach ${shellWord(`${remote}/${branch}`)} && git rebase --onto ${belowHead?.slice(0, 12) ?? shellWord(below)} ${cut.slice(0, 12)},`,
    `then git push --force-with-lease ${place} ${head}; stator goes on as soon as it sees that, or with stator plan answer ${shellWord(plan)}`,
  ].join(' ');
}

/** A part that was never pushed cannot be repaired at the remote by hand: the base of the new parts is merged into the plan's branch instead. */
function newConflictText(
  { name }: Layer,
  { branch: below }: Under,
  { files }: Extract<Restacked, { kind: 'conflict' }>,
  { remote, plan, branch, forge, newOn }: Stacking & { readonly newOn: Under },
): string {
  const merged = newOn.head?.slice(0, 12) ?? shellWord(newOn.branch);
  return [
    `part ${name} of the stack conflicts with ${below} at ${forge.server.name} in ${files.slice(0, 20).join(', ')}, so it and what is above it get no request yet;`,
    `merge ${newOn.branch} by hand where ${branch} is checked out (git worktree list), or in a checkout of your own: git fetch ${shellWord(remote)} && git merge ${merged}`,
    `and then: stator plan answer ${shellWord(plan)}`,
  ].join(' ');
}

function failed(detail: string, stack?: readonly StackLayer[]): Outcome {
  return { type: 'pr_failed', payload: { detail, ...(stack && { stack: [...stack] }) } };
}
