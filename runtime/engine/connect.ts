/**
 * How the command line asks: the control API of whoever owns the home, over its socket, or the same app over an engine of its own
 * for a moment. Callers cannot tell the two apart, but for the note.
 */

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { callSocket } from '../api/client/call.ts';
import { type Client, createClient } from '../api/client/client.ts';
import { refuseUnknownOptions } from '../api/client/known-options.ts';
import { noAnswer } from '../api/client/no-answer.ts';
import { type Environment, homeFolder } from '../base/config/home.ts';
import type { ProgramPreset } from '../base/config/preset-programs.ts';
import { isInWalls } from '../base/platform/sandbox-variables.ts';
import { isThisStator } from '../base/platform/version.ts';
import { lockFile, type OwnerFacts, ownerByLock, readFacts } from '../core/store/sqlite/owner-facts.ts';
import type { ServerList } from '../work/forges/server-list.ts';
import type { LeaveRequest, LeftSignal } from '../work/signal-files/leave.ts';

export type * from '../api/client/client.ts';

import type { Recovery } from '../core/store/sqlite/recovery-report.ts';

export type { Recovery } from '../core/store/sqlite/recovery-report.ts';
export type * from '../work/forges/server-list.ts';

export interface ConnectOptions {
  env: Environment;
  /** `read` opens the store read-only where nobody owns the home; `write` becomes the owner for a moment. */
  mode: 'read' | 'write';
}

/** Two that want to own the home for a moment wait for each other this long. */
const waitForOwnerMs = 5_000;
const retryMs = 50;
/** An owner that takes the connection and says nothing for so long hangs, or is stopped. */
const answerLimitMs = 5_000;
/** One that says nothing for so long is asked after in the list of locks: it may hang, or the socket be of somebody else. */
const claimLimitMs = 1_000;

/** Everything that is wrong with a repo's own prompts. Loaded when it is asked for: it brings the schema library along. */
export async function promptProblems(repo: string): Promise<EngineError[]> {
  const templates = await import('../work/agents/prompts/template-files.ts');
  return templates.promptProblems(repo);
}

/** The flags of the preset that the program at that path does not know, by its own help. */
export async function droppedFlagsOf(
  preset: ProgramPreset,
  path: string,
  env: Environment,
): Promise<readonly string[]> {
  const { droppedFlags } = await import('../work/agents/presets/known-flags.ts');
  return droppedFlags(preset, path, env);
}

/** What an agent wrote, as people read it. Loaded when it is asked for. */
export async function readableLog(preset: string | null, text: string): Promise<string> {
  const log = await import('../work/agents/reports/readable-log.ts');
  return log.readableLog(preset, text);
}

/** Who commits in that folder. Throws `bad_config` where git knows nobody, and `git_failed` where it could not say. */
export async function identityIn(folder: string): Promise<{ name: string; email: string }> {
  const { identity } = await import('../work/git/identity.ts');
  return identity({ path: folder });
}

/** The branch, tag or commit that plans of a repository start from. Throws `bad_repo`, and `bad_config` where the configured one is not there. */
export async function baseBranchIn(repo: string, configured: string): Promise<string> {
  const { baseBranch, createSharedAccess, inspectRepository } = await import('../work/git/repository.ts');
  const shared = createSharedAccess();
  try {
    return await baseBranch(await inspectRepository(repo, shared), configured);
  } finally {
    shared.readers.close();
  }
}

/** The variables of an `env_file`, and what is doubtful in it. Throws `agent_unusable` where it cannot be read. */
export async function envFileIn(
  repo: string,
  file: string,
): Promise<{ readonly variables: Readonly<Record<string, string>>; readonly warnings: readonly string[] }> {
  const { readEnvFile } = await import('../work/agents/env-file.ts');
  return readEnvFile(file, repo);
}

/** Throws what Node throws where SQLite's own part is not built, or built for another Node. */
export async function tryStoreModule(): Promise<void> {
  const { tryModule } = await import('../core/store/sqlite/recovery.ts');
  tryModule();
}

/** What killed gits left in a repository that stops others, each with what to do. */
export async function gitTroublesIn(repo: string): Promise<string[]> {
  const { gitTroubles } = await import('../work/git/troubles.ts');
  return gitTroubles(repo);
}

