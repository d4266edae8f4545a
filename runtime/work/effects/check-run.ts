/** Runs one check as a process of its own that survives the engine like a run does: within walls, and with the limits of `[agents.check]`. */
import { existsSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Workplace } from '../../../machines/vocabulary/effect.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { minutesText } from '../../../machines/vocabulary/time-text.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop } from '../../base/platform/poll-loop.ts';
import { formatIdentity } from '../../base/platform/process-table.ts';
import { oneLine, safeText } from '../../base/platform/terminal-text.ts';
import { newToken } from '../../base/platform/token.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { type CheckNote, writeCheckNote } from '../agents/check-note.ts';
import { runEnvironment } from '../agents/environment.ts';
import { ensureLauncher } from '../agents/launcher.ts';
import { type RunEnd, watchRun } from '../agents/liveness.ts';
import { outputEnd } from '../agents/output-end.ts';
import { tailOf } from '../agents/output-log.ts';
import { ownPorts, portsFolder } from '../agents/own-ports.ts';
import { errorLine } from '../agents/reports/informative-lines.ts';
import { limitReached, watchResources } from '../agents/resource-watch.ts';
import { createRunFolder, noteInLog, type RunFolder, readClaim, readExit, runIdOf } from '../agents/run-folder.ts';
import { createStopLook, createStoppedTime } from '../agents/stopped-program.ts';
import { stopTree, sweepLeftovers } from '../agents/stopping.ts';
import { launch, unstartedAgent } from '../agents/wrapper.ts';
import { identity } from '../git/identity.ts';
import { dropPrivateRepository, privatePlaceIn } from '../git/private-repository.ts';
import { placeOf } from '../git/worktree-list.ts';
import { type LimitsEnd, limitsEnd, type Resources, unbuiltWalls } from '../sandbox/resources.ts';
import { type Walls, writtenWithoutWalls } from '../sandbox/walls.ts';
import { watchRefusals } from './refused-hosts.ts';
import { gitMounts } from './run-repository.ts';
import { type RunSockets, withSocket } from './run-socket.ts';
import { type EffectParts, isGone, type Launch, ownLaunch, type Site, trustedSiteOf } from './workplace.ts';

export interface CheckParts extends EffectParts {
  readonly timeline: Timeline;
  readonly env: NodeJS.ProcessEnv;
  readonly walls: Walls;
  readonly resources: Resources;
  readonly log: Log;
  readonly sockets: RunSockets;
}

/** A command that is to pass in a worktree. */
export interface AskedCheck {
  readonly plan: string;
  readonly place: Workplace;
  readonly wave: number | null;
  readonly task: number | null;
  readonly command: string;
  /** Counts the checks of one effect, from 1. */
  readonly number: number;
  /** The note for a later reader of its log; null: none. */
  readonly note: CheckNote | null;
  /** The command that shows its whole output. */
  more(folder: RunFolder): Promise<string>;
  /** Makes the checkout that it runs in, on no branch, right before it starts. Default: it runs in the worktree of a branch. */
  makeReady?(site: Site): Promise<void>;
}

/** The end of a failed check: one line, and the end of its output. */
export interface Failure {
  readonly how: string;
  /** The most informative line of its output; absent: none. */
  readonly why?: string;
  readonly output: string;
}

/** A check that takes longer has failed. */
const limitMs = 30 * 60_000;
/** The stored length of its output: with the lines before it no more than a task stores. */
const tailBytes = 3_072;
/** The length of the output's end that is searched for the error. */
const searchedBytes = 64 * 1024;
/** The most characters of a command in a message. */
const commandLength = 80;
const noLimits = { kind: 'none' } as const satisfies LimitsEnd;
const unwanted: Failure = { how: 'is no longer wanted', output: '' };

/** null: the check passed. A second call continues the check that an earlier engine started. */
export async function runCheck(parts: CheckParts, asked: AskedCheck, context: EffectContext): Promise<Failure | null> {
  const { row } = context;
  const launch = await checkLaunch(parts, row, asked);
  const owner = { launch: basename(launch.folder.path), project: row.project, plan: asked.plan, run: null };
  return withSocket(parts.sockets, owner, (socketPath) => carryOut(parts, asked, context, { launch, socketPath }));
}

