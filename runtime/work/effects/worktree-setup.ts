/**
 * The configured setup of every new worktree before an agent starts there: copying paths, and running a command. The command runs in the run's own processes,
 * before the agent. So it is claimed, logged, adopted, stopped and cleaned up like the run, and never started twice. The worktree's part of `.git` records
 * what was done; after a kill before that, it is done again.
 */

import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { messageOf, withHint } from '../../../machines/vocabulary/errors.ts';
import { logCommand } from '../../../machines/vocabulary/reason-text.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { minutesText } from '../../../machines/vocabulary/time-text.ts';
import type { Preset } from '../../base/config/config.ts';
import type { Log } from '../../base/platform/log.ts';
import { isAlive } from '../../base/platform/process-table.ts';
import { oneLine, safeText } from '../../base/platform/terminal-text.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { EffectContext, Outcome } from '../../core/outbox/handler.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { presetKeys } from '../agents/environment.ts';
import { createFileWatch } from '../agents/file-watch.ts';
import { tailOf } from '../agents/output-log.ts';
import { lastInformative } from '../agents/reports/informative-lines.ts';
import { limitReached, watchResources } from '../agents/resource-watch.ts';
import {
  noteInLog,
  type RunFolder,
  readClaim,
  readExit,
  runIdOf,
  withoutOwnLines,
  writeRunFile,
} from '../agents/run-folder.ts';
import { setupDoneFile, setupEndIn, setupEndLine } from '../agents/setup-end.ts';
import { createSetupStopLook, createStoppedTime } from '../agents/stopped-program.ts';
import { stopTree, sweepLeftovers } from '../agents/stopping.ts';
import type { LaunchRequest } from '../agents/wrapper.ts';
import { excludeOwnFolders, type Repository } from '../git/repository.ts';
import { worktreeExcludes } from '../git/worktree-folder.ts';
import { adminDirOf } from '../git/worktree-list.ts';
import { unbuiltWalls } from '../sandbox/resources.ts';
import { waitsForWalls } from '../sandbox/walls.ts';
import type { EffectParts } from './workplace.ts';
import { copyIntoWorktree } from './worktree-copy.ts';

/** Enough time to install all dependencies of a large project over a slow line. */
const limitMs = 10 * 60_000;
const pollMs = 1_000;
const tailBytes = 4_096;

/**
 * Runs in the process that becomes the agent, outside the walls; the command and the agent each have their own walls. Standard input belongs to the agent and
 * is left alone, and so do the token and the program's keys. `done` is written last: all output after it is the agent's.
 */
function scriptOf(
  { relay = [], walls, env }: Pick<LaunchRequest, 'relay' | 'walls' | 'env'>,
  { preset, setup }: { readonly preset: Preset; readonly setup: string },
): string {
  const keys = presetKeys(preset, Object.keys(env));
  // A shell ends at the name of another form; it can read no such variable.
  const own = ['STATOR_TOKEN', ...keys.filter((name) => /^[A-Za-z_]\w*$/.test(name))];
  const mark = randomUUID();
  return `# Written by stator: sets a new worktree up, then becomes the agent.
inside() {
  exec ${[...walls.map(shellWord), '"$@"'].join(' ')}
}
run=$1
marker=$2
digest=$3
command=$4
shift 4
fail() {
  echo "$1" >"$run/setup-failed.$$" && command -p mv -f "$run/setup-failed.$$" "$run/setup-failed"
  exit "$2"
}
printf '%s\\n' ${shellWord(`--- stator: setting the worktree up: ${oneLine(setup)} ---`)}
(unset ${own.join(' ')}; inside /bin/sh -c "$command") </dev/null
code=$?
[ "$code" -eq 0 ] || fail "exit $code" "$code"
{ echo "$digest" >"$marker.$$" && command -p mv -f "$marker.$$" "$marker"; } || fail 'marker' 126
command -v -- "$1" >/dev/null 2>&1 || fail "program $1" 127
echo '${setupEndLine(mark)}'
echo '${mark}' >"$run/setup-done.$$" && command -p mv -f "$run/setup-done.$$" "$run/setup-done"
exec ${[...relay, ...walls].map(shellWord).join(' ')} "$@"
`;
}

interface Done {
  readonly copied: string;
  readonly set: string;
}

/**
 * Prepares the worktree of `request.cwd` as configured: copies now, and puts the command before the agent if it must still run. Returns the request unchanged
 * if there is nothing to do. Safe to run again until the run is launched. Throws the errors of `copyIntoWorktree`, and git's errors.
 */
