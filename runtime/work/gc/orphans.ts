/**
 * Deletes orphans: worktrees, branches, refs and run folders without a plan in the store, sockets that no process serves, and locks of killed gits. A mark, a
 * lock or a name alone is no proof of ownership. Things stay if work would be lost, if a process has its working directory there, or if another engine may
 * use them.
 */
import { type Dirent, lstatSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Orphan, RepairReport } from '../../api/contract/cleaning.ts';
import { runSocketFolder, runSocketName } from '../../base/config/socket-path.ts';
import { diskUsage } from '../../base/platform/disk-usage.ts';
import { readFolderUsers } from '../../base/platform/folder-users.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { isAnswered } from '../../base/platform/socket-answers.ts';
import { type PlanTrace, restoredKey } from '../../core/store/rows.ts';
import { runsRoot } from '../effects/workplace.ts';
import { dropLeftOverLock, leftOverLockFiles } from '../git/lock-file.ts';
import { dropRefs, listRefs, type Ref } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { clearWorktree } from '../git/worktree.ts';
import { branchMadeFor, isThere, listWorktrees } from '../git/worktree-list.ts';
import type { Project } from '../repos/registry.ts';
import { archive, attempts, heads, owned, planNamed, unreached } from './branches.ts';
import { entriesOf, worktreesFolder } from './folders.ts';
import { isOtherName, isOver, noFolder, notInPlace, reasonOfProcesses } from './reasons.ts';
import { byBranch, type CleaningParts, planOfBranch, readPlans, resting } from './round.ts';
import { livingIn, removingPrefix, renameAndRemove } from './run-folders.ts';

interface Look {
  readonly parts: CleaningParts;
  readonly dry: boolean;
  readonly plans: ReadonlyMap<string, PlanTrace>;
  readonly branches: ReadonlyMap<string, PlanTrace>;
  /** The worktree folders that are deleted, or with `dry` would be. */
  readonly leaving: Set<string>;
  readonly orphans: Orphan[];
  rest(): Promise<void>;
}

interface Place {
  readonly project: Project;
  readonly repository: Repository;
  /** The other engines that may use items unknown to this store. */
  readonly other: string | null;
}

type Named = Pick<Orphan, 'kind' | 'project' | 'name' | 'bytes'>;
/** The decision about an item: how it is fixed, or why it stays. */
type Verdict = { readonly fix: () => Promise<unknown>; readonly what: string } | { readonly keep: string };

export async function repairAll(parts: CleaningParts, dry: boolean): Promise<RepairReport> {
  const plans = await readPlans(parts.store);
  const rest = resting(parts.stays, new AbortController().signal);
  const look: Look = { parts, dry, plans, branches: byBranch(plans.values()), leaving: new Set(), orphans: [], rest };
  const notes: string[] = [];
  const waiting = await restoredRuns(parts);
  for (const { project: name, path } of parts.projects.list()) {
    try {
      await parts.lockRepo(name);
      const repository = await parts.projects.repository(name);
      const place = { project: parts.projects.get(name), repository, other: parts.otherEngine(path) ?? waiting };
      await repairLocks(look, place);
      await repairWorktrees(look, place);
      await repairFolders(look, place);
      await repairRefs(look, place);
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      notes.push(`${name} was left out: ${messageOf(thrown)}`);
    }
  }
  await repairRunFolders(look);
  await repairSockets(look);
  return { dry, orphans: look.orphans, notes };
}

/** The reason to wait after a restore: the store may not know the plans of runs that it waits for. null: it waits for none. */
async function restoredRuns({ home, store }: CleaningParts): Promise<string | null> {
  const names = (await entriesOf(runsRoot(home))).map(({ name }) => name);
  const [first] = (await store.launchesOf(names)).filter(({ key }) => key.startsWith(restoredKey('')));
  if (first === undefined) return null;
  return `it may be of a plan that the restored copy does not know, whose run waits to be taken over: register that plan again; or delete ${shellWord(join(runsRoot(home), first.folder))}`;
}

async function settle({ dry, orphans, rest }: Look, named: Named, verdict: Verdict): Promise<void> {
  if ('keep' in verdict) orphans.push({ ...named, state: 'kept', what: verdict.keep });
  else if (dry) orphans.push({ ...named, state: 'fixable', what: verdict.what });
  else {
    try {
      const refused = await verdict.fix();
      if (typeof refused === 'string') orphans.push({ ...named, state: 'kept', what: refused });
      else orphans.push({ ...named, state: 'fixed', what: verdict.what });
    } catch (thrown) {
      orphans.push({ ...named, state: 'kept', what: messageOf(thrown) });
    }
  }
  await rest();
}

async function repairLocks(look: Look, { project, repository }: Place): Promise<void> {
  for (const file of leftOverLockFiles(repository.commonDir))
    await settle(
      look,
      { kind: 'lock', project: project.project, name: file, bytes: null },
      {
        what: 'a git that was killed left it, and it stops others: it is removed',
        fix: async () => (dropLeftOverLock(file) ? null : 'somebody holds it now'),
      },
    );
}

