/** Runs the checks that a document names for its tasks, each as a process of its own that survives the engine like a run does. */

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { type PlanTask, parsePlan } from '../../machines/document/plan-document.ts';
import type { WorkCheck } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { runName } from '../../machines/vocabulary/ids.ts';
import { runEnvironment } from '../agents/environment.ts';
import { ensureLauncher } from '../agents/launcher.ts';
import { type RunEnd, watchRun } from '../agents/liveness.ts';
import { tailOf } from '../agents/output-log.ts';
import { limitsEnd, type Resources } from '../agents/resources.ts';
import { createRunFolder, type RunFolder, readClaim, readExit, runFolderAt } from '../agents/run-folder.ts';
import { runIdOf } from '../agents/run-id.ts';
import { stopTree, sweepLeftovers } from '../agents/stopping.ts';
import type { Walls } from '../agents/walls.ts';
import { launch } from '../agents/wrapper.ts';
import { recentIdentity } from '../git/identity.ts';
import { dropPrivateRepository, privatePlaceIn } from '../git/private-repository.ts';
import { placeOf } from '../git/worktree-list.ts';
import { formatIdentity } from '../platform/process-table.ts';
import { safeText } from '../platform/terminal-text.ts';
import { newToken } from '../platform/token.ts';
import type { EffectRow } from '../store/rows.ts';
import type { Timeline } from '../store/timeline.ts';
import { socketMounts } from './agent-start.ts';
import type { EffectContext, Handler, Outcome } from './handler.ts';
import { gitMounts } from './run-repository.ts';
import { type RunSockets, withSocket } from './run-socket.ts';
import { type EffectParts, isGone, type Launch, ownLaunch, runsRoot, trustedSiteOf } from './workplace.ts';

export interface CheckParts extends EffectParts {
  readonly timeline: Timeline;
  readonly env: NodeJS.ProcessEnv;
  readonly walls: Walls;
  readonly resources: Resources;
  readonly sockets: RunSockets;
}

/** A check that takes longer has failed. */
const limitMs = 30 * 60_000;
const tailBytes = 4_096;
const unwanted = 'it is no longer wanted';

export function createCheck(parts: CheckParts): Handler<WorkCheck> {
  return async (effect, context): Promise<Outcome> => {
    for (const [index, { wave, task }] of (await checksOf(parts, effect, context)).entries()) {
      const failure = await check(parts, effect, context, { index, command: task.check ?? 'true' });
      if (failure !== null)
        return {
          type: 'check_failed',
          payload: { detail: `check of wave ${wave} task ${task.number}: ${task.check}\n${failure}` },
        };
    }
    return { type: 'check_passed', payload: {} };
  };
}

async function checksOf(
  { store }: CheckParts,
  effect: WorkCheck,
  { row }: EffectContext,
): Promise<{ wave: number; task: PlanTask }[]> {
  const { document } = parsePlan((await store.planText(row.project, row.plan)) ?? '');
  return document.waves
    .flatMap(({ number, tasks }) => tasks.map((task) => ({ wave: number, task })))
    .filter(
      ({ wave, task }) =>
        task.check !== null && (effect.wave === null || (effect.wave === wave && effect.task === task.number)),
    );
}

/** null: it passed. */
async function check(
  parts: CheckParts,
  effect: WorkCheck,
  context: EffectContext,
  { index, command }: { index: number; command: string },
): Promise<string | null> {
  const { row } = context;
  const launch = await checkLaunch(parts, row, index + 1);
  const owner = { launch: basename(launch.folder.path), project: row.project, plan: row.plan, run: null };
  return withSocket(parts.sockets, owner, (socketPath) =>
    carryOut(parts, effect, context, { launch, command, socketPath }),
  );
}

