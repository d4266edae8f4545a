/** The place of a home on the disk, from the environment alone. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Variables by their names, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `$STATOR_HOME`, else `$XDG_CONFIG_HOME/stator`, else `~/.config/stator`; absolute. An empty variable counts as unset, and so does a relative XDG one. */
export function homeFolder(env: Environment): string {
  if (env.STATOR_HOME) return resolve(env.STATOR_HOME);
  const configHome = env.XDG_CONFIG_HOME;
  if (configHome && isAbsolute(configHome)) return join(configHome, 'stator');
  return join(env.HOME || homedir(), '.config', 'stator');
}

/** Where the store of that home lies. */
export function storeFile(home: string): string {
  return join(home, 'taskstore.db');
}

/** Whether that host cannot be reached from outside of this machine: `localhost`, `127.0.0.1`, `[::1]`. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i.test(host);
}