export async function withSetup(
  parts: EffectParts,
  { row, stop, preset }: { row: EffectRow; stop: AbortSignal; preset: Preset },
  request: LaunchRequest,
): Promise<LaunchRequest> {
  const { config } = parts.projects.get(row.project);
  const { setup, copy, dir } = config.worktree;
  const { folder } = request;
  // An owner that was killed before the launch may have left these, perhaps with another configuration.
  for (const file of [commandFile(folder), setupDoneFile(folder), failedFile(folder)]) rmSync(file, { force: true });
  const repository = await parts.projects.repository(row.project);
  await excludeOwnFolders(repository, worktreeExcludes(repository, dir));
  makeSignalFolders(repository.path, request.cwd);
  if (setup === null && copy.length === 0) return request;
  const adminDir = await mustFindAdminDir(repository, request.cwd);
  const wanted = digestsOf({ setup, copy });
  const copiedFile = join(adminDir, 'stator-copied');
  if (!(await holds(copiedFile, wanted.copied))) {
    parts.faults?.('setup.before-copy');
    await copyIntoWorktree({ repository, worktree: { path: request.cwd, adminDir }, copy, dir, stop });
    parts.faults?.('setup.after-copy');
    writeRunFile(copiedFile, `${wanted.copied}\n`);
  }
  const marker = join(adminDir, 'stator-setup');
  if (setup === null || (await holds(marker, wanted.set))) return request;
  const file = join(folder.path, 'setup.sh');
  writeRunFile(file, scriptOf(request, { preset, setup }));
  writeRunFile(commandFile(folder), setup);
  const argv = ['/bin/sh', file, folder.path, marker, wanted.set, setup, ...request.argv] as const;
  // The command begins with /bin/sh, which starts the relay and builds the walls itself.
  return { ...request, relay: [], walls: [], argv: [...argv] as [string, ...string[]] };
}

/** kasmos's agents write into their signal folder without making it. If a file of the repo is in the way, an agent sends signals by command. */
function makeSignalFolders(repo: string, worktree: string): void {
  const owners = ['.stator', ...(existsSync(join(repo, '.kasmos')) ? ['.kasmos'] : [])];
  for (const owner of owners) {
    const folders = [owner, join(owner, 'signals'), join(owner, 'signals', 'staging')].map((path) =>
      join(worktree, path),
    );
    for (const folder of folders) {
      const found = lstatSync(folder, { throwIfNoEntry: false });
      if (found === undefined) mkdirSync(folder);
      else if (!found.isDirectory()) break; // links are not followed: they may lead anywhere
    }
  }
}

/**
 * Waits while the setup command of a run works, whether we or an earlier owner started it. null: the agent begins, or the run has ended or will end for
 * another reason. Otherwise returns how the start failed, after the last process has gone.
 */
export async function awaitSetup(
  parts: EffectParts & { readonly timeline: Timeline; readonly graceMs: number; readonly log: Log },
  { id }: Pick<AgentRun, 'id'>,
  { row, abort, stop }: EffectContext,
  folder: RunFolder,
): Promise<Outcome | null> {
  const command = textOf(commandFile(folder));
  if (command === null) return null;
  const claim = readClaim(folder);
  const launchedAt = (await parts.store.launch(row.key))?.launched_at ?? parts.timeline.nowMs();
  const runId = runIdOf(parts.home, row.key);
  const stoppedMs = createStoppedTime(parts.timeline, {
    isStopped: createSetupStopLook(folder, runId),
    onStop: () => noteInLog(folder, 'the setup was stopped (SIGSTOP), and not by stator; it goes on with kill -CONT'),
  });
  const fileWatch = createFileWatch(folder.path);
  const resources = watchResources(folder, runId, {
    // The process becomes the agent as soon as the command has ended, and from then on the time counts for the agent.
    onReached: () => existsSync(setupDoneFile(folder)) || writeRunFile(failedFile(folder), 'limit\n'),
    onError: (thrown) => parts.log.debug(`what the setup in ${folder.path} takes is not known: ${messageOf(thrown)}`),
  });
  try {
    for (;;) {
      abort.throwIfAborted();
      if (stop.aborted) return null;
      // The end is looked for before the files that the command may write until then: it could fail and end between two looks.
      const hasEnded = claim?.kind !== 'wrapper' || !isAlive(claim.wrapper) || readExit(folder) !== null;
      const failure = textOf(failedFile(folder));
      if (failure !== null) return await failedStart(parts, { row, id, abort, folder, command, failure });
      if (existsSync(setupDoneFile(folder)) || hasEnded) return null;
      const sinceMs = parts.timeline.nowMs() - launchedAt - stoppedMs();
      if (sinceMs > limitMs) writeRunFile(failedFile(folder), 'time\n');
      else await fileWatch.wait(Math.min(pollMs, limitMs - sinceMs + 1), AbortSignal.any([abort, stop]));
    }
  } finally {
    fileWatch.stop();
    await resources.stop();
  }
}