async function carryOut(
  parts: CheckParts,
  effect: WorkCheck,
  context: EffectContext,
  { launch, command, socketPath }: { launch: Launch; command: string; socketPath: string },
): Promise<string | null> {
  const { abort, stop } = context;
  const { key, folder, wrapper } = launch;
  const runId = runIdOf(parts.home, key);
  if (isGone(launch)) {
    await stopTree(folder, runId, { abort, known: wrapper });
    return stop.aborted ? unwanted : `its folder was taken away while it ran: ${folder.path}`;
  }
  if (stop.aborted) return endUnwanted(folder, runId, abort);
  createRunFolder(folder, { isBegun: launch.mayHaveStarted });
  if (readClaim(folder) === null) await start(parts, effect, context, { folder, key, runId, command, socketPath });
  const claim = readClaim(folder);
  if (claim?.kind === 'void') return unwanted;
  if (claim !== null) await parts.store.commit([{ do: 'launch.note', key, wrapper: formatIdentity(claim.wrapper) }]);
  const limit = AbortSignal.timeout(limitMs);
  try {
    const end = await watchRun(folder, { abort: AbortSignal.any([abort, stop, limit]) });
    if (end.kind === 'lost') await stopTree(folder, runId, { abort, known: claim?.wrapper ?? null });
    else await sweepLeftovers(folder, runId, { abort });
    // What a check commits is nobody's work.
    await dropPrivateRepository(privatePlaceIn(folder.path));
    if (end.kind === 'exited' && end.code === 0) return null;
    const output = tailOf(folder, tailBytes);
    return `${end.kind === 'lost' ? 'it vanished' : `it exited with ${end.code}`}\n${safeText(output)}${limitsText(folder, end, output)}`;
  } catch (thrown) {
    abort.throwIfAborted();
    if (!limit.aborted && !stop.aborted) throw thrown;
    await stopTree(folder, runId, { abort });
    if (stop.aborted) return unwanted;
    return `it ran for more than ${limitMs / 60_000} minutes\n${safeText(tailOf(folder, tailBytes))}`;
  }
}

function limitsText(folder: RunFolder, end: RunEnd, output: string): string {
  const limits = end.kind === 'lost' ? null : limitsEnd(folder, { code: end.code, output });
  return limits === null || limits.kind === 'none' ? '' : `\n${limits.text}`;
}

/** An effect that an older stator began has a row of its own, which says that its checks have the folders of that time. */
async function checkLaunch(parts: CheckParts, row: EffectRow, number: number): Promise<Launch> {
  const { store } = parts;
  const key = `${row.key}/check-${number}`;
  const name = runName(row.project, row.plan, `${row.name}-check-${number}`);
  const isOlder = (await store.launch(row.key)) !== null && (await store.launch(key)) === null;
  if (isOlder && existsSync(runFolderAt(runsRoot(parts.home), name).path))
    await store.commit([{ do: 'launch.name', key, folder: name, secret: null, launchedAt: row.started_at ?? 0 }]);
  return ownLaunch(parts, key, name);
}

/** An earlier owner may have left it running, or about to run. Of those that passed nothing is left, and the one after them is looked at. */
async function endUnwanted(folder: RunFolder, runId: string, abort: AbortSignal): Promise<string | null> {
  if (!existsSync(folder.path)) return unwanted;
  await stopTree(folder, runId, { abort });
  return readExit(folder) === 0 ? null : unwanted;
}

async function start(
  parts: CheckParts,
  effect: WorkCheck,
  { row, abort }: EffectContext,
  {
    folder,
    key,
    runId,
    command,
    socketPath,
  }: { folder: RunFolder; key: string; runId: string; command: string; socketPath: string },
): Promise<void> {
  const { project, repository, worktree } = await trustedSiteOf(parts, row, effect.place);
  const profile = project.config.profiles.coder;
  const hasWalls = await parts.walls.standFor(profile);
  const env = runEnvironment({
    base: parts.env,
    run: { title: `${row.plan}-check`, role: 'coder', attempt: 1, wave: effect.wave, task: effect.task },
    project: row.project,
    plan: row.plan,
    runId,
    home: parts.home,
    socketPath,
    // Of nobody: a check judges the work, and has no say of its own.
    token: newToken(),
    folder: { prompt: folder.prompt, temp: folder.temp },
    binDir: ensureLauncher(parts.home),
    envFile: {},
    preset: 'command',
    names: profile.env,
    hasWalls,
  });
  const place = await placeOf(worktree);
  const walls = await parts.walls.around({
    ...{ env, home: parts.home, folder, worktree: place, repo: repository.path, program: '/bin/sh' },
    profile: { ...profile, preset: 'command' },
    identity: await recentIdentity(repository),
    git: hasWalls ? await gitMounts(repository, { folder, path: place, branch: effect.place.branch }) : [],
    socket: socketMounts(socketPath),
  });
  const limits = await parts.resources.around({ profile, folder, env, hasWalls });
  await parts.store.commit([{ do: 'launch.note', key, launchedAt: parts.timeline.nowMs() }]);
  abort.throwIfAborted();
  const launched = await launch({
    folder,
    argv: ['/bin/sh', '-c', command],
    limits: limits.outside,
    walls: [...walls, ...limits.inside],
    cwd: worktree,
    env,
    stdinFile: null,
  });
  if (launched.kind === 'failed') throw new EngineError('unavailable', launched.message, launched.hint);
}
