/**
 * Starts one agent through its wrapper, exactly once: every launch of a folder, by any engine, starts a wrapper that first claims the run, and a losing one
 * ends. So a launch that may have happened before a crash is simply repeated.
 */
import { lstatSync } from 'node:fs';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { SystemFailure } from '../../base/platform/capture.ts';
import type { DetachRequest } from '../../base/platform/detached.ts';
import { environmentFault, environmentFaultInText } from '../../base/platform/environment-fault.ts';
import { type Identity, isAlive } from '../../base/platform/process-table.ts';
import { spawner } from '../../base/platform/spawner.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { createFileWatch, type FileWatch } from './file-watch.ts';
import { tailOf } from './output-log.ts';
import { resolveProgram } from './program.ts';
import { type RunFolder, readAgent, readClaim, secretLine, syncClaim, voidOrAdopt } from './run-folder.ts';
import { noRoomCode } from './wrapper-script.ts';

export interface LaunchRequest {
  readonly folder: RunFolder;
  /** The program, as an absolute path or a name on PATH. */
  readonly argv: readonly [string, ...string[]];
  /** The first part of the command, with absolute paths: it limits the run's resources as a whole. Default: empty. */
  readonly limits?: readonly string[];
  /** The part between that and the walls, which relays the program's output. Default: empty. */
  readonly relay?: readonly string[];
  /** The part before the program: bubblewrap with its arguments, and limits for each process inside. May be empty. */
  readonly walls: readonly string[];
  readonly cwd: string;
  /**
   * The whole environment; STATOR_RUN is required, because leftovers are found by it. /bin/sh drops names that are not shell identifiers.
   */
  readonly env: Readonly<Record<string, string>>;
  /** null: /dev/null. */
  readonly stdinFile: string | null;
  /** The hint for a missing program. */
  readonly installHint?: string;
}

export type Launched =
  /** The claim exists and survives a power failure. `agent` is null only if the wrapper was killed in between. */
  | { readonly kind: 'started'; readonly wrapper: Identity; readonly agent: Identity | null }
  /** Nothing was started. `isFinal`: another try would fail in the same way. If a wrapper was spawned, the claim is void, so nothing will be started. */
  | { readonly kind: 'failed'; readonly message: string; readonly hint: string; readonly isFinal: boolean }
  /** This run was given up first; nothing was or will be started from this folder. */
  | { readonly kind: 'void' };

/** The wrapper needs some milliseconds; this limit is for a very busy machine. */
const START_LIMIT_MS = 30_000;
const POLL_MS = 1000;
/** A wrapper that could not begin prints the reason in one or two lines. */
const logTailBytes = 1_024;
/** How often a wrapper that a signal ended before its claim is spawned again. */
const START_TRIES = 3;

/**
 * Starts the agent, or finds the one that this folder already has. The wrapper is spawned before the first `await`. Resolves when claim and pid are written
 * or the start has failed. Throws home_unusable, and errors that are waited for (environment-fault.ts).
 */
export async function launch(request: LaunchRequest): Promise<Launched> {
  const { folder, argv, cwd, env } = request;
  if (!env.STATOR_RUN) throw new Error(`the environment of the run in ${folder.path} has no STATOR_RUN`);
  if (readClaim(folder) !== null) return launched(folder);
  if (!lstatSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    return {
      kind: 'failed',
      message: `the working folder ${cwd} does not exist`,
      hint: 'bring the folder back, or start the plan over',
      isFinal: false,
    };
  }
  const program = resolveProgram(argv[0], { from: null, env });
  if (program.kind === 'missing') {
    return {
      kind: 'failed',
      message: program.message,
      hint: request.installHint ?? 'install it, or set `program` of this role under [agents] in the config',
      isFinal: true,
    };
  }
  return spawnWrapper(request, program.path);
}