/** The output of the agent alone, without that of the setup and of stator itself. */
export function withoutSetup(folder: Pick<RunFolder, 'path'>, output: string): string {
  const end = setupEndIn(folder);
  const at = end === null ? -1 : output.lastIndexOf(`${end}\n`);
  return withoutOwnLines(end === null || at === -1 ? output : output.slice(at + end.length + 1));
}

interface Failed {
  readonly row: EffectRow;
  readonly id: string;
  readonly abort: AbortSignal;
  readonly folder: RunFolder;
  readonly command: string;
  readonly failure: string;
}

async function failedStart(
  parts: EffectParts & { readonly graceMs: number },
  { row, id, abort, folder, command, failure }: Failed,
): Promise<Outcome> {
  const [kind = '', ...rest] = failure.trim().split(' ');
  const runId = runIdOf(parts.home, row.key);
  if (kind === 'time' || kind === 'limit') await stopTree(folder, runId, { graceMs: parts.graceMs, abort });
  else await sweepLeftovers(folder, runId, { abort });
  const reached = kind === 'limit' ? limitReached(folder) : null;
  const what = reached === null ? failureText(kind, rest.join(' ')) : `the setup of the worktree was ended: ${reached}`;
  const title = (await parts.store.run(row.key))?.title ?? row.name;
  const output = safeText(tailOf(folder, tailBytes)).trim();
  const unbuilt = failure.trim() === 'exit 1' ? unbuiltWalls(folder, output) : null;
  if (unbuilt !== null) {
    if (waitsForWalls(folder, id, parts.nowMs())) throw unbuilt;
    return { type: 'run_exited', payload: { code: null, cause: 'stopped', detail: withHint(unbuilt) } };
  }
  const said = lastInformative(withoutOwnLines(output));
  const detail = `${what}: ${oneLine(command)}${said === null ? '' : `: ${said}`}\n${output}\ncorrect it, or [worktree] setup in .stator/config.toml; its whole output: ${logCommand(title, null)}`;
  const cause = kind === 'program' ? 'unusable' : reached === null ? 'start-failed' : 'resource-limit';
  // The limit comes last: readers look for the reason of a failure at the end of its text.
  const fullText = reached === null ? detail : `${detail}\n${reached}`;
  return { type: 'run_exited', payload: { code: null, cause, detail: fullText.slice(-8_192) } };
}

function failureText(kind: string, rest: string): string {
  switch (kind) {
    case 'time':
      return `the setup of the worktree was still running after ${minutesText(limitMs)}, and was ended`;
    case 'program':
      return `the program ${rest} was not found, also after the setup of the worktree`;
    case 'marker':
      return 'that the worktree is set up could not be written down; is the disk full?';
    default:
      return `the setup of the worktree ended with exit code ${rest}`;
  }
}

/** The copied paths and the command: other files may require another run of the command. */
function digestsOf({ setup, copy }: { setup: string | null; copy: readonly string[] }): Done {
  const digest = (value: unknown) => textDigest(JSON.stringify(value));
  return { copied: digest(copy), set: digest({ setup, copy }) };
}

async function mustFindAdminDir(repository: Repository, worktree: string): Promise<string> {
  const adminDir = await adminDirOf(repository, worktree);
  if (adminDir !== null) return adminDir;
  throw new Error(`${repository.commonDir}/worktrees has no folder for the worktree ${worktree}, which was just made`);
}

async function holds(file: string, digest: string): Promise<boolean> {
  return (await readFile(file, 'utf8').catch(() => '')).trim() === digest;
}

/** Written if the command must still run: its text. */
function commandFile({ path }: RunFolder): string {
  return join(path, 'setup');
}

function failedFile({ path }: RunFolder): string {
  return join(path, 'setup-failed');
}

function textOf(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}
