/**
 * The home folder: all files that stator stores outside the repos. It contains prompts, tokens and logs, so it must not be readable by other users: its mode is
 * 0700, and a home that cannot have this mode is refused before anything is written.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { systemCode } from './system-code.ts';

const elsewhere = 'or set STATOR_HOME to another folder';

/**
 * Makes the home folder and its parents, and closes it to all other users; may be called again at any time. Throws `home_unusable` if its path is not a folder,
 * it belongs to another user, it cannot be made, written or closed, or it is open and has the files of others.
 */
export function ensureHome(home: string): void {
  const found = statOf(home) ?? made(home);
  if (!found.isDirectory()) {
    throw unusable(
      home,
      'is not a folder',
      `move it out of the way: mv ${shellWord(home)} ${shellWord(`${home}.old`)}`,
    );
  }
  const others = ofOthers(home, found);
  if (others !== null) throw others;
  close(home, found);
  try {
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (thrown) {
    const isReadOnlyDisk = systemCode(thrown) === 'EROFS';
    const hint = isReadOnlyDisk ? 'mount its disk for writing' : `make it so: chmod u+rwx ${shellWord(home)}`;
    throw unusable(home, 'is not writable', hint, thrown);
  }
}

/** null: the folder may be this user's home. Another user's may not, nor one that others use. */
export function ofOthers(home: string, found: { readonly uid: number; readonly mode: number }): EngineError | null {
  return ofOtherUser(home, found) ?? sharedWithOthers(home, found);
}

function ofOtherUser(home: string, { uid: owner }: { readonly uid: number }): EngineError | null {
  const uid = process.getuid?.() ?? owner;
  if (owner === uid) return null;
  return unusable(home, `belongs to uid ${owner}, and this is uid ${uid}`, 'run stator as the user it belongs to');
}

/** null: it may be closed. A folder with files, and none that only a home has, is most likely in use by others: `STATOR_HOME=/home`, by mistake. */
function sharedWithOthers(home: string, { mode }: { readonly mode: number }): EngineError | null {
  const hasOwn = () => ['daemon.toml', 'taskstore.db', 'owner.db'].some((name) => existsSync(join(home, name)));
  if ((mode & 0o077) === 0 || hasOwn() || !hasForeign(home)) return null;
  const what = 'is open to other users and has files of others, and stator closes only a folder of its own';
  return unusable(home, what, `close it, if no other user needs it: chmod 700 ${shellWord(home)}`);
}

function hasForeign(home: string): boolean {
  try {
    return foreignEntries(home).some((name) => name !== 'lost+found'); // a volume has that by itself
  } catch {
    return false; // it cannot be read, which is another mistake
  }
}

/** Throws `home_unusable` where this user cannot see what is in the home. */
export function refuseClosedHome(home: string): void {
  try {
    statSync(join(home, 'owner.db'), { throwIfNoEntry: false });
  } catch (thrown) {
    if (systemCode(thrown) !== 'EACCES') return;
    const found = statOf(home);
    throw (
      (found && ofOtherUser(home, found)) ??
      unusable(home, 'is closed', `open it to its user: chmod u+rwx ${shellWord(home)}`, thrown)
    );
  }
}

/** Whether a home that was in use has disappeared: a disk that fails leaves no folder, or an empty mount point. Nothing is written there then. */
export function isHomeAway(home: string): boolean {
  return !existsSync(join(home, 'owner.db')) && !existsSync(join(home, 'runs'));
}

/** The names of files of stator and its user there. */
const ownEntry =
  /^(?:daemon\.(?:toml|pid|restarts|log(?:\.\d+)?)|servers\.toml|token|prompts|taskstore\.db(?:-wal|-shm|-journal)?|owner\.(?:db(?:-journal)?|json)|inspector\.json|runs|sockets|control|people|bin|kept|hook-files|reports|backups|replaced-\d[\dTZ-]+)$/;

/** The entries of a home that are not stator's, by name; none if there is no home. */
export function foreignEntries(home: string): string[] {
  return existsSync(home) ? readdirSync(home).filter((name) => !ownEntry.test(name)) : [];
}

/**
 * Makes an empty file, 0600 from its first moment on; one that exists is left alone. Throws the system's error.
 * It never opens a file that exists: closing any descriptor of a SQLite file drops every lock that this process holds on it.
 */
export function createPrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
  }
}

