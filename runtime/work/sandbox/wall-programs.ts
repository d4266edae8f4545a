/**
 * What of the programs on this machine an agent inside of walls has to see: the folders on its PATH that no system folder holds, what their links
 * lead to, Node, and this installation of stator. Never a folder that holds more than programs, such as the user's home itself.
 */
import { type Dirent, existsSync, lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, relative } from 'node:path';
import { programPresets } from '../../base/config/preset-programs.ts';
import { inPackage } from '../../base/platform/package-files.ts';
import { presetPlaces } from '../agents/presets/places.ts';
import { isWithin } from '../git/worktree-folder.ts';

/** The folders of `/` that hold programs, libraries and their settings, as distributions have them. */
const systemNames = ['bin', 'etc', 'gnu', 'lib', 'lib32', 'lib64', 'libx32', 'nix', 'opt', 'sbin', 'snap', 'usr'];
/** Folders with this many entries are looked through for links; a bound against a folder that is no folder of programs. */
const maxEntries = 5_000;
const maxFolders = 200;
/** Below the home of a user: these hold the settings and secrets of everything, never programs alone. */
const shared = ['.cache', '.config', '.local', '.local/share', '.local/state', 'Library'];
/** Programs that only start others, which lie in a folder of their own: the end of a PATH folder, and what belongs to it below the home. */
const companions: Readonly<Record<string, readonly string[]>> = {
  '.cargo/bin': ['.rustup'],
  '.volta/bin': ['.volta'],
  '.local/share/mise/shims': ['.config/mise'],
};

/** The system's own folders: as they are to be mounted, a link as a link. */
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
  /** What must not become visible by this: the engine's home, the folder of all worktrees, the repo. */
  readonly kept: readonly string[];
}

/** Absolute paths, to be readable inside of walls at the same place. */
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
  // What lies in another of them comes after it.
  return [...places].sort((a, b) => a.length - b.length);
}

/** Node under its real path, and this package with what it depends on: not its repository, where it runs from one. */
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

/** The folder that a program was installed into; the program's own path where that folder holds more than it. */
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
 * A folder right in a user's home, such as ~/.cargo, holds what belongs to its programs, too: settings, and tokens of registries. What lies in a folder that
 * is not hidden is the user's own work.
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
    return []; // no folder, or not ours to read: then it is not the agent's either
  }
}

function realOf(path: string): string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return []; // a link that leads nowhere
  }
}

function isSystem(path: string): boolean {
  return systemNames.some((name) => isWithin(join('/', name), path));
}

/** Files in which programs keep a login. A folder that has one, at its top or one folder below, is more than a program. */
const loginFiles =
  /^(?:auth|auths|credentials?|tokens?|secrets?|oauth_creds|hosts|\.?netrc|\.npmrc|\.pypirc|\.env|id_[a-z0-9]+)(?:\.(?:json|toml|ya?ml|db|ini))?$|^\.?credentials\b|\.(?:pem|key|p12|keystore)$/i;

/** Whether a login of some program lies in a folder of the user's home: of one of the programs that are known, or by the name of its file. */
function holdsLogins(folder: string, { env, userHome }: Pick<ProgramSearch, 'env' | 'userHome'>): boolean {
  const homes = [userHome, homedir()];
  if (!homes.some((place) => isWithin(place, folder))) return false;
  const known = programPresets.flatMap((preset) => {
    const { logins, copied } = presetPlaces(preset, { env, userHome, worktree: folder });
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

/** What programs are installed into: their own files there may be called anything. */
const programFolders: ReadonlySet<string> = new Set([
  'bin',
  'lib',
  'lib64',
  'libexec',
  'share',
  'include',
  'node_modules',
]);

/** A login is closed to other users; what a package brings is not. */
function isClosed(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && (found.mode & 0o077) === 0;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).slice(0, maxEntries);
  } catch {
    return []; // no folder, or not ours to read: then it is not the agent's either
  }
}

/** Whether more than programs would become visible by it. */
function isTooWide(folder: string, { env, userHome, kept }: Pick<ProgramSearch, 'env' | 'userHome' | 'kept'>): boolean {
  const homes = [userHome, homedir()];
  const holders = [...homes, ...homes.flatMap((place) => shared.map((name) => join(place, name)))];
  return (
    holders.some((place) => isWithin(folder, place)) ||
    kept.some((place) => isWithin(folder, place) || isWithin(place, folder)) ||
    holdsLogins(folder, { env, userHome })
  );
}

/** One behind a folder that is closed to this user is none: a PATH that was inherited from somebody else may name such. */
function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
