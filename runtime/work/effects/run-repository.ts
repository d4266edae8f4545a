/** A run's own git folder: made before an agent starts inside walls, and collected when its last process has gone. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type AgentRun, folderJudged, placeOfRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError, reasonOf } from '../../../machines/vocabulary/errors.ts';
import { isJudge, type Role, runName, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { isText } from '../../base/platform/entry-names.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import type { Log } from '../../base/platform/log.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { type Store, StoreTrouble } from '../../core/store/port.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { noteInLog, type RunFolder } from '../agents/run-folder.ts';
import { adopt, ancestorsOf, headOf, pathsFromRoot } from '../git/judged-checkout.ts';
import { type Collected, collectPrivate } from '../git/private-collect.ts';
import { makePrivateRepository, openPrivate, privateMounts, privatePlaceIn } from '../git/private-repository.ts';
import type { Repository } from '../git/repository.ts';
import { adminDirOf, isOwnFolder } from '../git/worktree-list.ts';
import type { Projects } from '../repos/registry.ts';
import type { Mount } from '../sandbox/walls.ts';
import { withheldFrom } from './additions.ts';
import type { SecretSearch } from './secrets/search.ts';
import { baseOf, type EffectParts, runSiteOf } from './workplace.ts';

/**
 * The mounts that git needs inside walls: the run's own git folder, made if it is missing, and the shared objects, read only. None if git does not know the
 * worktree: the next step reports that. Throws git's errors and the system's.
 */
export async function gitMounts(
  repository: Repository,
  {
    folder,
    path,
    branch,
    isDetached = false,
  }: { readonly folder: RunFolder; readonly path: string; readonly branch: string; readonly isDetached?: boolean },
): Promise<readonly Mount[]> {
  const adminDir = await adminDirOf(repository, path);
  if (adminDir === null) return [];
  const place = privatePlaceIn(folder.path);
  const worktree = { path, adminDir };
  await makePrivateRepository(repository, { place, worktree, branch, isDetached });
  return privateMounts(repository, { place, worktree });
}

/** Files that git and stator have in every worktree. */
const openNames: ReadonlySet<string> = new Set(['.git', '.stator']);

/**
 * Makes files of a judge's checkout read only for all of its processes. Each parent folder is mounted as well, so that it cannot be moved and replaced. Links
 * are left out: they lead to the branch's own files.
 */
export function closedMounts(worktree: string, paths: readonly string[]): readonly Mount[] {
  const wanted = pathsFromRoot(paths);
  const names = wanted.includes('.') ? topNames(worktree).filter((name) => !openNames.has(name)) : wanted;
  const folders = [...new Set(names.flatMap(ancestorsOf))].sort();
  const mount = (access: Mount['access']) => (name: string) => ({ access, from: join(worktree, name) });
  const mounts = [...folders.map(mount('write')), ...[...names].sort().map(mount('read'))];
  return mounts.filter(({ from }) => existsSync(from) && realpathSync(from) === from);
}

/** Throws `unsafe_path` for a name that cannot be mounted. */
function topNames(worktree: string): string[] {
  const names = readdirSync(worktree, 'buffer');
  const odd = names.find((name) => !isText(name));
  if (odd === undefined) return names.map(String);
  throw new EngineError(
    'unsafe_path',
    `the name of ${join(worktree, odd.toString())} is not UTF-8, so stator cannot make it read-only for the agent that judges the work`,
    'give it another name; or name the files that the judge trusts one by one',
  );
}

/**
 * Collects the commits of the run's own git folder; does nothing if there is none. After a crash, a second call does the same. Commits that cannot be
 * collected are reported in daemon.log and in the run's log; the worktree's files are then committed without them. Throws errors that are waited for: a full
 * disk, a locked store.
 */
export async function collectRun(
  parts: EffectParts & { readonly log: Log },
  effect: Pick<AgentRun, 'title' | 'place' | 'role'>,
  { row, folder }: { readonly row: EffectRow; readonly folder: RunFolder },
): Promise<void> {
  const own = privatePlaceIn(folder.path);
  const { title } = effect;
  parts.faults?.('agent-run.before-collect');
  await openPrivate(own);
  const why = await collected(parts, { ...effect, row, folder }).then(
    (found) => (found.kind === 'refused' ? found.why : null),
    (thrown: unknown) => {
      if (environmentFault(thrown) !== null || thrown instanceof StoreTrouble) throw thrown;
      return reasonOf(thrown);
    },
  );
  parts.faults?.('agent-run.after-collect');
  // Deletes the copied index, which is the largest file there, and the incomplete imports of killed engines.
  const begun = readdirSync(folder.path).filter((name) => name.startsWith(`${basename(own.gitDir)}-taken-`));
  for (const path of [join(own.gitDir, 'index'), ...begun.map((name) => join(folder.path, name))])
    await removeTree(path);
  if (why === null) return;
  const text = safeText(
    `what ${title} committed could not be taken over: ${why}; its files are committed as they lie in the worktree`,
  );
  parts.log.warn(text);
  noteInLog(folder, text);
}

/**
 * Collects the commits of a live run so far, before its own signal about them; its worktree is left alone. The branch moves to a judge's head. If they cannot
 * be collected now, the signal is about the present branch, and the run's end reports why.
 */
export async function collectSoFar(
  parts: {
    readonly home: string;
    readonly store: Pick<Store, 'launch' | 'run' | 'tree'>;
    readonly projects: Projects;
    readonly secrets: SecretSearch;
    readonly log: Log;
  },
  repository: Repository,
  { tree, key, branch }: { readonly tree: TreeAddress; readonly key: string; readonly branch: string },
): Promise<void> {
  const { home, store, log } = parts;
  const run = await store.run(key);
  if (run === null || run.folder === null || run.worktree === null || run.ended_at !== null) return;
  const { title, folder, worktree } = run;
  const message = mergeMessage(title, branch);
  const place = privatePlaceIn(folder);
  const isDetached = isJudge(run.role as Role);
  try {
    const found = await collectPrivate(repository, {
      place,
      path: worktree,
      adminDir: null,
      branch,
      isDetached,
      message,
    });
    if (!isDetached) return;
    const head = found.kind === 'taken' ? found.head : await headOf(repository, worktree);
    const base = await baseOf({ home, store }, { tree }, run.run);
    if (head === null || base === null || head === base) return;
    if ((await withheldFrom(parts, repository, { plan: run, base, head, worktree })) !== null) return;
    const own = join(dirname(worktree), folderJudged(basename(worktree), run.role));
    await adopt(repository, {
      branch,
      worktree: own,
      from: base,
      to: head,
      run: runName(run.project, run.plan, run.run),
    });
  } catch (thrown) {
    log.debug(`what ${title} committed so far was not taken over: ${reasonOf(thrown)}`);
  }
}

function mergeMessage(title: string, branch: string): string {
  return `${title}: merged with what came to ${branch} meanwhile`;
}

async function collected(
  parts: EffectParts,
  run: Pick<AgentRun, 'title' | 'place' | 'role'> & { readonly row: EffectRow; readonly folder: RunFolder },
): Promise<Collected> {
  const { repository, worktree } = await runSiteOf(parts, run.row, placeOfRun({ role: run.role, place: run.place }));
  const adminDir = isOwnFolder(worktree) ? await adminDirOf(repository, worktree) : null;
  return collectPrivate(repository, {
    place: privatePlaceIn(run.folder.path),
    path: worktree,
    adminDir,
    branch: run.place.branch,
    isDetached: isJudge(run.role),
    message: mergeMessage(run.title, run.place.branch),
  });
}
