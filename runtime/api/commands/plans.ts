/** Registers and deletes plans. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { noticeText } from '../../../actors/notices.ts';
import { type RefusedMessage, refusedText } from '../../../machines/vocabulary/agent-message.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isPlanName, planBranch, planTree, repoTree, taskIn, withoutTask } from '../../../machines/vocabulary/ids.ts';
import { otherFile } from '../../../machines/vocabulary/plan-file.ts';
import { isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { type Change, mustCommit, type PlanKey } from '../../core/store/port.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import { storedMessages } from '../../work/effects/prompt-messages.ts';
import { adoptBranch, refuseBranch, renewBranch } from '../../work/git/branch.ts';
import { createRepositoryLocks } from '../../work/git/locks.ts';
import { type Base, baseAt } from '../../work/git/plan-base.ts';
import { pushBranch } from '../../work/git/push.ts';
import { branchRef, readRef } from '../../work/git/refs.ts';
import { baseBranch } from '../../work/git/repository.ts';
import { createStaleVerification } from '../../work/repos/verification-watch.ts';
import type { CleaningItem, CleaningOverride, LeftoverKind, PlanDeleted, PlanLeftovers } from '../contract/cleaning.ts';
import type { PlanPushed, PlanShow } from '../contract/plans.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createPlanWork } from './plan-work.ts';
import { createSignalSender, repeatedRequest, verdictWaitMs } from './signal-sender.ts';

export interface PlanCommand {
  readonly project: string;
  readonly plan: string;
  readonly content: string;
  readonly branch: string | null;
  readonly topic: string | null;
  /** The document's file; null: it has none. */
  readonly file: string | null;
  /** The document family that the file is read as from now on; null or missing: recognized from the text. */
  readonly fileAs?: string | null;
  /** Set for an issue's session, which works in the worktree of that name. */
  readonly session?: { readonly folder: string };
  /** true: the branch may be one that stator did not make, and the plan continues from its head. */
  readonly adopts?: boolean;
  /** As `PlanRow.author`; default: the person who asks. */
  readonly author?: string;
  /** Written in the commit that registers it. */
  readonly before?: readonly Change[];
}

/** A plan, and the text of its file. */
export interface FileRequest {
  readonly project: string;
  readonly plan: string;
  readonly file: string;
  readonly content: string;
  /** The document family that the file is read as from now on; null: as before. */
  readonly fileAs: string | null;
}

export interface DeletePlan {
  readonly project: string;
  readonly plan: string;
  /** Leftovers that are deleted with the plan; null: none. */
  readonly clear: LeftoverKind | null;
  readonly overrides: readonly CleaningOverride[];
}

/** A `plan_opened` signal that an engine left pending is handled by the next engine at once. */
const birthLimitMs = 5_000;
const birthPollMs = 50;

/** Waits until the plan exists, if its registration is pending. */
export async function untilBorn(store: CommandDependencies['store'], project: string, plan: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < birthLimitMs; waitedMs += birthPollMs) {
    if (!(await store.births(project)).some((birth) => birth.plan === plan)) return;
    await delay(birthPollMs);
  }
}

/** A plan that changes at each try is not tried for ever. */
const commitTries = 5;

interface PlanParts extends CommandDependencies {
  readonly mustBeDone: ReturnType<typeof createSignalSender>['mustBeDone'];
  readonly approval: ReturnType<typeof createStaleVerification>;
  readonly work: ReturnType<typeof createPlanWork>;
}

