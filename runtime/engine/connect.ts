/**
 * How the command line reaches the control API: that of the engine that owns the home, over its socket, or the same app over a temporary engine of its own.
 * Callers cannot distinguish the two, except by the note.
 */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Client } from '../api/client/client.ts';
import { anEnvironment, checkOptions, oneOf, required } from '../api/client/options.ts';
import { type Environment, homeFolder, isInWalls } from '../base/platform/home.ts';
import { attach, attachFromWalls } from './attach.ts';

export { EngineError } from '../../machines/vocabulary/errors.ts';
export type * from '../api/client/client.ts';
export type { Environment } from '../base/platform/home.ts';

/** The home folder, and the purpose. */
export interface ConnectOptions {
  env: Environment;
  /** `read` opens the store read-only where the home has no owner; `write` becomes the owner for a moment. */
  mode: 'read' | 'write';
}

/** How long two processes that want to own the home briefly wait for each other. */
const waitForOwnerMs = 5_000;
const retryMs = 50;

/** Connects to the owner of the home, or becomes one for a moment, or reads. Throws the errors of the store and the home, `owner_taken`, `unavailable` where the owner hangs, and `bad_request` for an unknown option. */
export async function connect(options: ConnectOptions): Promise<Client> {
  checkOptions('connect', options, { env: required(anEnvironment), mode: required(oneOf('read', 'write')) });
  const { env, mode } = options;
  const home = homeFolder(env);
  if (isInWalls(env)) return attachFromWalls(env);
  const untilMs = performance.now() + waitForOwnerMs;
  while (true) {
    const attached = await attach(home, env);
    if (attached !== null) return attached;
    try {
      return await ownOnce(home, env, mode);
    } catch (thrown) {
      const isTaken = thrown instanceof EngineError && thrown.code === 'owner_taken';
      if (!isTaken || performance.now() > untilMs) throw thrown;
      await new Promise<void>((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

async function ownOnce(home: string, env: Environment, mode: ConnectOptions['mode']): Promise<Client> {
  if (mode === 'read') {
    const { openReader } = await import('./read-only.ts');
    const reader = await openReader(home, env);
    if (reader !== null) return reader;
  }
  const { openOneShot } = await import('./one-shot.ts');
  return openOneShot(home, env);
}