/** What SQLite finds wrong in the store of that environment, a line each; none where it is whole, or there is none. Reads the whole file. Throws as the store. */
export async function storeFaultsIn(env: Environment): Promise<string[]> {
  const { storeFaults } = await import('../core/store/sqlite/recovery.ts');
  return storeFaults(join(homeFolder(env), 'taskstore.db'));
}

/** Makes a damaged store anew from what can be read of it. Throws `owner_taken` while an engine runs, `store_corrupt` where nothing can be read. */
export async function recoverStoreIn(env: Environment): Promise<Recovery> {
  const home = homeFolder(env);
  const [{ recoverStore }, { migrations }, { acquireOwner }] = await Promise.all([
    import('../core/store/sqlite/recovery.ts'),
    import('../core/store/sqlite/schema.ts'),
    import('../core/store/sqlite/owner.ts'),
  ]);
  const owner = await acquireOwner(home, { nowMs: () => Date.now() });
  try {
    return recoverStore(join(home, 'taskstore.db'), { migrations, at: Date.now() });
  } finally {
    owner.release();
  }
}

/** The forges that a person knows, in a file of the home: no engine is needed. */
export async function serverList(env: Environment): Promise<ServerList> {
  const { createServerList } = await import('../work/forges/server-list.ts');
  return createServerList({ home: homeFolder(env), env });
}

