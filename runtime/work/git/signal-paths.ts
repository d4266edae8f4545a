/** Where signal files lie in a checkout, and what git tracks there: a file that came with a commit is no word of anybody who works there now. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gitFailure } from './git.ts';
import type { OpenPlace } from './open-gits.ts';
import { inWorktree, type OpenWorktree, tryInWorktree } from './worktree-list.ts';

/** Below a repo and below each of its worktrees. */
export const placesOfSignals = ['.stator/signals', '.kasmos/signals'] as const;
export type PlaceOfSignals = (typeof placesOfSignals)[number];

/** The names of one folder of signals that git tracks; `all`: the folder itself is an entry of git's, such as another repository. */
export type TrackedNames = ReadonlySet<string> | 'all';

/** As many as a line of the log names. */
const shownPaths = 10;

/** A worktree, or the checkout that a person works in, whose own part of the repository is all of it. */
export interface Checkout extends OpenWorktree {
  readonly commonDir: string;
}

/**
 * What the index or HEAD of a checkout has in its folders of signals, however the index marks it. Names are byte strings, as the gateway has them.
 * Throws `git_failed` where the index cannot be read.
 */
export async function trackedSignals(checkout: Checkout): Promise<Record<PlaceOfSignals, TrackedNames>> {
  const paths = await trackedPaths(checkout);
  return Object.fromEntries(placesOfSignals.map((place) => [place, namesIn(place, paths)])) as Record<
    PlaceOfSignals,
    TrackedNames
  >; // one entry for each place
}

async function trackedPaths(checkout: Checkout): Promise<string[]> {
  // The whole folders: an entry that stands for one of them counts as well. A file system may not tell upper from lower case.
  const paths = ['--', ':(top,icase).stator', ':(top,icase).kasmos'];
  const listed = ['ls-files', '-z', '--cached', '--full-name'];
  const options = { env: { GIT_COMMON_DIR: checkout.commonDir } };
  const both = await tryInWorktree(checkout, [...listed, '--with-tree=HEAD', ...paths], options);
  // A HEAD that leads nowhere has no files.
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

/** Whether neither folder stands in a tree, by its id or a commit's; false where nobody can be asked without a process. */
async function hasNoSignals({ path, gits }: OpenPlace, id: string): Promise<boolean> {
  // What is not there has no folders either.
  const names = [`${id}^{tree}`, ...placesOfSignals.map((place) => `${id}:${place}`)];
  const found = (await gits?.lookUpAll(path, names)) ?? [];
  const [tree, ...places] = found;
  return typeof tree === 'string' && places.every((place) => place === null);
}

/**
 * The tree of a worktree with its folders of signals as they are in `base`: whatever an agent staged or committed there is in no commit of ours, and what
 * a person keeps there in git stays. `paths` are those that differed, a few of them.
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
  const folder = await mkdtemp(join(worktree.adminDir, 'stator-'));
  try {
    const aside = { env: { GIT_INDEX_FILE: join(folder, 'index') } };
    await inWorktree(worktree, ['read-tree', tree], aside);
    await inWorktree(worktree, ['update-index', '--force-remove', '-z', '--stdin'], {
      ...aside,
      input: `${paths.join('\0')}\0`,
    });
    const kept = await inWorktree(worktree, ['ls-tree', '-r', '-z', base, '--', ...placesOfSignals]);
    if (kept !== '') await inWorktree(worktree, ['update-index', '-z', '--index-info'], { ...aside, input: kept });
    return { tree: await inWorktree(worktree, ['write-tree'], aside), paths: paths.slice(0, shownPaths) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
