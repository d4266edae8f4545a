/**
 * Deletes leftovers of plans: run folders and worktrees that ended long ago. Only one round runs at a time, in small steps, between which signals are
 * handled. A killed round is simply begun again: each step is complete by itself, and checks its decision again.
 */
import { existsSync, readFileSync } from 'node:fs';
import { rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import type {
  CleaningItem,
  CleaningOverride,
  CleaningReport,
  LeftoverKind,
  RepairReport,
} from '../../api/contract/cleaning.ts';
import { diskUsage } from '../../base/platform/disk-usage.ts';
import { readFolderUsers } from '../../base/platform/folder-users.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import type { PlanTrace } from '../../core/store/rows.ts';
import { dataOwner, dataRoot, ownerFile } from '../effects/data-folders.ts';
import { hookFilesName, hookFilesRoot } from '../effects/hook-files.ts';
import { runsRoot } from '../effects/workplace.ts';
import { clearBranches, clearRefs, dropMarks } from './branches.ts';
import { entriesOf, worktreesFolder } from './folders.ts';
import { repairAll } from './orphans.ts';
import { keptAs, notOver, reasonOfProcesses } from './reasons.ts';
import { byBranch, type CleaningParts, type Round, readPlans, resting, settle } from './round.ts';
import { clearRows, giveSpaceBack } from './rows.ts';
import { clearRunFolders } from './run-folders.ts';
import { clearWorktrees } from './worktrees.ts';

export interface CleaningRequest {
  /** Things that ended longer ago than this are deleted. */
  readonly olderThanMs: number;
  /** Only lists what would be deleted. */
  readonly dry: boolean;
  readonly overrides: readonly CleaningOverride[];
}

export interface Cleaning {
  /** Throws `conflict` while another round is under way, the signal's reason if it is aborted, and the store's errors. */
  clear(request: CleaningRequest, abort?: AbortSignal): Promise<CleaningReport>;
  /** Deletes every worktree, branch and ref of every plan, whatever its state and age: the caller makes sure that nothing works there. Throws as `clear`. */
  clearRepos(request: Pick<CleaningRequest, 'dry' | 'overrides'>): Promise<CleaningReport>;
  /** Deletes one plan's leftovers, whatever their age: the caller makes sure that the plan is over. Throws the errors of git and the repo. */
  clearPlan(request: PlanCleaningRequest): Promise<CleaningItem[]>;
  /** Deletes orphans. Throws `conflict` while a round is under way. */
  repair(request: { readonly dry: boolean }): Promise<RepairReport>;
}

export interface PlanCleaningRequest {
  readonly plan: Pick<PlanTrace, 'project' | 'plan' | 'branch'>;
  /** `branches` includes their worktrees. */
  readonly what: LeftoverKind;
  readonly dry: boolean;
  readonly overrides: readonly CleaningOverride[];
}

/** Treats a plan as if it had ended long ago. */
const longOver = { status: 'done', updatedAt: 0, deletedAt: 0 } as const;

interface RoundOptions extends Pick<CleaningRequest, 'dry' | 'overrides'> {
  readonly beforeMs?: number;
  readonly abort?: AbortSignal;
}

export function createCleaning(parts: CleaningParts): Cleaning {
  const { home, store, projects, nowMs } = parts;
  let isUnderWay = false;

  async function carryOut(
    { olderThanMs, dry, overrides }: CleaningRequest,
    abort: AbortSignal,
  ): Promise<CleaningReport> {
    const beforeMs = nowMs() - olderThanMs;
    const before = await diskNow();
    const round = roundOf(await readPlans(store), { beforeMs, dry, overrides, abort });
    await clearPlaces(round);
    await clearRunFolders(parts, round);
    await clearHookFiles(parts, round);
    await clearAgentMemory(parts, round);
    await clearRows(parts, round);
    await giveSpaceBack(parts, round);
    const { items, notes } = round;
    const disk = { before, after: dry ? before : await diskNow() };
    return { dry, before: new Date(Math.max(0, beforeMs)).toISOString(), items, disk, notes };
  }

  /** Leftovers in the repositories. */
  async function clearPlaces(round: Round): Promise<void> {
    for (const { project: name } of projects.list()) {
      try {
        await parts.lockRepo(name);
        const place = { project: projects.get(name), repository: await projects.repository(name) };
        await clearWorktrees(parts, round, place);
        await clearRefs(parts, round, { project: name, repository: place.repository });
      } catch (thrown) {
        round.abort.throwIfAborted();
        if (!(thrown instanceof EngineError)) throw thrown;
        round.notes.push(`${name} was left out: ${messageOf(thrown)}`);
      }
    }
  }

  async function clearAllPlaces({
    dry,
    overrides,
  }: Pick<CleaningRequest, 'dry' | 'overrides'>): Promise<CleaningReport> {
    const before = await diskNow();
    const plans = new Map([...(await readPlans(store))].map(([name, plan]) => [name, { ...plan, ...longOver }]));
    const round = roundOf(plans, { dry, overrides });
    await clearPlaces(round);
    for (const { project } of dry || round.notes.length > 0 ? [] : projects.list()) {
      await dropMarks(round, { project, repository: await projects.repository(project) });
      await rmdir(await worktreesFolder(projects.get(project))).catch(() => {}); // the folder stays if it is not empty
    }
    const { items, notes } = round;
    return { dry, before: new Date(nowMs()).toISOString(), items, disk: { before, after: before }, notes };
  }

  /** A round over these plans; without `beforeMs` everything of them is old enough. */
  function roundOf(
    plans: ReadonlyMap<string, PlanTrace>,
    { beforeMs = Number.POSITIVE_INFINITY, dry, overrides, abort = new AbortController().signal }: RoundOptions,
  ): Round {
    return {
      ...{ beforeMs, dry, overrides: new Set(overrides), plans, branches: byBranch(plans.values()), isOfThese: false },
      ...{ leaving: new Set(), made: new Set(), items: [], notes: [], abort, rest: resting(parts.stays, abort) },
    };
  }

  async function clearPlan({ plan, what, dry, overrides }: PlanCleaningRequest): Promise<CleaningItem[]> {
    const over: PlanTrace = { ...plan, ...longOver, base: null };
    const plans = new Map([[`${plan.project}/${plan.plan}`, over]]);
    const round = { ...roundOf(plans, { dry, overrides }), isOfThese: true };
    await parts.lockRepo(plan.project);
    const repository = await projects.repository(plan.project);
    await clearWorktrees(parts, round, { project: projects.get(plan.project), repository });
    if (what === 'branches') await clearBranches(parts, round, { project: plan.project, repository });
    return round.items;
  }

  async function diskNow() {
    return {
      runs: await diskUsage(runsRoot(home)),
      store: (await storeBytes(store.file)) || (await store.size()).bytes,
    };
  }

  /** Runs one cleaning at a time. Throws `conflict`. */
  async function alone<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (isUnderWay)
      throw new EngineError('conflict', 'it is being cleared away already', 'wait until that is done, and ask again');
    isUnderWay = true;
    try {
      return await work();
    } finally {
      isUnderWay = false;
    }
  }

  return {
    clearPlan,
    clear: (request, abort = new AbortController().signal) => alone(() => carryOut(request, abort)),
    clearRepos: (request) => alone(() => clearAllPlaces(request)),
    repair: ({ dry }) => alone(() => repairAll(parts, dry)),
  };
}