/** The most informative line comes first: lists show no other line. `of`: whose check it is. */
export function failureText({ command, of }: { command: string; of: string }, { how, why, output }: Failure): string {
  const text = oneLine(command);
  const short = text.length <= commandLength ? text : `${text.slice(0, commandLength - 1)}…`;
  const line = why === undefined ? `${short} ${how}` : `${why} (${short} ${how})`;
  return `${line}\nthe check of ${of}: ${text}\n${output}`.trim();
}

async function carryOut(
  parts: CheckParts,
  asked: AskedCheck,
  context: EffectContext,
  { launch, socketPath }: { launch: Launch; socketPath: string },
): Promise<Failure | null> {
  const { abort, stop } = context;
  const { key, folder, wrapper } = launch;
  const runId = runIdOf(parts.home, key);
  if (isGone(launch)) {
    await stopTree(folder, runId, { abort, known: wrapper });
    return stop.aborted
      ? unwanted
      : { how: `has no result: its folder was taken away while it ran: ${folder.path}`, output: '' };
  }
  if (stop.aborted) return endUnwanted(folder, runId, abort);
  createRunFolder(folder, { isBegun: launch.mayHaveStarted });
  if (asked.note !== null) writeCheckNote(folder, asked.note);
  if (readClaim(folder) === null) await start(parts, asked, context, { folder, key, runId, socketPath });
  const claim = readClaim(folder);
  if (claim?.kind === 'void') return unwanted;
  if (claim !== null) await parts.store.commit([{ do: 'launch.note', key, wrapper: formatIdentity(claim.wrapper) }]);
  const limit = new AbortController();
  const begunAtMs = parts.timeline.nowMs();
  const stoppedMs = createStoppedTime(parts.timeline, {
    isStopped: createStopLook(folder, runId),
    onStop: () => noteInLog(folder, 'the check was stopped (SIGSTOP), and not by stator; it goes on with kill -CONT'),
  });
  const clock = createPollLoop({
    everyMs: 1_000,
    async work() {
      if (parts.timeline.nowMs() - begunAtMs - stoppedMs() > limitMs) limit.abort();
      return null;
    },
    onError: (thrown) =>
      parts.log.debug(`how long the check in ${folder.path} runs is not known: ${messageOf(thrown)}`),
  });
  const over = new AbortController();
  const onReached = () => over.abort();
  const onError = (thrown: unknown) =>
    parts.log.debug(`what the check in ${folder.path} takes is not known: ${messageOf(thrown)}`);
  const resources = watchResources(folder, runId, { onReached, onError });
  const refusals = watchRefusals(
    { ...parts, nowMs: () => parts.timeline.nowMs() },
    { project: context.row.project, plan: asked.plan, folder, title: `${asked.plan}-check` },
  );
  const more = await asked.more(folder);
  try {
    clock.start('with-beat');
    const end = await watchRun(folder, { abort: AbortSignal.any([abort, stop, limit.signal, over.signal]) });
    if (end.kind === 'lost') await stopTree(folder, runId, { abort, known: claim?.wrapper ?? null });
    else await sweepLeftovers(folder, runId, { abort });
    const hasPassed = end.kind === 'exited' && end.code === 0;
    if (!hasPassed) await waitIfUnstarted(parts, { folder, key, end });
    // A check's commits do not count as work.
    await dropPrivateRepository(privatePlaceIn(folder.path));
    if (hasPassed) return null;
    return failureOf(folder, { how: end.kind === 'lost' ? 'vanished' : `exited with ${end.code}`, end, more });
  } catch (thrown) {
    abort.throwIfAborted();
    if (!limit.signal.aborted && !stop.aborted && !over.signal.aborted) throw thrown;
    await stopTree(folder, runId, { abort });
    if (stop.aborted) return unwanted;
    const reached = limitReached(folder);
    if (reached !== null) return failureOf(folder, { how: `was ended: ${reached}`, end: null, more });
    return failureOf(folder, { how: `ran for more than ${minutesText(limitMs)}`, end: null, more });
  } finally {
    await Promise.all([clock.stop(), resources.stop(), refusals.stop()]);
  }
}

