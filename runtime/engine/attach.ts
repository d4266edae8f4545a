/** How a verb finds the engine that owns its home: by the owner's file in the home, by the kernel's list of locks, or by the socket of its own run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { type Call, callSocket, type NextEngine } from '../api/client/call.ts';
import { type Client, createClient } from '../api/client/client.ts';
import { noAnswer } from '../api/client/no-answer.ts';
import { type Environment, isInWalls } from '../base/platform/home.ts';
import { isThisStator } from '../base/platform/version.ts';
import { engineOf, lockFile, type OwnerFacts, ownerByLock, readFacts } from '../core/store/sqlite/owner-facts.ts';

/** Whether an engine answers, and which: nothing else is looked at for it. */
const ping = '/v1/ping?warnings=0';
/** An owner that takes the connection and sends nothing for this long hangs, or is stopped. */
const answerLimitMs = 5_000;
/** If it sends nothing for this long, the list of locks is read: it may hang, or the socket may belong to another program. */
const claimLimitMs = 1_000;

/**
 * A client of the engine that owns the home; null if there is none, or where it has no socket. Inside a run its own socket comes first. Throws `unavailable`
 * if the engine hangs; inside of walls, which have no home, also if none runs.
 */
export async function attach(home: string, env: Environment): Promise<Client | null> {
  if (isInRun(env)) {
    const client = await attachRun(env);
    if (client !== null) return client;
    if (!existsSync(join(home, 'owner.db')))
      throw new EngineError(
        'unavailable',
        `the engine does not answer at ${env.STATOR_SOCKET}, the socket of this run`,
        'it may be restarting: repeat the command',
      );
  }
  const claimed = claimedBy(home);
  if (claimed !== null && (await isOwner(claimed, home, env))) return clientOf(claimed, home, env);
  // If the home is no folder, the code that makes it reports that; here it has no owner.
  const owner = existsSync(join(home, 'owner.db')) ? await ownerOf(home) : null;
  if (owner === null || owner.socketPath === null) return null;
  const limit = AbortSignal.timeout(answerLimitMs);
  try {
    await callSocket(owner.socketPath, env.STATOR_TOKEN)('GET', ping, { signal: limit });
  } catch {
    if (limit.aborted) throw noAnswer(owner, answerLimitMs);
    return null; // it is starting or stopping: the caller tries again or owns the home itself
  }
  return clientOf({ ...owner, socketPath: owner.socketPath }, home, env);
}

/** Reads the store as it is, for a home without an engine; null: it cannot be read so, or there is no home here. */
export async function readStored(home: string, env: Environment): Promise<Client | null> {
  if (isInRun(env) || isInWalls(env) || !existsSync(home)) return null;
  const { openReader } = await import('./read-only.ts');
  return openReader(home, env);
}

type Listening = OwnerFacts & { readonly socketPath: string };

/**
 * A busy machine starts a daemon within this. If it is not back by then, this process owns the home for the one request, as for any verb. A `run` is not started
 * again, so it is not waited for.
 */
const ownAfterMs = 10_000;

/** The next owner of the home: the engine that was started again, or after a while this process, briefly. `kind`: of the owner that is gone. */
function nextOwner(home: string, env: Environment, kind: OwnerFacts['kind']): NextEngine {
  /** It does not come back: the next request of this client does not wait for it either. */
  let isAway = kind !== 'daemon';
  return async (waitedMs) => {
    const claimed = claimedBy(home);
    if (claimed !== null && (await isOwner(claimed, home, env)))
      return { call: callSocket(claimed.socketPath, env.STATOR_TOKEN), close: async () => {} };
    if (!isAway && waitedMs < ownAfterMs) return null;
    isAway = true;
    const { ownForCall } = await import('./one-shot.ts');
    return ownForCall(home, env);
  };
}

/** The same socket, when an engine serves it again. */
function nextAtSocket(call: Call): NextEngine {
  return async () => {
    const answer = await call('GET', ping, { signal: AbortSignal.timeout(claimLimitMs) });
    return answer.ok ? { call, close: async () => {} } : null;
  };
}