export function createPlanCommands(given: CommandDependencies) {
  const { mustBeDone } = createSignalSender(given);
  const parts: PlanParts = {
    ...given,
    mustBeDone,
    approval: createStaleVerification(given),
    work: createPlanWork(given),
  };
  const { projects, views, cleaning } = parts;
  /** One registration per project at a time: a registration that renews a branch must be sure that no other one has just received it. */
  const registrations = createRepositoryLocks();

  return {
    mustBeFileOf: (of: Omit<FileRequest, 'content' | 'fileAs'>) => mustBeFileOf(parts, of),
    /** Binds a plan to its file, and stores the text as the known one, so that it does not count as an edit. Throws as `mustBeFileOf`. */
    async bindFile({ project, plan, file, content, fileAs }: FileRequest): Promise<PlanShow> {
      const taken = { file, digest: textDigest(content), as: fileAs };
      await commitJudged(parts, async () => {
        const { file: before } = await mustBeFileOf(parts, { project, plan, file });
        return [{ do: 'plan.set-file', key: { project, plan }, taken, before }];
      });
      return views.plan(project, plan);
    },
    /** Throws `repo_not_found`, `bad_request` (the name), `conflict` (another plan has the name or the branch), `branch_taken`, and git's errors. */
    registerPlan: (command: PlanCommand) => registrations(command.project)(() => addPlan(parts, command)),
    /** Throws `plan_not_found`, `repo_not_found`, `refused` if a done plan's branch has moved since its approval, and the errors of `pushBranch`. */
    async pushPlan({
      project,
      plan,
      remote,
    }: {
      project: string;
      plan: string;
      remote: string | null;
    }): Promise<PlanPushed> {
      const row = await views.mustRead(project, plan);
      await refuseMerged(parts, project, plan);
      await refuseMoved(parts, row);
      await refuseLost(parts, row);
      const { path: repo } = await projects.repository(project);
      const { isNew, ...pushed } = await pushBranch({ repo, branch: row.branch, remote, by: 'person' });
      return { status: isNew ? 'pushed' : 'up_to_date', project, plan, branch: row.branch, ...pushed };
    },
    forgetPlan: (project: string, plan: string) => forgetPlan(parts, project, plan),
    /** Lists what would be deleted with a plan, and what would stay and why. Changes nothing. Throws as `deletePlan`. */
    async planLeftovers({ project, plan, clear }: Omit<DeletePlan, 'overrides'>): Promise<PlanLeftovers> {
      const { branch } = await mustBeIdle(parts, project, plan);
      const what = clear ?? 'branches';
      return { items: await cleaning.clearPlan({ plan: { project, plan, branch }, what, dry: true, overrides: [] }) };
    },
    /**
     * Deletes a plan, and with `clear` its leftovers. Deletes nothing if work would be lost that no override names. Its journal stays for good. Throws
     * `conflict` while the plan is under way, `refused` with each reason, and git's errors.
     */
    deletePlan: (asked: DeletePlan) => registrations(asked.project)(() => deleteWhole(parts, asked)),
  };
}

async function addPlan(parts: PlanParts, { branch: named, ...command }: PlanCommand): Promise<PlanShow> {
  const { project, plan, content, topic, file, fileAs = null, session, adopts = false, before = [] } = command;
  const author = command.author ?? parts.actingOrigin('person');
  const { policy } = parts.projects.get(project).config;
  refuseName(plan);
  const branch = named ?? planBranch(plan);
  const wanted = { ...command, branch };
  const born = await bornBefore(parts, wanted);
  if (born !== null) {
    if (born.generation > 0 && born.base === null && !adopts) await noteBase(parts, born);
    return parts.views.plan(project, plan);
  }
  await mustBeFree(parts, wanted);
  const generation = await parts.store.nextGeneration(project, plan);
  if (adopts || generation > 0) await parts.lockRepo(project);
  const repository = await parts.projects.repository(project);
  if (adopts) await adoptBranch(repository, branch);
  await refuseBranch(repository, branch);
  const base = generation > 0 && !adopts ? await renew(parts, { project, plan, branch }) : null;
  const opened = { content, branch, topic, author, generation, policy, file };
  const payload = {
    ...opened,
    ...(fileAs === null ? {} : { file_as: fileAs }),
    ...(session === undefined ? {} : { session }),
  };
  const tree = planTree(project, plan);
  await mustBeFree(parts, wanted); // a quarantined `plan_opened` may have been tried again meanwhile
  const isNew = await parts.mustBeDone({ tree, type: 'plan_opened', payload, origin: 'engine' }, before);
  if (!isNew) throw planExists(project, plan);
  if (base !== null)
    await mustCommit(parts.store, [{ do: 'plan.set-base', key: { project, plan }, base: { ...base, on: [] } }]);
  return parts.views.plan(project, plan);
}

