/**
 * How the command line asks: the control API of whoever owns the home, over its socket, or the same app over an engine of its own
 * for a moment. Callers cannot tell the two apart, but for the note.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../machines/errors.ts';
import { homeFolder } from '../config/home.ts';
import type { LeaveRequest, LeftSignal } from '../gateway/leave.ts';
import { type OwnerFacts, readOwner } from '../store/owner.ts';
import { type Client, createClient } from './api-client.ts';
import { callSocket } from './call.ts';

export { readableLog } from '../agents/reports/readable-log.ts';
export type { Client, SendRequest } from './api-client.ts';
export type * from './shapes/plans.ts';
export type * from './shapes/repos.ts';
export type * from './shapes/runs.ts';
export type * from './shapes/signals.ts';
export type * from './shapes/words.ts';

export interface ConnectOptions {
  env: NodeJS.ProcessEnv;
  /** `read` opens the store read-only where nobody owns the home; `write` becomes the owner for a moment. */
  mode: 'read' | 'write';
}

/** Two that want to own the home for a moment wait for each other this long. */
const waitForOwnerMs = 5_000;
const retryMs = 50;
/** An owner that takes the connection and says nothing for so long hangs, or is stopped. */
const answerLimitMs = 5_000;

/** Everything that is wrong with a repo's own prompts. Loaded when it is asked for: it brings the schema library along. */
export async function promptProblems(repo: string): Promise<EngineError[]> {
  const templates = await import('../agents/prompts/template-files.ts');
  return templates.promptProblems(repo);
}

/** Connects to the owner of the home, or becomes one for a moment, or reads. Throws what the store and the home throw, `owner_taken`, and `unavailable` where the owner hangs. */
export async function connect({ env, mode }: ConnectOptions): Promise<Client> {
  const home = homeFolder(env);
  const until = Date.now() + waitForOwnerMs;
  while (true) {
    const attached = await attach(home, env);
    if (attached !== null) return attached;
    try {
      return await ownForAMoment(home, env, mode);
    } catch (thrown) {
      const isTaken = thrown instanceof EngineError && thrown.code === 'owner_taken';
      if (!isTaken || Date.now() > until) throw thrown;
      await new Promise<void>((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** A client of the engine that owns the home; null where none does, or where the one that does serves nobody. Throws `unavailable` where it hangs. */
export async function attach(home: string, env: NodeJS.ProcessEnv): Promise<Client | null> {
  // A home that is no folder is told so by whoever makes it; here it has no owner.
  const owner = existsSync(join(home, 'owner.db')) ? readOwner(home) : null;
  if (owner === null || owner.socketPath === null) return null;
  const call = callSocket(owner.socketPath, env.STATOR_TOKEN);
  const limit = AbortSignal.timeout(answerLimitMs);
  try {
    await call('GET', '/v1/ping', { signal: limit });
  } catch {
    if (limit.aborted) throw silent(owner);
    return null; // it is starting or going: the caller tries again or owns the home itself
  }
  return createClient(call, { note: null, stays: owner.kind === 'daemon', close: async () => {} });
}

function silent({ pid, since }: OwnerFacts): EngineError {
  return new EngineError(
    'unavailable',
    `the engine (pid ${pid}, since ${since}) does not answer within ${answerLimitMs / 1_000} s`,
    `it hangs, or is stopped: stator daemon logs; where it stays so: kill -9 ${pid}, and start it again; agents live on`,
  );
}

/** A signal as a file, for whoever cannot be heard otherwise. Loaded when it comes to that. Throws as `leaveSignalFile` of the gateway. */
export async function leaveSignalFile(request: LeaveRequest): Promise<LeftSignal> {
  const gateway = await import('../gateway/leave.ts');
  return gateway.leaveSignalFile(request);
}

async function ownForAMoment(home: string, env: NodeJS.ProcessEnv, mode: ConnectOptions['mode']): Promise<Client> {
  if (mode === 'read') {
    const { openReader } = await import('../reader.ts');
    const reader = await openReader(home, env);
    if (reader !== null) return reader;
  }
  const { openMoment } = await import('../moment.ts');
  return openMoment(home, env);
}
