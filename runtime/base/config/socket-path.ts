/** Where the sockets of a home are, from its path and the environment alone. */
import { lstatSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Environment } from '../platform/home.ts';
import { textDigest } from '../platform/text-digest.ts';

/** A path longer than this is cut off without an error when a socket is bound: `sun_path`, its closing NUL included. */
const socketPathLimitBytes = process.platform === 'linux' ? 108 : 104;

/**
 * The control socket of `home`: `configured` (`socket_path`, `''` for none), else in `$XDG_RUNTIME_DIR/stator`, else in `/tmp/stator-<uid>`, or where
 * another user has made that, in `<home>/control`. Two homes of one user never share a socket: every home but the account's own `~/.config/stator` adds eight hex digits of its path's SHA-256.
 * Throws `bad_config` where the path does not fit into a socket address.
 */
export function socketPath(home: string, env: Environment, configured: string): string {
  const path = configured === '' ? join(socketFolder(env, home), socketName(resolve(home))) : configured;
  const sizeBytes = Buffer.byteLength(path) + 1;
  if (sizeBytes <= socketPathLimitBytes) return path;
  throw new EngineError(
    'bad_config',
    `the socket's path has ${sizeBytes - 1} bytes, at most ${socketPathLimitBytes - 1} fit into an address: ${path}`,
    `set a shorter one in ${join(home, 'daemon.toml')}: socket_path = "/tmp/stator.sock"`,
  );
}

/** The name of a run's own socket in its folder: short, since its whole path has little room. */
export const runSocketName = 's';

/**
 * The folder of one run's own socket, the same for every engine of this home: in the home, or where its path has no room for an address in
 * `/tmp/stator-<uid>`. `launch` is the name of the run's folder; its secret makes this one unpredictable, too.
 */
export function runSocketFolder(home: string, launch: string): string {
  const name = textDigest(launch).slice(0, 16);
  const inHome = join(resolve(home), 'sockets', name);
  if (Buffer.byteLength(join(inHome, runSocketName)) + 1 <= socketPathLimitBytes) return inHome;
  return join(sharedFolder(), `${homeDigits(resolve(home))}-${name}`);
}

function socketFolder(env: Environment, home: string): string {
  const runtimeFolder = env.XDG_RUNTIME_DIR;
  if (runtimeFolder && isAbsolute(runtimeFolder)) return join(runtimeFolder, 'stator');
  return ownFolder(sharedFolder(), home);
}

/** Anybody may make it first. */
function sharedFolder(): string {
  return `/tmp/stator-${process.getuid?.() ?? 0}`;
}

/** `shared` where it is this user's folder, or does not exist yet; else one in the home. */
export function ownFolder(shared: string, home: string): string {
  return isOthers(shared) ? join(resolve(home), 'control') : shared;
}

function isOthers(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found !== undefined && (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid));
}

/** The note for people where the socket is not at its usual place; null: it is. */
export function socketElsewhere(home: string, path: string): string | null {
  const shared = sharedFolder();
  if (!path.startsWith(`${join(resolve(home), 'control')}/`) || !isOthers(shared)) return null;
  return `${shared} is not this user's folder, so the socket is ${path}; see who made it: ls -ld ${shared}`;
}

function socketName(home: string): string {
  if (home === accountHome()) return 'stator.sock';
  return `stator-${homeDigits(home)}.sock`;
}

/** Distinguishes several homes of one user. */
function homeDigits(home: string): string {
  return textDigest(home).slice(0, 8);
}

/** From the account, not from `$HOME`: a changed `$HOME` is another home, but the folder for sockets stays the same. */
function accountHome(): string | null {
  try {
    return join(userInfo().homedir, '.config', 'stator');
  } catch {
    // A user id without an account, as in some containers: then every home adds its digits.
    return null;
  }
}