async function repairWorktrees(look: Look, place: Place): Promise<void> {
  const { project, repository } = place;
  const folder = await worktreesFolder(project);
  for (const worktree of await listWorktrees(repository)) {
    const branch = branchMadeFor(worktree);
    if (branch === null) continue;
    const plan = planOfBranch(look, project.project, branch);
    const { path } = worktree;
    const isGone = !isThere(path);
    // The engine makes its own folders again, and a plan's leftovers are deleted by age.
    if (plan !== undefined && (!isGone || !isOver(plan))) continue;
    const named = { kind: 'worktree', project: project.project, name: path, bytes: null } as const;
    const verdict = isGone
      ? await verdictOfGone(place, { path, branch })
      : await verdictOfWorktree(place, { path, branch, folder });
    if ('fix' in verdict) look.leaving.add(path);
    await settle(look, isGone ? named : { ...named, bytes: await diskUsage(path) }, verdict);
  }
}

async function verdictOfGone(
  { repository, other }: Place,
  { path, branch }: { readonly path: string; readonly branch: string },
): Promise<Verdict> {
  if (other !== null) return { keep: other };
  if (!isThere(dirname(path))) return { keep: `${dirname(path)} is not there: a disk may not be mounted` };
  const fix = async () => (await clearWorktree(repository, { path, branch, dry: false }))?.why ?? null;
  return { what: 'its folder is missing: its entry in git is removed', fix };
}

async function verdictOfWorktree(
  { repository, other }: Place,
  { path, branch, folder }: { readonly path: string; readonly branch: string; readonly folder: string },
): Promise<Verdict> {
  if (dirname(path) !== folder) return { keep: notInPlace(folder) };
  if (other !== null) return { keep: other };
  const used = reasonOfProcesses(null, (await readFolderUsers())(path));
  if (used !== null) return { keep: used.why };
  const clear = async (dry: boolean) => (await clearWorktree(repository, { path, branch, dry }))?.why ?? null;
  const why = await clear(true);
  if (why !== null) return { keep: why };
  return {
    what: `no plan of this store has ${branch}, and nothing would be lost: it is deleted`,
    fix: () => clear(false),
  };
}

/** Folders beside the worktrees that git does not know. */
async function repairFolders(look: Look, { project, repository, other }: Place): Promise<void> {
  const folder = await worktreesFolder(project);
  const known = new Set((await listWorktrees(repository)).map(({ path }) => path));
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || known.has(path)) continue;
    const named = { kind: 'folder', project: project.project, name: path, bytes: await diskUsage(path) } as const;
    const keep = other ?? reasonOfProcesses(null, (await readFolderUsers())(path))?.why ?? null;
    if (keep !== null) {
      await settle(look, named, { keep });
    } else if (entry.name.startsWith('.removing-')) {
      const what = 'what is left of a worktree that was being deleted: it is deleted';
      await settle(look, named, { what, fix: () => repository.exclusively(() => removeTree(path)) });
    } else if ((await readdir(path)).length === 0) {
      await settle(look, named, { what: 'it is empty: it is deleted', fix: () => rmdir(path) });
    } else {
      const unknown = `git knows no such worktree, so it is unknown what would be lost; look at it, then: rm -r ${shellWord(path)}`;
      await settle(look, named, { keep: unknown });
    }
  }
}

/** The form of stator's automatic branch names: a person may have chosen any other name, and anyone may have written a mark for it. */
const ownName = /^(?:plan\/|fix\/issue-\d)/;