/** The plan that this request registered before its engine was cut off; null: it registered none. */
async function bornBefore(
  { store }: PlanParts,
  { project, plan, branch, content }: PlanCommand,
): Promise<PlanRow | null> {
  const request = repeatedRequest();
  if (request === null) return null;
  await untilBorn(store, project, plan);
  const known = await store.plan(project, plan);
  if (known === null || known.branch !== branch || known.createdAt < request.firstAtMs) return null;
  return (await store.planText(project, plan)) === content ? known : null;
}

async function mustBeFree(
  { store }: PlanParts,
  { project, plan, branch, file }: Omit<PlanCommand, 'branch'> & { branch: string },
): Promise<void> {
  // Read this first: a plan that is created between the two readings is seen by the second.
  const births = await store.births(project);
  const known = await store.plan(project, plan);
  if (known !== null) {
    refuseOtherFile(known, file);
    throw planExists(project, plan);
  }
  const others = [...(await store.planBranches(project)), ...births];
  if (others.some((other) => other.plan === plan)) throw planExists(project, plan);
  // The names of a plan's task branches begin with the plan's branch.
  const owner = others.find((other) => withoutTask(other.branch) === withoutTask(branch));
  if (owner === undefined) return;
  throw new EngineError(
    'conflict',
    `the branch ${branch} is of plan ${project}/${owner.plan}`,
    'name another one with --branch, or delete that plan first',
  );
}

/** A plan whose name was used before begins anew: the earlier plan's work must not count as done. */
async function renew(
  { projects }: PlanParts,
  { project, plan, branch }: { project: string; plan: string; branch: string },
): Promise<Base> {
  const repository = await projects.repository(project);
  const start = await baseBranch(repository, projects.get(project).config.baseBranch);
  const base = await baseAt(repository, start);
  await renewBranch(repository, { branch, plan, start: base.commit });
  return base;
}

/** Stores the base of a plan that began anew, if its engine was cut off before that. An existing branch was made at this base. */
async function noteBase({ store, projects }: PlanParts, { project, plan, branch }: PlanRow): Promise<void> {
  const repository = await projects.repository(project);
  const start = await baseBranch(repository, projects.get(project).config.baseBranch);
  const commit = (await readRef(repository, branchRef(branch))) ?? (await baseAt(repository, start)).commit;
  await mustCommit(store, [{ do: 'plan.set-base', key: { project, plan }, base: { branch: start, commit, on: [] } }]);
}

/** A missing file counts as moved, and the plan follows it. Throws `plan_not_found`, and `conflict` if the plan has another file. */
async function mustBeFileOf(
  { projects, views }: PlanParts,
  { project, plan, file }: Omit<FileRequest, 'content' | 'fileAs'>,
): Promise<PlanRow> {
  const known = await views.mustRead(project, plan);
  projects.mustBeHere(project);
  const isGone = known.file !== null && !existsSync(resolve(projects.get(project).path, known.file));
  if (!isGone) refuseOtherFile(known, file);
  return known;
}

/** The forge may have deleted the branch after the merge: a push would create it again. */
async function refuseMerged({ views }: PlanParts, project: string, plan: string): Promise<void> {
  const { pull_request: request } = await views.plan(project, plan);
  if (request?.state !== 'merged') return;
  const message = `its pull request ${request.url} is merged, and its branch is not pushed again`;
  throw new EngineError('refused', message, `work on it again: stator plan advance ${shellWord(plan)} reimplement`);
}

/** Throws `refused` if a done plan's branch has moved since its approval, and sends the plan a signal about it. */
async function refuseMoved(parts: PlanParts, row: PlanRow): Promise<void> {
  const stale = await parts.approval.of(row);
  if (stale === null) return;
  const { branch, head, approval: approved } = stale;
  const { signals } = await mustCommit(parts.store, await parts.approval.words(stale));
  for (const { id } of signals) await parts.settled(id, verdictWaitMs);
  throw new EngineError(
    'refused',
    `${branch} was approved at ${approved.sha.slice(0, 12)} and is at ${head.slice(0, 12)} now`,
    `its ${approved.by} looks again; when the plan is done: stator plan push ${shellWord(row.plan)}; what it waits for: stator plan explain ${shellWord(row.plan)}`,
  );
}