/** The size of the database file and its log. */
async function storeBytes(file: string): Promise<number> {
  const sizes = await Promise.all(
    [file, `${file}-wal`].map((each) =>
      stat(each).then(
        ({ size }) => size,
        () => 0, // in memory, or no log yet
      ),
    ),
  );
  return sizes.reduce((sum, each) => sum + each, 0);
}

async function clearAgentMemory(parts: CleaningParts, round: Round): Promise<void> {
  const root = dataRoot(parts.home);
  for (const { name } of await entriesOf(root)) {
    const path = join(root, name);
    const owner = ownerOf(path);
    const reason =
      owner === null
        ? keptAs('it does not say which plan it is of')
        : notOver(round, round.plans.get(`${owner.project}/${owner.plan}`));
    const { project = null, plan = null } = owner ?? {};
    const subject = { kind: 'agent_memory', project, plan, name, bytes: await diskUsage(path), count: 1 } as const;
    await settle(round, subject, { reason, remove: () => removeTree(path) });
    await round.rest();
  }
}

/** null: its file is missing or damaged, as after a power failure. */
function ownerOf(folder: string): { readonly project: string; readonly plan: string } | null {
  const file = ownerFile(folder);
  if (!existsSync(file)) return null;
  try {
    return dataOwner.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

/**
 * The folders in which command hooks ran: those of the presently trusted commits stay; the others are deleted whatever their age, because they can be made
 * again.
 */
async function clearHookFiles(parts: CleaningParts, round: Round): Promise<void> {
  const root = hookFilesRoot(parts.home);
  const entries = await entriesOf(root);
  if (entries.length === 0) return;
  const wanted = new Set(parts.projects.list().map(({ project }) => nameOf(parts, project)));
  const userOf = await readFolderUsers();
  for (const { name } of entries) {
    // The name of an unfinished folder begins with its final name.
    if (wanted.has(name.split('.')[0] ?? '')) continue;
    const path = join(root, name);
    const reason = reasonOfProcesses(null, userOf(path));
    const subject = {
      kind: 'hook_files',
      project: null,
      plan: null,
      name,
      bytes: await diskUsage(path),
      count: 1,
    } as const;
    await settle(round, subject, { reason, remove: () => removeTree(path) });
    await round.rest();
  }
}

/** null: it cannot be read now, and none of its hooks is delivered. */
function nameOf({ projects }: CleaningParts, project: string): string | null {
  try {
    return hookFilesName(projects.get(project));
  } catch (thrown) {
    if (thrown instanceof EngineError) return null;
    throw thrown;
  }
}
