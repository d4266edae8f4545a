/** A program of an agent that runs outside of walls and only tells about itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The time limit: some programs have 200 MB and start from a cold disk. */
export const trialMs = 30_000;
const given = ['PATH', 'LANG'];

export interface TrialOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * Calls `use` with the environment and the folder for such a program. It gets no key, and no user's folder, whose settings it might load. Its home is a new
 * folder, because some programs leave files there; the folder is removed when `use` ends or throws.
 */
export async function withTrialHome<Answer>(
  env: NodeJS.ProcessEnv,
  use: (options: TrialOptions) => Promise<Answer>,
): Promise<Answer> {
  const home = await mkdtemp(join(tmpdir(), 'stator-trial-'));
  const own = Object.fromEntries(given.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  try {
    return await use({ env: { ...own, HOME: home, TMPDIR: home }, cwd: '/' });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