/** Connects to the owner of the home, or becomes one for a moment, or reads. Throws what the store and the home throw, `owner_taken`, `unavailable` where the owner hangs, and `bad_request` for an option that there is not. */
export async function connect(options: ConnectOptions): Promise<Client> {
  refuseUnknownOptions('connect', options, { env: true, mode: true });
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

/** The engine as the run of that environment reaches it: through the run's own socket alone, whoever serves it now. Throws `usage` outside of a run. */
export function runClient(env: Environment): Client {
  if (!isInRun(env))
    throw new EngineError(
      'usage',
      'this is for the program of an agent: STATOR_RUN, STATOR_SOCKET and STATOR_TOKEN are not set',
      'stator starts it by itself where permissions = "ask" stands under [agents.<role>]',
    );
  return createClient(callSocket(env.STATOR_SOCKET, env.STATOR_TOKEN), { note: null, close: async () => {} });
}

/** Throws `unavailable` where no engine answers: inside of walls nobody can become one. */
async function attachFromWalls(env: Environment): Promise<Client> {
  const socketPath = env.STATOR_SOCKET ?? '';
  const call = callSocket(socketPath, env.STATOR_TOKEN);
  try {
    await call('GET', '/v1/ping', { signal: AbortSignal.timeout(answerLimitMs) });
  } catch (cause) {
    throw new EngineError(
      'unavailable',
      `no engine answers at ${socketPath || 'STATOR_SOCKET, which is not set'}`,
      'the next engine serves it again: say it then, or leave a file in .stator/signals/',
      { cause },
    );
  }
  return createClient(call, { note: null, stays: true, close: async () => {} });
}

/** The names of the registered repos; null where that cannot be found out now. Makes nothing, throws nothing. */
export async function registeredProjects(env: Environment): Promise<string[] | null> {
  try {
    const home = homeFolder(env);
    if (!existsSync(join(home, 'taskstore.db'))) return isUsable(home) ? [] : null;
    const client = (await attach(home, env)) ?? (await readerOf(home, env));
    if (client === null) return null;
    try {
      return (await client.repos()).map(({ project }) => project);
    } finally {
      await client.close();
    }
  } catch {
    return null; // the verb meets the same, and says it in its own words
  }
}

/** Whether a home that holds no store is an empty one, or one that is not there yet. */
function isUsable(home: string): boolean {
  const found = statSync(home, { throwIfNoEntry: false });
  if (found === undefined) return isUsable(dirname(home));
  if (!found.isDirectory()) return false;
  accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  return true;
}

/**
 * A client of the engine that owns the home; null where none does, or where the one that does serves nobody. Inside a run its own socket comes first.
 * Throws `unavailable` where it hangs, and inside of walls, where there is no home, also where it does not run.
 */
export async function attach(home: string, env: Environment): Promise<Client | null> {
  if (isInRun(env)) {
    const client = await attachRun(env);
    if (client !== null) return client;
    if (!existsSync(join(home, 'owner.db')))
      throw new EngineError(
        'unavailable',
        `the engine does not answer at ${env.STATOR_SOCKET}, the socket of this run`,
        'it may be starting anew: ask again',
      );
  }
  const claimed = claimedBy(home);
  if (claimed !== null && (await isOwner(claimed, home, env))) return clientOf(claimed, env);
  // A home that is no folder is told so by whoever makes it; here it has no owner.
  const owner = existsSync(join(home, 'owner.db')) ? await ownerOf(home) : null;
  if (owner === null || owner.socketPath === null) return null;
  const limit = AbortSignal.timeout(answerLimitMs);
  try {
    await callSocket(owner.socketPath, env.STATOR_TOKEN)('GET', '/v1/ping', { signal: limit });
  } catch {
    if (limit.aborted) throw noAnswer(owner, answerLimitMs);
    return null; // it is starting or going: the caller tries again or owns the home itself
  }
  return clientOf({ ...owner, socketPath: owner.socketPath }, env);
}

type Listening = OwnerFacts & { readonly socketPath: string };

function clientOf(owner: Listening, env: Environment): Client {
  return createClient(callSocket(owner.socketPath, env.STATOR_TOKEN), {
    note: null,
    stays: owner.kind === 'daemon',
    isOtherBuild: !isThisStator(owner),
    close: async () => {},
  });
}

/** Who says in the home that it listens, dead or alive; null: nobody. */
function claimedBy(home: string): Listening | null {
  try {
    const facts = readFacts(home);
    return facts === null || facts.socketPath === null ? null : { ...facts, socketPath: facts.socketPath };
  } catch {
    return null; // whoever asks for the lock says what is wrong
  }
}

/**
 * Whether an engine listens there that holds the lock of this very home (of a copied one it names another file): it says so itself, which takes a
 * sixth of the time that the kernel takes to list its locks. False proves nothing.
 */
async function isOwner({ socketPath }: Listening, home: string, env: Environment): Promise<boolean> {
  const file = lockFile(home);
  if (file === null) return false;
  try {
    const call = callSocket(socketPath, env.STATOR_TOKEN);
    const answer = await call('GET', '/v1/ping', { signal: AbortSignal.timeout(claimLimitMs) });
    return answer.ok && JSON.parse(await answer.text()).lock === file;
  } catch {
    return false;
  }
}

async function ownerOf(home: string): Promise<OwnerFacts | null> {
  // SQLite is loaded by whoever needs it.
  return ownerByLock(home) ?? (await import('../core/store/sqlite/owner.ts')).readOwner(home);
}

interface InRun extends Environment {
  readonly STATOR_SOCKET: string;
  readonly STATOR_TOKEN: string;
}

function isInRun(env: Environment): env is InRun {
  return Boolean(env.STATOR_RUN && env.STATOR_SOCKET) && env.STATOR_TOKEN !== undefined;
}

/** Null: nobody serves it now. */
async function attachRun({ STATOR_SOCKET: path, STATOR_TOKEN: token }: InRun): Promise<Client | null> {
  const call = callSocket(path, token);
  const limit = AbortSignal.timeout(answerLimitMs);
  try {
    await call('GET', '/v1/ping', { signal: limit });
    return createClient(call, { note: null, stays: false, close: async () => {} });
  } catch (cause) {
    if (!limit.aborted) return null;
    throw new EngineError(
      'unavailable',
      `the engine does not answer at ${path} within ${answerLimitMs / 1_000} s`,
      'mostly it comes back by itself within some seconds: ask again',
      { cause },
    );
  }
}

/** The inbox itself, for a signal that the owner of the home cannot be told. Throws what the store throws. */
export async function openInbox(env: Environment): Promise<Client> {
  const { openSharedInbox } = await import('./shared-inbox.ts');
  return await openSharedInbox(homeFolder(env), env);
}

/** A signal as a file, for whoever cannot be heard otherwise. Loaded when it comes to that. Throws as `leaveSignalFile` of the gateway. */
export async function leaveSignalFile(request: LeaveRequest): Promise<LeftSignal> {
  const gateway = await import('../work/signal-files/leave.ts');
  return gateway.leaveSignalFile(request);
}

async function readerOf(home: string, env: Environment): Promise<Client | null> {
  const { openReader } = await import('./read-only.ts');
  return await openReader(home, env);
}

async function ownOnce(home: string, env: Environment, mode: ConnectOptions['mode']): Promise<Client> {
  if (mode === 'read') {
    const reader = await readerOf(home, env);
    if (reader !== null) return reader;
  }
  const { openOneShot } = await import('./one-shot.ts');
  return openOneShot(home, env);
}
