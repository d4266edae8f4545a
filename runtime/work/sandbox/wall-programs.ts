/**
 * The program folders that must be visible inside walls: folders on PATH outside the system folders, the targets of their links, Node, and this installation
 * of stator. Never a folder that contains more than programs, such as the user's home itself.
 */
import { type Dirent, existsSync, lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, relative } from 'node:path';
import { programPresets } from '../../base/config/preset-programs.ts';
import { inPackage } from '../../base/platform/package-files.ts';
import { noPlaces } from '../agents/presets/places.ts';
import { knownProgram } from '../agents/presets/programs.ts';
import { isWithin } from '../git/worktree-folder.ts';

/** The folders of `/` with programs, libraries and their settings in common distributions. */
const systemNames = ['bin', 'etc', 'gnu', 'lib', 'lib32', 'lib64', 'libx32', 'nix', 'opt', 'sbin', 'snap', 'usr'];
/** The most entries of a folder that is searched for links; a larger one is no folder of programs. */
const maxEntries = 5_000;
const maxFolders = 200;
/** Folders below a user's home with settings and secrets of many programs, never programs alone. */
const shared = ['.cache', '.config', '.local', '.local/share', '.local/state', 'Library'];
/** Launchers whose real programs are in another folder: the end of the PATH folder, and that folder below the home. */
const companions: Readonly<Record<string, readonly string[]>> = {
  '.cargo/bin': ['.rustup'],
  '.volta/bin': ['.volta'],
  '.local/share/mise/shims': ['.config/mise'],
};

/** The mounts of the system's own folders; a link is mounted as a link. */
export function systemPlaces(): { readonly path: string; readonly link: string | null }[] {
  return systemNames
    .map((name) => join('/', name))
    .filter((path) => existsSync(path))
    .map((path) => ({ path, link: lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null }));
}

export interface ProgramSearch {
  /** The environment of the run. */
  readonly env: Readonly<Record<string, string>>;
  /** The user's home folder, absolute. */
  readonly userHome: string;
  /** The file that is started, absolute. */
  readonly program: string;
  /** Folders that must not become visible through this: the engine's home, the worktrees folder, the repo. */
  readonly kept: readonly string[];
}

/** Absolute paths that are readable inside walls at the same place. */
export function programPlaces(search: ProgramSearch): string[] {
  const places = new Set<string>();
  const queue = pathFolders(search);
  const isThere = (path: string) => isSystem(path) || [...places].some((place) => isWithin(place, path));
  const add = (path: string) => {
    if (isThere(path)) return;
    places.add(path);
    if (statSync(path).isDirectory()) queue.push(path);
  };
  for (const path of [...ownPlaces(), ...queue.splice(0), ...ofProgram(search)]) add(path);
  for (let looked = 0; looked < maxFolders; looked++) {
    const folder = queue.shift();
    if (folder === undefined) break;
    const targets = [...linkTargets(folder), ...linkTargets(join(folder, 'bin'))];
    for (const target of targets.filter((path) => !isThere(path))) add(installationOf(target, search));
  }
  // A path inside another one comes after it.
  return [...places].sort((a, b) => a.length - b.length);
}

/** Node by its real path, and this package with its dependencies, but not its repository if it runs from one. */
function ownPlaces(): string[] {
  const root = realpathSync(inPackage());
  const installed = root.split('/node_modules/')[0];
  const packages = installed === undefined || installed === root ? [] : [join(installed, 'node_modules')];
  const own = ['package.json', 'dist', 'node_modules', 'runtime/work/agents/prompts'].map((name) => join(root, name));
  const node = realpathSync(process.execPath);
  return [node, process.execPath, ...packages, ...own].filter((path) => existsSync(path));
}

function ofProgram(search: ProgramSearch): string[] {
  if (!existsSync(search.program)) return [];
  return [search.program, installationOf(realpathSync(search.program), search)];
}

function pathFolders({ env, userHome, kept }: ProgramSearch): string[] {
  const named = (env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder) && isFolder(folder));
  const real = named.flatMap((folder) => [folder, realpathSync(folder)]);
  const more = real.flatMap((folder) => [
    ...(basename(folder) === 'shims' ? [dirname(folder)] : []),
    ...Object.entries(companions)
      .filter(([end]) => folder === join(userHome, end))
      .flatMap(([, belongs]) => belongs.map((path) => join(userHome, path)))
      .filter((path) => existsSync(path)),
  ]);
  return [...new Set([...more, ...real])].filter((folder) => !isTooWide(folder, { env, userHome, kept }));
}

