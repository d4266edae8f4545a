/** A git index beside the one of the working tree, for as long as one piece of work needs it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The environment that makes git use the temporary index instead of the working tree's. */
type IndexEnv = Readonly<Record<'GIT_INDEX_FILE', string>>;

/**
 * Runs `work` with an index that does not exist yet: git writes the file at its first use. It lies in a new folder inside `parent` that only this user may
 * enter, and in which `work` may put other files. The folder is removed when `work` ends or throws; if the process is killed, it stays in `parent`. Throws
 * what `work` throws, and the system's errors.
 */
export async function withTempIndex<T>(
  parent: string,
  work: (env: IndexEnv, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(parent, 'stator-index-'));
  try {
    return await work({ GIT_INDEX_FILE: join(folder, 'index') }, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