async function spawnWrapper(request: LaunchRequest, program: string): Promise<Launched> {
  const { folder, argv, limits = [], relay = [], walls, cwd, env, stdinFile } = request;
  const fileWatch = createFileWatch(folder.path);
  let ended: string | null = null;
  let hasNoRoom = false;
  let failure: SystemFailure | null = null;
  let leave = () => {};
  const wrapper: DetachRequest = {
    program: '/bin/sh',
    args: [folder.wrapper, 'wrap', folder.path, ...limits, ...relay, ...walls, program, ...argv.slice(1)],
    ...{ cwd, env, stdinFile, folder: folder.path, outputFile: folder.log, input: secretLine(folder) },
  };
  const spawnOnce = (tries: number): void => {
    leave = spawner.detach(wrapper, ({ how, code, isSignalled, failure: why }) => {
      // Until it has its own session, it gets a Ctrl-C of the engine's terminal too. It has claimed nothing, so the next one may.
      if (isSignalled && tries < START_TRIES && readClaim(folder) === null) return spawnOnce(tries + 1);
      ended ??= how;
      failure ??= why;
      hasNoRoom ||= code === noRoomCode;
      fileWatch.wake();
    });
  };
  try {
    spawnOnce(1);
    await until(fileWatch, () => ended !== null || readClaim(folder) !== null);
  } finally {
    leave();
    fileWatch.stop();
  }
  if (hasNoRoom && readClaim(folder) === null) {
    throw new EngineError(
      'disk_full',
      `the wrapper could not write into ${folder.path}: the disk is full, or the folder is gone`,
      'free some disk space: df -h, df -i; the folders of old runs take the most',
    );
  }
  if (readClaim(folder) === null) refuseForNow(folder, failure);
  // The void prevents a late wrapper from starting a run that counts as failed.
  if (readClaim(folder) === null && voidOrAdopt(folder).kind === 'void') {
    return {
      kind: 'failed',
      message: `the wrapper in ${folder.path} did not come to its claim: ${ended ?? `no answer in ${START_LIMIT_MS / 1000} s`}`,
      hint: `see ${folder.log}; free memory, processes or disk space, and retry`,
      isFinal: false,
    };
  }
  return launched(folder);
}

/** Throws if the system had no resources left to start it: the run is begun again in the same folder, which is not claimed. */
function refuseForNow(folder: RunFolder, failure: SystemFailure | null): void {
  const thrown = failure === null ? null : Object.assign(new Error(failure.message), failure);
  const what = `the wrapper in ${folder.path} did not come to its claim`;
  const trouble =
    thrown === null ? environmentFaultInText(tailOf(folder, logTailBytes), what) : environmentFault(thrown);
  if (trouble !== null) throw trouble;
}

/** Why the wrapper of an ended run could not start the agent, where the system had no process left for it. null: the agent began, or it was something else. */
export function unstartedAgent(folder: RunFolder, output: string): EngineError | null {
  const lines = output.trimEnd().split('\n');
  if (readAgent(folder) !== null || !lines.every((line) => line.startsWith(`${folder.wrapper}: `))) return null;
  return environmentFaultInText(safeText(output), 'its agent could not be started');
}

/** Reads a claimed folder as soon as its agent has a pid. */
async function launched(folder: RunFolder): Promise<Launched> {
  const claim = readClaim(folder);
  if (claim === null) throw new Error(`the claim of ${folder.path} vanished`);
  if (claim.kind === 'void') return claim;
  const fileWatch = createFileWatch(folder.path);
  try {
    await until(fileWatch, () => readAgent(folder) !== null || !isAlive(claim.wrapper));
  } finally {
    fileWatch.stop();
  }
  await syncClaim(folder);
  return { kind: 'started', wrapper: claim.wrapper, agent: readAgent(folder) };
}

async function until(fileWatch: FileWatch, isTrue: () => boolean): Promise<void> {
  const limitAtMs = performance.now() + START_LIMIT_MS;
  while (!isTrue() && performance.now() < limitAtMs) await fileWatch.wait(POLL_MS);
}