/** Throws if the environment did not allow its walls, or a process for it: it never ran, so the next try is another launch. */
async function waitIfUnstarted(
  { store }: CheckParts,
  { folder, key, end }: Pick<Launch, 'folder' | 'key'> & { readonly end: RunEnd },
): Promise<void> {
  const output = tailOf(folder, tailBytes);
  const unbuilt = end.kind === 'exited' && end.code === 1 ? unbuiltWalls(folder, output) : null;
  const trouble = unbuilt ?? unstartedAgent(folder, output);
  if (trouble === null) return;
  await store.commit([{ do: 'launch.remove', key }]);
  rmSync(folder.path, { recursive: true, force: true });
  throw trouble;
}

function failureOf(folder: RunFolder, { how, end, more }: { how: string; end: RunEnd | null; more: string }): Failure {
  const why = errorLine(safeText(tailOf(folder, searchedBytes)));
  const output = outputEnd(folder, { limitBytes: tailBytes, more });
  const failure = { how, ...(why === null ? {} : { why }), output };
  const limits = end === null || end.kind === 'lost' ? noLimits : limitsEnd(folder, { code: end.code, output });
  switch (limits.kind) {
    case 'none':
      return failure;
    case 'met':
      return { how: `${how}: ${limits.text}`, output };
    case 'maybe':
      return { ...failure, output: `${output}\n${limits.text}` };
    case 'unmade':
      return { ...failure, output: limits.text };
    default:
      return limits satisfies never;
  }
}

function checkLaunch(parts: CheckParts, row: EffectRow, { number, plan }: AskedCheck): Promise<Launch> {
  return ownLaunch(parts, `${row.key}/check-${number}`, runName(row.project, plan, `${row.name}-check-${number}`));
}

/** An earlier owner may have left a check running, or about to run. Passed checks leave nothing, so the next one after them is examined. */
async function endUnwanted(folder: RunFolder, runId: string, abort: AbortSignal): Promise<Failure | null> {
  if (!existsSync(folder.path)) return unwanted;
  await stopTree(folder, runId, { abort });
  return readExit(folder) === 0 ? null : unwanted;
}

async function start(
  parts: CheckParts,
  { plan, wave, task, command, ...asked }: AskedCheck,
  { row, abort }: EffectContext,
  { folder, key, runId, socketPath }: { folder: RunFolder; key: string; runId: string; socketPath: string },
): Promise<void> {
  const site = await trustedSiteOf(parts, row, asked.place);
  const { project, repository, worktree } = site;
  await asked.makeReady?.(site);
  const isDetached = asked.makeReady !== undefined;
  const profile = project.config.checks;
  const place = placeOf(worktree);
  const hasWalls = await parts.walls.areUsedFor(profile);
  const env = runEnvironment({
    base: parts.env,
    run: { title: `${plan}-check`, role: 'coder', attempt: 1, wave, task },
    project: row.project,
    plan,
    runId,
    home: parts.home,
    socketPath,
    // This token belongs to no agent: a check may not send signals.
    token: newToken(),
    folder: { prompt: folder.prompt, temp: folder.temp },
    worktree: place,
    ports: ownPorts(portsFolder(parts.home), { project: row.project, path: worktree }),
    binDir: ensureLauncher(parts.home),
    envFile: {},
    preset: 'command',
    names: profile.env,
    hasWalls,
  });
  const walls = await parts.walls.around({
    ...{ env, home: parts.home, folder, worktree: place, repo: repository.path, program: '/bin/sh' },
    profile: { ...profile, preset: 'command' },
    identity: await identity(repository),
    git: hasWalls ? await gitMounts(repository, { folder, path: place, branch: asked.place.branch, isDetached }) : [],
    socketFolder: dirname(socketPath),
    keeps: null,
  });
  const { writable } = profile;
  const written = walls?.written ?? writtenWithoutWalls({ worktree: place, folder, writable, env });
  const limits = await parts.resources.around({ profile, folder, worktree: place, written, env, hasWalls });
  await parts.store.commit([{ do: 'launch.note', key, launchedAt: parts.timeline.nowMs() }]);
  abort.throwIfAborted();
  const launched = await launch({
    folder,
    argv: ['/bin/sh', '-c', command],
    limits: limits.outside,
    walls: [...(walls?.words ?? []), ...limits.inside],
    cwd: worktree,
    env,
    stdinFile: null,
  });
  if (launched.kind === 'failed') throw new EngineError('unavailable', launched.message, launched.hint);
}