async function repairRefs(look: Look, place: Place): Promise<void> {
  const { project, repository, other } = place;
  const refs = await listRefs(repository, ['refs/heads', 'refs/remotes', 'refs/stator']);
  const byName = new Map(refs.map((ref) => [ref.name, ref]));
  const marks = refs.filter(({ name }) => name.startsWith(owned));
  const orphaned = marks.filter(
    ({ name }) => planOfBranch(look, project.project, name.slice(owned.length)) === undefined,
  );
  const orphanedHeads = new Set(orphaned.map(({ name }) => heads + name.slice(owned.length)));
  const keeping = refs.filter(
    ({ name }) =>
      (name.startsWith(attempts) || name.startsWith(archive)) &&
      !look.plans.has(`${project.project}/${planNamed(name)}`),
  );
  const lasting = refs.filter(({ name }) => !name.startsWith('refs/stator/') && !orphanedHeads.has(name));
  const candidates = [...orphanedHeads].flatMap((name) => byName.get(name) ?? []);
  const lost = await unreached(repository, [...candidates, ...keeping], lasting);
  const paths = new Map(
    (await listWorktrees(repository)).flatMap(({ branch, path }) =>
      look.dry && look.leaving.has(path) ? [] : [[branch, path]],
    ),
  );
  const drop =
    (...some: readonly Ref[]) =>
    async () => {
      const dropped = await repository.exclusively(async () => {
        const [first, ...others] = some;
        const gone = first === undefined ? new Set<string>() : await dropRefs(repository, [first]);
        if (gone.size > 0) await dropRefs(repository, others);
        return gone;
      });
      return dropped.size > 0 ? null : 'it has moved meanwhile';
    };

  for (const mark of orphaned) {
    const branch = mark.name.slice(owned.length);
    const ref = byName.get(heads + branch);
    const named = { kind: ref === undefined ? 'ref' : 'branch', project: project.project, bytes: null } as const;
    const name = ref === undefined ? mark.name : branch;
    await settle(look, { ...named, name }, verdictOfBranch(mark, ref, branch));
  }
  for (const ref of keeping) {
    const named = { kind: 'ref', project: project.project, name: ref.name, bytes: null } as const;
    await settle(look, named, verdictOfKeeping(ref));
  }

  function verdictOfBranch(mark: Ref, ref: Ref | undefined, branch: string): Verdict {
    if (mark.isSymbolic || ref?.isSymbolic === true) return { keep: isOtherName };
    if (other !== null) return { keep: other };
    if (ref === undefined) return { what: 'the mark of a branch that is gone: it is deleted', fix: drop(mark) };
    if (!ownName.test(branch))
      return {
        keep: `no plan of this store has it, and its name may be yours; if it is not: git branch -d ${shellWord(branch)}`,
      };
    const path = paths.get(branch);
    if (path !== undefined) return { keep: `${path} has it checked out` };
    if (lost.has(ref.commit))
      return {
        keep: `its commits are in no other branch and on no remote; if nobody needs them: git branch -D ${shellWord(branch)}`,
      };
    return {
      what: `no plan of this store has it, and another branch has all of it: it is deleted, it was at ${ref.commit}`,
      fix: drop(ref, mark),
    };
  }

  function verdictOfKeeping(ref: Ref): Verdict {
    if (ref.isSymbolic) return { keep: isOtherName };
    if (other !== null) return { keep: other };
    if (lost.has(ref.commit))
      return { keep: `it keeps what is in no branch; if nobody needs that: git update-ref -d ${shellWord(ref.name)}` };
    return { what: 'no plan of this store made it, and a branch has all that it keeps: it is deleted', fix: drop(ref) };
  }
}

async function repairRunFolders(look: Look): Promise<void> {
  const { parts } = look;
  const root = runsRoot(parts.home);
  const entries = await entriesOf(root);
  const known = new Set((await parts.store.launchesOf(entries.map(({ name }) => name))).map(({ folder }) => folder));
  for (const entry of entries) {
    const path = join(root, entry.name);
    if (known.has(entry.name)) continue;
    const isRenamed = entry.name.startsWith(removingPrefix) && entry.isDirectory();
    const named = { kind: 'run_folder', project: null, name: entry.name, bytes: await diskUsage(path) } as const;
    if (isRenamed) {
      await settle(look, named, {
        what: 'what is left of one that was being deleted: it is deleted',
        fix: () => removeTree(path),
      });
      continue;
    }
    const keep = await reasonOfRunFolder(path, entry);
    await settle(
      look,
      named,
      keep === null
        ? {
            what: 'no run of this store has it, and none of its processes is alive: it is deleted, with its prompt and log',
            fix: () => renameAndRemove(parts, entry.name),
          }
        : { keep },
    );
  }
}

/** Why a folder without a run stays; null: it is deleted. */
async function reasonOfRunFolder(path: string, entry: Dirent): Promise<string | null> {
  if (!entry.isDirectory()) return noFolder;
  const isFile = (name: string) => lstatSync(join(path, name), { throwIfNoEntry: false })?.isFile() === true;
  if (!isFile('wrapper')) return 'it is not what a run of stator leaves';
  try {
    return reasonOfProcesses(livingIn(path), (await readFolderUsers())(path))?.why ?? null;
  } catch (thrown) {
    return messageOf(thrown); // the name is not a run's
  }
}

/** The sockets of runs. The next engine serves those of unfinished runs again. */
async function repairSockets(look: Look): Promise<void> {
  const { home, store } = look.parts;
  const runs = (await entriesOf(runsRoot(home))).map(({ name }) => name);
  const open = (await store.launchesOf(runs)).filter(
    ({ status, key }) => status === 'queued' || status === 'running' || key.startsWith(restoredKey('')),
  );
  const serving = new Set(open.map(({ folder }) => runSocketFolder(home, folder)));
  const root = join(home, 'sockets');
  for (const entry of await entriesOf(root)) {
    const path = join(root, entry.name);
    if (serving.has(path)) continue;
    const named = { kind: 'socket', project: null, name: path, bytes: null } as const;
    if (!entry.isDirectory()) await settle(look, named, { keep: 'it is no folder, so stator did not make it' });
    else if (await isAnswered(join(path, runSocketName))) await settle(look, named, { keep: 'somebody serves it' });
    else
      await settle(look, named, {
        what: 'the socket of a run that is over: it is deleted',
        fix: () => rm(path, { recursive: true, force: true }),
      });
  }
}
