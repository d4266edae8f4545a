/**
 * The folders of signal files in a checkout, and the files that git tracks there: a file that came with a commit is not a signal of an agent that works there
 * now.
 */
import { gitFailure } from './git.ts';
import type { OpenPlace } from './open-gits.ts';
import { withTempIndex } from './temp-index.ts';
import { inWorktree, type OpenWorktree, tryInWorktree } from './worktree-list.ts';

/** Below a repo and below each of its worktrees. */
export const placesOfSignals = ['.stator/signals', '.kasmos/signals'] as const;
export type PlaceOfSignals = (typeof placesOfSignals)[number];

/** The tracked names of one signal folder; `all`: the folder itself is a git entry, such as another repository. */
export type TrackedNames = ReadonlySet<string> | 'all';

/** The most names in a line of the log. */
const shownPaths = 10;

/** A worktree, or the user's checkout, whose part of the repository is the whole git folder. */
export interface Checkout extends OpenWorktree {
  readonly commonDir: string;
}

/**
 * The entries of a checkout's index or HEAD in its signal folders, whatever their marks in the index. Names are byte strings, as in the gateway. Throws
 * `git_failed` if the index cannot be read.
 */
export async function trackedSignals(checkout: Checkout): Promise<Record<PlaceOfSignals, TrackedNames>> {
  const paths = await trackedPaths(checkout);
  return Object.fromEntries(placesOfSignals.map((place) => [place, namesIn(place, paths)])) as Record<
    PlaceOfSignals,
    TrackedNames
  >; // one entry for each folder
}

async function trackedPaths(checkout: Checkout): Promise<string[]> {
  // The folders themselves are listed too, because an entry may be one of them. The file system may ignore case.
  const paths = ['--', ':(top,icase).stator', ':(top,icase).kasmos'];
  const listed = ['ls-files', '-z', '--cached', '--full-name'];
  const options = { env: { GIT_COMMON_DIR: checkout.commonDir } };
  const both = await tryInWorktree(checkout, [...listed, '--with-tree=HEAD', ...paths], options);
  // A HEAD without a commit has no files.
  const result = both.exitCode === 0 ? both : await tryInWorktree(checkout, [...listed, ...paths], options);
  if (result.exitCode !== 0) throw gitFailure({ cwd: checkout.path, args: listed, result });
  return result.stdout.split('\0').filter((path) => path !== '');
}

function namesIn(place: PlaceOfSignals, paths: readonly string[]): TrackedNames {
  const names = new Set<string>();
  for (const path of paths) {
    const lower = path.toLowerCase();
    if (place === lower || place.startsWith(`${lower}/`)) return 'all';
    if (!lower.startsWith(`${place}/`)) continue;
    const [name = ''] = path.slice(place.length + 1).split('/');
    names.add(Buffer.from(name).toString('latin1'));
  }
  return names;
}

/** Whether a tree has neither folder, by its id or a commit's; false if this cannot be answered without a process. */
async function hasNoSignals({ path, gits }: OpenPlace, id: string): Promise<boolean> {
  // A missing tree has no folders.
  const names = [`${id}^{tree}`, ...placesOfSignals.map((place) => `${id}:${place}`)];
  const found = (await gits?.lookUpAll(path, names)) ?? [];
  const [tree, ...places] = found;
  return typeof tree === 'string' && places.every((place) => place === null);
}

/**
 * The tree of a worktree with the signal folders of `base`: files that an agent staged or committed there are in no commit of ours, and a person's tracked
 * files there stay. `paths` are some of the differing ones.
 */
export async function withoutSignals(
  repo: OpenPlace,
  worktree: OpenWorktree,
  { tree, base }: { tree: string; base: string },
): Promise<{ tree: string; paths: string[] }> {
  if ((await hasNoSignals(repo, tree)) && (await hasNoSignals(repo, base))) return { tree, paths: [] };
  const differing = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', base, tree, '--', ...placesOfSignals];
  const paths = (await inWorktree(worktree, differing)).split('\0').filter((path) => path !== '');
  if (paths.length === 0) return { tree, paths };
  return withTempIndex(worktree.adminDir, async (env) => {
    await inWorktree(worktree, ['read-tree', tree], { env });
    const removal = ['update-index', '--force-remove', '-z', '--stdin'];
    await inWorktree(worktree, removal, { env, input: `${paths.join('\0')}\0` });
    const kept = await inWorktree(worktree, ['ls-tree', '-r', '-z', base, '--', ...placesOfSignals]);
    if (kept !== '') await inWorktree(worktree, ['update-index', '-z', '--index-info'], { env, input: kept });
    return { tree: await inWorktree(worktree, ['write-tree'], { env }), paths: paths.slice(0, shownPaths) };
  });
}