/** A program's installation folder, or the program's own path if that folder contains more. */
function installationOf(real: string, search: ProgramSearch): string {
  const parts = real.split('/node_modules/');
  const candidates = [
    ...(parts.length > 1 ? [`${parts[0]}/node_modules`] : []),
    ...(basename(dirname(real)) === 'bin' ? [dirname(dirname(real))] : []),
    dirname(real),
  ];
  return candidates.find((folder) => !isTooWide(folder, search) && !isOfHome(folder, search)) ?? real;
}

/**
 * A folder directly in a user's home, such as ~/.cargo, also contains its programs' settings and registry tokens. A folder that is not hidden is the user's
 * own work.
 */
function isOfHome(folder: string, { userHome }: ProgramSearch): boolean {
  return [userHome, homedir()].some(
    (place) => dirname(folder) === place || (isWithin(place, folder) && !relative(place, folder).startsWith('.')),
  );
}

function linkTargets(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).slice(0, maxEntries);
    return entries.filter((entry) => entry.isSymbolicLink()).flatMap((entry) => realOf(join(folder, entry.name)));
  } catch {
    return []; // no folder, or not readable for us: then the agent must not read it either
  }
}

function realOf(path: string): string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return []; // a link without a target
  }
}

function isSystem(path: string): boolean {
  return systemNames.some((name) => isWithin(join('/', name), path));
}

/** Files in which programs store a login. A folder with such a file, at its top or one level below, is more than a program. */
const loginFiles =
  /^(?:auth|auths|credentials?|tokens?|secrets?|oauth_creds|hosts|\.?netrc|\.npmrc|\.pypirc|\.env|id_[a-z0-9]+)(?:\.(?:json|toml|ya?ml|db|ini))?$|^\.?credentials\b|\.(?:pem|key|p12|keystore)$/i;

/** Whether a folder of the user's home contains a login: of a known program, or by its file name. */
function holdsLogins(folder: string, { env, userHome }: Pick<ProgramSearch, 'env' | 'userHome'>): boolean {
  const homes = [userHome, homedir()];
  if (!homes.some((place) => isWithin(place, folder))) return false;
  const known = programPresets.flatMap((preset) => {
    const { logins, copied } = knownProgram(preset)?.places({ env, userHome, worktree: folder }) ?? noPlaces;
    return [...logins, ...copied];
  });
  if (known.some((path) => isWithin(folder, path))) return true;
  const below = (place: string) => entriesOf(place).map((entry) => ({ entry, path: join(place, entry.name) }));
  const top = below(folder);
  const deeper = top.filter(({ entry }) => entry.isDirectory() && !programFolders.has(entry.name));
  return [...top, ...deeper.flatMap(({ path }) => below(path))].some(
    ({ entry, path }) => !entry.isDirectory() && loginFiles.test(entry.name) && isClosed(path),
  );
}

/** Installation folders: the programs' own files there may have any name. */
const programFolders: ReadonlySet<string> = new Set([
  'bin',
  'lib',
  'lib64',
  'libexec',
  'share',
  'include',
  'node_modules',
]);

/** A login file is closed to other users; a package's files are not. */
function isClosed(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && (found.mode & 0o077) === 0;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).slice(0, maxEntries);
  } catch {
    return []; // no folder, or not readable for us: then the agent must not read it either
  }
}

/** Whether more than programs would become visible through it. */
function isTooWide(folder: string, { env, userHome, kept }: Pick<ProgramSearch, 'env' | 'userHome' | 'kept'>): boolean {
  const homes = [userHome, homedir()];
  const holders = [...homes, ...homes.flatMap((place) => shared.map((name) => join(place, name)))];
  return (
    holders.some((place) => isWithin(folder, place)) ||
    kept.some((place) => isWithin(folder, place) || isWithin(place, folder)) ||
    holdsLogins(folder, { env, userHome })
  );
}

/** A PATH folder that this user cannot enter is ignored: an inherited PATH may contain some. */
function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