function statOf(home: string): Stats | undefined {
  try {
    return statSync(home, { throwIfNoEntry: false });
  } catch (thrown) {
    throw unusable(home, 'cannot be reached', 'look at the folders above it', thrown);
  }
}

/** One level at a time: Node's own recursion never ends below a folder that takes none, such as /proc. */
function makeFolders(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolders(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (thrown) {
    // Another process, at the same moment.
    if (systemCode(thrown) !== 'EEXIST') throw thrown;
  }
}

function made(home: string): Stats {
  try {
    makeFolders(home);
    return statSync(home);
  } catch (thrown) {
    throw unusable(home, 'cannot be made', 'look at the folders above it', thrown);
  }
}

function close(home: string, found: Stats): void {
  if ((found.mode & 0o077) === 0) return;
  const hint = 'put it on a file system that keeps modes';
  try {
    chmodSync(home, 0o700);
  } catch (thrown) {
    throw unusable(home, 'is open to other users and cannot be closed', hint, thrown);
  }
  // Some mounts take a chmod and forget it.
  if ((statSync(home).mode & 0o077) !== 0) throw unusable(home, 'stays open to other users after chmod 700', hint);
}

function unusable(home: string, what: string, hint: string, cause?: unknown): EngineError {
  const code = systemCode(cause);
  const message = `the home folder ${home} ${what}${code === '' ? '' : ` (${code})`}`;
  return new EngineError('home_unusable', message, `${hint}, ${elsewhere}`, cause === undefined ? {} : { cause });
}

/** Variables by their names, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `$STATOR_HOME`, else `$XDG_CONFIG_HOME/stator`, else `~/.config/stator`; absolute. An empty variable counts as unset, and so does a relative `XDG_CONFIG_HOME`
 * or `HOME`: each folder in which somebody gives a command would have a home of its own. Throws `home_unusable`.
 */
export function homeFolder(env: Environment): string {
  return env.STATOR_HOME ? resolve(env.STATOR_HOME) : join(configFolder(env), 'stator');
}

/** `$XDG_CONFIG_HOME`, else `~/.config`; absolute, so a relative variable counts as unset. */
export function configFolder(env: Environment): string {
  const configHome = env.XDG_CONFIG_HOME;
  return configHome && isAbsolute(configHome) ? configHome : join(userFolder(env), '.config');
}

/** `$HOME`, else the folder that the system's list of users has; absolute. Throws `home_unusable` where neither is known. */
export function userFolder({ HOME }: Environment): string {
  if (HOME && isAbsolute(HOME)) return HOME;
  try {
    return userInfo().homedir;
  } catch (cause) {
    throw new EngineError(
      'home_unusable',
      `HOME is ${HOME ? `${JSON.stringify(HOME)}, which is no absolute path` : 'not set'}, and uid ${process.getuid?.()} is not in the system's list of users`,
      'set HOME to the absolute path of a folder of yours, or set STATOR_HOME',
      { cause },
    );
  }
}

/** Where the store of that home lies. */
export function storeFile(home: string): string {
  return join(home, 'taskstore.db');
}

/** Whether that host cannot be reached from outside of this machine: `localhost`, `127.0.0.1`, `[::1]`. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i.test(host);
}

type Variables = Readonly<Record<string, string | undefined>>;

/** The variable that turns `sandbox = "auto"` off for a whole engine, without a warning. */
export function isSandboxOff(env: Variables): boolean {
  return env.STATOR_SANDBOX === 'off';
}

/** Whether a process with this environment is one of a run inside of walls: there is no home there and no main folder of the repo, only the run's own socket. */
export function isInWalls(env: Variables): boolean {
  return env.STATOR_SANDBOX === 'bwrap' && env.STATOR_RUN !== undefined;
}
