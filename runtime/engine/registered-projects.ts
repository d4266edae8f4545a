/** The names of the registered repos, for a verb with a name as an argument: from the engine, or from the store if none runs. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Client } from '../api/client/client.ts';
import { type Environment, homeFolder, storeFile } from '../base/platform/home.ts';
import { attach } from './attach.ts';

/** The names of the registered repos; null where that cannot be found out now. Makes nothing, throws nothing. */
export async function registeredProjects(env: Environment): Promise<string[] | null> {
  try {
    const home = homeFolder(env);
    const client = (await attach(home, env)) ?? (await readerOf(home, env));
    if (client === 'none') return isUsable(home) ? [] : null;
    if (client === null) return null;
    try {
      return (await client.repos()).map(({ project }) => project);
    } finally {
      await client.close();
    }
  } catch {
    return null; // the verb meets the same fault, and reports it itself
  }
}

/** `none`: there is no store. */
async function readerOf(home: string, env: Environment): Promise<Client | null | 'none'> {
  if (!existsSync(storeFile(home))) {
    const { isStoreThere, loadDaemonConfig, storePlace } = await import('../base/config/config.ts');
    if (!isStoreThere(storePlace(home, loadDaemonConfig(home), env))) return 'none';
  }
  return (await import('./read-only.ts')).openReader(home, env);
}

/** Whether a home without a store is empty, or does not exist yet. */
function isUsable(home: string): boolean {
  const found = statSync(home, { throwIfNoEntry: false });
  if (found === undefined) return isUsable(dirname(home));
  if (!found.isDirectory()) return false;
  accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  return true;
}