/** Throws `lost_work` if finished work is not on the branch, and sends the plan a signal about it. */
async function refuseLost(parts: PlanParts, row: PlanRow): Promise<void> {
  const lost = await parts.work.lost(row);
  if (lost === null) return;
  const { signals } = await mustCommit(parts.store, parts.work.lossWords(row, lost));
  for (const { id } of signals) await parts.settled(id, verdictWaitMs);
  throw new EngineError(
    'lost_work',
    lost.detail,
    `nothing was pushed; what you can do: stator plan explain ${shellWord(row.plan)}`,
  );
}

/** No plan is registered meanwhile: a plan of the same name would work on the same branch. */
async function deleteWhole(parts: PlanParts, { project, plan, clear, overrides }: DeletePlan): Promise<PlanDeleted> {
  const isGone = repeatedRequest() !== null && (await parts.store.plan(project, plan)) === null;
  // Its leftovers need a request of their own, because no plan shows any more whose they are.
  if (isGone) return { status: 'deleted', project, plan, items: [], notes: [cutOffNote(clear)] };
  const { branch } = await mustBeIdle(parts, project, plan);
  const of = { plan: { project, plan, branch }, overrides };
  const deleted = { status: 'deleted', project, plan } as const;
  if (clear === null) {
    const { items, notes } = await stayingOf(parts, of.plan);
    await forgetPlan(parts, project, plan);
    return { ...deleted, items, notes };
  }
  refuseLoss(plan, await parts.cleaning.clearPlan({ ...of, what: clear, dry: true }));
  await forgetPlan(parts, project, plan);
  try {
    return { ...deleted, items: await parts.cleaning.clearPlan({ ...of, what: clear, dry: false }), notes: [] };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    const note = `it is deleted, but not all that it left could be taken away: ${thrown.message}; ${thrown.hint}`;
    return { ...deleted, items: [], notes: [note] };
  }
}

/** The leftovers if the request does not include them. A repo that cannot be read does not prevent the deletion. */
async function stayingOf({ cleaning }: PlanParts, of: Pick<PlanRow, 'project' | 'plan' | 'branch'>) {
  try {
    const items = await cleaning.clearPlan({ plan: of, what: 'branches', dry: true, overrides: [] });
    const kept = items.map((item) => (item.state === 'goes' ? { ...item, state: 'kept', why: unasked } : item));
    return { items: kept as CleaningItem[], notes: [] }; // each state is one of the type's values
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return { items: [], notes: [`what it left in ${of.project} could not be looked at: ${thrown.message}`] };
  }
}

/** Its branch stays until a plan of this name is registered again; its journal stays for good. Throws `conflict` while the plan is under way. */
async function forgetPlan(parts: PlanParts, project: string, plan: string): Promise<void> {
  const tree = planTree(project, plan);
  const at = parts.clock.nowMs();
  const word = { tree: repoTree(project), payload: { plan }, origin: 'engine', at } as const;
  await commitJudged(parts, async () => {
    await mustBeIdle(parts, project, plan);
    return [
      ...(await refusedWords(parts, { project, plan }, at)),
      { do: 'plan.remove', key: { project, plan }, at },
      { do: 'tree.remove', address: tree, at },
      { do: 'signal.void-tree', tree, at },
      { do: 'signal.insert', type: 'implement_released', ...word },
      { do: 'signal.insert', type: 'plan_undone', ...word },
    ];
  });
  // A step that has just ended keeps the tree in the cache for the rest of this turn.
  await nextTurn();
  parts.cache.forget(tree);
}

