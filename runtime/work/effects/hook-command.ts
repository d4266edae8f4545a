/**
 * Runs a hook's shell command in the files of the trusted commit, inside walls. Its process survives the engine like a run, and is ended with all its
 * children.
 */
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import { EngineError, messageOf, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import type { CommandHookConfig } from '../../base/config/config.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import type { Log } from '../../base/platform/log.ts';
import { timeLimit } from '../../base/platform/pause.ts';
import { formatIdentity } from '../../base/platform/process-table.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { readEnvFile } from '../agents/env-file.ts';
import { inheritedEnvironment } from '../agents/environment.ts';
import { watchRun } from '../agents/liveness.ts';
import { tailOf } from '../agents/output-log.ts';
import { limitReached, watchResources } from '../agents/resource-watch.ts';
import { createRunFolder, type RunFolder, readClaim, runIdOf, writeStartFile } from '../agents/run-folder.ts';
import { stopTree, sweepLeftovers } from '../agents/stopping.ts';
import { type LaunchRequest, launch } from '../agents/wrapper.ts';
import { limitsEnd, type Resources } from '../sandbox/resources.ts';
import { type Walls, type WallsProfile, writtenWithoutWalls } from '../sandbox/walls.ts';
import { hookBody, hookVariables } from './hook-event-body.ts';
import { hookFilesOf } from './hook-files.ts';
import { failedTry, type HookTry } from './hook-try.ts';
import { type EffectParts, isGone, ownLaunch } from './workplace.ts';

export interface CommandDependencies extends Pick<EffectParts, 'home' | 'store' | 'projects'> {
  readonly env: NodeJS.ProcessEnv;
  readonly walls: Walls;
  readonly resources: Resources;
  readonly log: Log;
  readonly timeline: Timeline;
  readonly graceMs: number;
}

interface Running {
  /** The key under which this try's processes are stored. */
  readonly key: string;
  readonly row: Pick<EffectRow, 'project' | 'plan'>;
  readonly abort: AbortSignal;
}

const tailBytes = 4_096;

/**
 * Runs it once, or continues with the process that an earlier owner started for this same try. Exit code 0 means delivered; any other end may be tried again.
 */
export async function runCommandHook(
  parts: CommandDependencies,
  hook: CommandHookConfig,
  effect: HookDeliver,
  { key, row, abort }: Running,
): Promise<HookTry> {
  const { home, store, graceMs } = parts;
  // An event without a plan also needs a folder, and its name begins with this word.
  const about = row.plan === '' ? 'hook' : row.plan;
  const own = await ownLaunch({ home, store }, key, runName(row.project, about, `hook-${effect.id}`));
  const { folder } = own;
  const runId = runIdOf(home, key);
  if (isGone(own)) {
    await stopTree(folder, runId, { abort, graceMs, known: own.wrapper });
    return failedTry(`its folder was taken away while it ran: ${folder.path}`, { retries: true });
  }
  createRunFolder(folder, { isBegun: own.mayHaveStarted });
  if (readClaim(folder) === null) {
    const request = await prepare(parts, hook, effect, { row, folder, runId });
    if ('error' in request) return failedTry(request.error, { retries: true });
    await store.commit([{ do: 'launch.note', key, launchedAt: parts.timeline.nowMs() }]);
    abort.throwIfAborted();
    const launched = await launch(request);
    if (launched.kind === 'failed') return failedTry(`${launched.message}; ${launched.hint}`, { retries: true });
  }
  const claim = readClaim(folder);
  if (claim?.kind === 'void') return failedTry('it was not started', { retries: true });
  if (claim !== null) await store.commit([{ do: 'launch.note', key, wrapper: formatIdentity(claim.wrapper) }]);
  const tried = await watched(hook, { folder, runId, abort, graceMs, log: parts.log });
  await removeTree(folder.path);
  return tried;
}

async function watched(
  hook: CommandHookConfig,
  {
    folder,
    runId,
    abort,
    graceMs,
    log,
  }: Pick<Running, 'abort'> & Pick<CommandDependencies, 'graceMs' | 'log'> & { folder: RunFolder; runId: string },
): Promise<HookTry> {
  const limit = timeLimit(hook.timeoutMs);
  const over = new AbortController();
  const output = () => safeText(tailOf(folder, tailBytes));
  const resources = watchResources(folder, runId, {
    onReached: () => over.abort(),
    onError: (thrown) => log.debug(`what the hook ${hook.name} takes is not known: ${messageOf(thrown)}`),
  });
  try {
    const end = await watchRun(folder, { abort: AbortSignal.any([abort, limit, over.signal]) });
    if (end.kind === 'lost') await stopTree(folder, runId, { abort, graceMs });
    else await sweepLeftovers(folder, runId, { abort, graceMs });
    if (end.kind === 'lost') return failedTry('it vanished', { retries: true, output: output() });
    if (end.code === 0) return { kind: 'delivered', status: 0, output: output() };
    const limits = limitsEnd(folder, { code: end.code, output: output() });
    const why = limits.kind === 'none' ? '' : `: ${limits.text}`;
    return failedTry(`it exited with ${end.code}${why}`, { retries: true, status: end.code, output: output() });
  } catch (thrown) {
    abort.throwIfAborted();
    if (!limit.aborted && !over.signal.aborted) throw thrown;
    await stopTree(folder, runId, { abort, graceMs });
    const reached = limitReached(folder);
    if (reached !== null) return failedTry(`it was ended: ${reached}`, { retries: true, output: output() });
    return failedTry(`it ran for more than ${hook.timeoutMs / 1000} s and was ended`, {
      retries: true,
      output: output(),
    });
  } finally {
    await resources.stop();
  }
}

interface Preparing {
  readonly row: Running['row'];
  readonly folder: RunFolder;
  readonly runId: string;
}

/** A fault that the user may correct before the next try fails this try. Throws `untrusted`, `bad_repo` and other errors that are waited for. */
async function prepare(
  parts: CommandDependencies,
  hook: CommandHookConfig,
  effect: HookDeliver,
  preparing: Preparing,
): Promise<LaunchRequest | { readonly error: string }> {
  const { project } = preparing.row;
  const { path: repo } = await parts.projects.repository(project);
  try {
    return await requestFor(parts, hook, effect, { ...preparing, repo });
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || environmentFault(thrown) !== null) throw thrown;
    return { error: onOneLine(withHint(thrown)) };
  }
}