function clientOf(owner: Listening, home: string, env: Environment): Client {
  return createClient(callSocket(owner.socketPath, env.STATOR_TOKEN), {
    note: null,
    engine: engineOf(owner, true),
    stays: owner.kind === 'daemon',
    isOtherBuild: !isThisStator(owner),
    next: nextOwner(home, env, owner.kind),
    close: async () => {},
  });
}

/** The process that claims in the home to listen, dead or alive; null: none. */
function claimedBy(home: string): Listening | null {
  try {
    const facts = readFacts(home);
    return facts === null || facts.socketPath === null ? null : { ...facts, socketPath: facts.socketPath };
  } catch {
    return null; // the code that takes the lock says what is wrong
  }
}

/**
 * Whether an engine listens there that holds the lock of this very home (the owner's file of a copied home names another file): it says so itself, which takes a
 * sixth of the time that the kernel takes to list its locks. False proves nothing.
 */
async function isOwner({ socketPath }: Listening, home: string, env: Environment): Promise<boolean> {
  const file = lockFile(home);
  if (file === null) return false;
  try {
    const call = callSocket(socketPath, env.STATOR_TOKEN);
    const answer = await call('GET', ping, { signal: AbortSignal.timeout(claimLimitMs) });
    return answer.ok && JSON.parse(await answer.text()).lock === file;
  } catch {
    return false;
  }
}

async function ownerOf(home: string): Promise<OwnerFacts | null> {
  // Only callers that need SQLite load it.
  return ownerByLock(home) ?? (await import('../core/store/sqlite/owner.ts')).readOwner(home);
}

interface InRun extends Environment {
  readonly STATOR_SOCKET: string;
  readonly STATOR_TOKEN: string;
}

function isInRun(env: Environment): env is InRun {
  return Boolean(env.STATOR_RUN && env.STATOR_SOCKET) && env.STATOR_TOKEN !== undefined;
}

/** null: no engine serves that socket now. */
async function attachRun({ STATOR_SOCKET: path, STATOR_TOKEN: token }: InRun): Promise<Client | null> {
  const call = callSocket(path, token);
  const limit = AbortSignal.timeout(answerLimitMs);
  try {
    await call('GET', ping, { signal: limit });
    return createClient(call, { note: null, stays: false, next: nextAtSocket(call), close: async () => {} });
  } catch (cause) {
    if (!limit.aborted) return null;
    throw new EngineError(
      'unavailable',
      `the engine does not answer at ${path} within ${answerLimitMs / 1_000} s`,
      'it usually recovers within seconds: repeat the command',
      { cause },
    );
  }
}

/** The engine as the run of that environment reaches it: through the run's own socket alone, whichever engine serves it now. Throws `usage` outside of a run. */
export function runClient(env: Environment): Client {
  if (!isInRun(env))
    throw new EngineError(
      'usage',
      'this is for the program of an agent: STATOR_RUN, STATOR_SOCKET and STATOR_TOKEN are not set',
      'stator starts it with permissions = "ask" under [agents.<role>]',
    );
  return createClient(callSocket(env.STATOR_SOCKET, env.STATOR_TOKEN), { note: null, close: async () => {} });
}

/** Throws `unavailable` where no engine answers: a process inside of walls cannot become one. */
export async function attachFromWalls(env: Environment): Promise<Client> {
  const socketPath = env.STATOR_SOCKET ?? '';
  const call = callSocket(socketPath, env.STATOR_TOKEN);
  try {
    await call('GET', ping, { signal: AbortSignal.timeout(answerLimitMs) });
  } catch (cause) {
    throw new EngineError(
      'unavailable',
      `no engine answers at ${socketPath || 'STATOR_SOCKET, which is not set'}`,
      'the next engine serves it again: say it then, or leave a file in .stator/signals/',
      { cause },
    );
  }
  return createClient(call, { note: null, stays: true, next: nextAtSocket(call), close: async () => {} });
}
