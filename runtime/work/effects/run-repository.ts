/** A run's own git folder: made before an agent starts inside walls, and looked through when its last process has gone. */
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
import { noteInLog } from '../agents/own-lines.ts';
import type { RunFolder } from '../agents/run-folder.ts';
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
 * What git needs inside of walls: a git folder of the run's own, made where it is missing, and the shared objects to read. Nothing where git knows no such
 * worktree: whoever works there next says so. Throws git's errors and the system's.
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

/** What git and stator have in every worktree. */
const openNames: ReadonlySet<string> = new Set(['.git', '.stator']);

/**
 * Closes files of a judge's checkout to writing, whatever it starts. Each folder on the way to them is bound as well: a folder that is bound cannot be moved
 * away, and another one put in its place. What is a link is none of the files: it leads to what is the branch's.
 */
export function closedMounts(worktree: string, paths: readonly string[]): readonly Mount[] {
  const wanted = pathsFromRoot(paths);
  const names = wanted.includes('.') ? topNames(worktree).filter((name) => !openNames.has(name)) : wanted;
  const folders = [...new Set(names.flatMap(ancestorsOf))].sort();
  const mount = (access: Mount['access']) => (name: string) => ({ access, from: join(worktree, name) });
  const mounts = [...folders.map(mount('write')), ...[...names].sort().map(mount('read'))];
  return mounts.filter(({ from }) => existsSync(from) && realpathSync(from) === from);
}

/** Throws `unsafe_path` for a name that no mount can be made by. */
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
 * Takes over what the run committed in its own git folder; nothing where it had none. Called again after a crash it does the same. What cannot be taken
 * over is said in daemon.log and in the run's own, and is committed as files lie in the worktree, without the agent's commits. Throws what is waited for:
 * a disk that is full, a store that is locked.
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
  // A copy of the worktree's, and the largest of what is there; and what a killed engine had begun to take over.
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
 * Takes over what a run has committed so far, for its own word about it; its worktree is left alone. The branch moves to what a judge has made of it. What cannot be taken over now is not: then the word is
 * about the branch as it stands, and the run's end tells why.
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
  {
    title,
    place,
    role,
    row,
    folder,
  }: Pick<AgentRun, 'title' | 'place' | 'role'> & { readonly row: EffectRow; readonly folder: RunFolder },
): Promise<Collected> {
  const { repository, worktree } = await runSiteOf(parts, row, placeOfRun({ role, place }));
  const adminDir = isOwnFolder(worktree) ? await adminDirOf(repository, worktree) : null;
  return collectPrivate(repository, {
    place: privatePlaceIn(folder.path),
    path: worktree,
    adminDir,
    branch: place.branch,
    isDetached: isJudge(role),
    message: mergeMessage(title, place.branch),
  });
}