async function requestFor(
  parts: CommandDependencies,
  hook: CommandHookConfig,
  effect: HookDeliver,
  { row, folder, runId, repo }: Preparing & { readonly repo: string },
): Promise<LaunchRequest> {
  const { home, walls, resources } = parts;
  const { sandbox, writable, readable } = hook;
  const where = { sandbox, writable, readable };
  const profile: WallsProfile = { role: `hook ${hook.name}`, preset: 'command', network: 'full', hosts: [], ...where };
  const cwd = await hookFilesOf(parts, row.project);
  const hasWalls = await walls.areUsedFor(profile);
  const file = hook.envFile === null ? null : readEnvFile(hook.envFile, repo, `[[hooks]] ${hook.name} in the config`);
  writeStartFile(folder.prompt, `${hookBody(effect, row.project)}\n`);
  const env = {
    ...inheritedEnvironment(parts.env, { hasWalls }),
    ...file?.variables,
    ...hookVariables(effect, row.project),
    STATOR_HOOK_REPO: repo,
    TMPDIR: folder.temp,
    // `stator` in the command connects to the engine that started it.
    STATOR_HOME: home,
    STATOR_RUN: runId,
    ...(hasWalls ? { STATOR_SANDBOX: 'bwrap' } : {}),
  };
  const argv = ['/bin/sh', '-c', hook.command] as const;
  const around = await walls.around({
    ...{ profile, env, home, folder, repo, worktree: cwd, isOnlyRead: true, program: argv[0] },
    ...{ identity: null, git: [], socketFolder: null, keeps: null },
  });
  // The coder's settings, as for a check.
  const { coder } = parts.projects.get(row.project).config.profiles;
  const written = around?.written ?? writtenWithoutWalls({ worktree: folder.temp, folder, writable, env });
  const limits = await resources.around({ profile: coder, folder, worktree: folder.temp, written, env, hasWalls });
  return {
    folder,
    argv: [...argv],
    limits: limits.outside,
    walls: [...(around?.words ?? []), ...limits.inside],
    cwd,
    env,
    stdinFile: folder.prompt,
  };
}