/** Throws `plan_not_found`, and `conflict` while it is under way. */
async function mustBeIdle({ store, views }: PlanParts, project: string, plan: string): Promise<PlanRow> {
  const known = await views.mustRead(project, plan);
  const { status, landing } = known;
  if (landing === 'in_line')
    throw new EngineError(
      'conflict',
      `plan ${project}/${plan} waits in line for its branch, and would still land`,
      `take it out first with: stator landing remove ${shellWord(plan)}`,
    );
  const effects = await store.effects({ by: 'tree', tree: planTree(project, plan) });
  if (!isUnderWay(status) && !effects.some(({ kind }) => kind === 'agent.run')) return known;
  throw new EngineError(
    'conflict',
    `plan ${project}/${plan} is ${status}`,
    `end it first with: stator plan cancel ${plan}`,
  );
}

/** Notifies people of each waiting message: without the plan, no agent can receive it any more. */
async function refusedWords({ store }: PlanParts, of: PlanKey, at: number): Promise<Change[]> {
  const why = 'the plan was deleted';
  const waiting = (await storedMessages(store, of)).filter(({ run, text }) => run === null && text.trim() !== '');
  const pending = (await store.signals({ ...of, status: 'pending' }))
    .filter(({ type }) => type === 'word_refused')
    .map(({ payload }): RefusedMessage => JSON.parse(payload)); // the signal's type decides it
  return [...pending, ...waiting.map((word) => ({ ...word, why }))].map((word) => {
    const message = noticeText(refusedText(word));
    return { do: 'notification.insert', type: 'word_refused', ...of, message, at };
  });
}

/** A lost commit means that the plan has moved on meanwhile: the check is repeated. */
async function commitJudged({ store }: PlanParts, judge: () => Promise<readonly Change[]>): Promise<void> {
  for (let tries = 1; tries < commitTries; tries += 1)
    if ((await store.commit(await judge())).status === 'committed') return;
  await mustCommit(store, await judge());
}

function cutOffNote(clear: DeletePlan['clear']): string {
  const left = clear === null ? '' : ', and what it left may still be there: stator gc --dry-run';
  return `an engine was cut off while it deleted the plan, which is gone${left}`;
}

const unasked = 'no flag says to delete it';

/** Throws `refused` if something could not be deleted, with each reason and its override. */
function refuseLoss(plan: string, items: readonly CleaningItem[]): void {
  const kept = items.filter(({ state }) => state === 'kept');
  if (kept.length === 0) return;
  const flags = [...new Set(kept.flatMap(({ override }) => (override === null ? [] : [flagOf(override)])))];
  const isOverridable = kept.every(({ override }) => override !== null);
  throw new EngineError(
    'refused',
    [
      `plan ${plan} was not deleted:`,
      ...kept.map(({ name, why }) => (why.includes(name) ? why : `${name}: ${why}`)),
    ].join('\n'),
    `${isOverridable ? `to delete them anyway: ${flags.join(' ')}` : 'correct what is named there'}; or delete the plan alone, without --worktrees and --branches`,
  );
}

function flagOf(override: CleaningOverride): string {
  return `--even-if-${override.replace('_', '-')}`;
}

function refuseName(plan: string): void {
  if (!isPlanName(plan)) {
    throw new EngineError(
      'bad_request',
      `"${plan}" cannot name a plan`,
      'lower-case letters, digits, dot, dash and underscore, beginning with a letter or digit, at most 128, and good as a git ref',
    );
  }
  if (taskIn(plan) === null) return;
  throw new EngineError(
    'bad_request',
    `"${plan}" cannot name a plan: names that end in -w<number>-t<number> are those of tasks`,
    `the branch of task 1 in wave 1 of a plan "login" is plan/login-w1-t1; call yours something else`,
  );
}

function refuseOtherFile({ plan, file: bound }: PlanRow, given: string | null): void {
  if (bound !== null && given !== null && bound !== given) throw otherFile(plan, { bound, given });
}

function planExists(project: string, plan: string): EngineError {
  return new EngineError(
    'conflict',
    `plan already exists: ${project}/${plan}`,
    `change its document with: stator plan update-content ${plan}`,
  );
}
