/**
 * Runs git. Every command gets an environment of its own making: an inherited `GIT_DIR` or `GIT_INDEX_FILE` (a stator
 * started from a hook has both) would send it to another repository, and a prompt or an editor would wait for ever.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { environmentFault, environmentFaultInText } from '../../base/platform/environment-fault.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';
import { spawner } from '../../base/platform/spawner.ts';
import { endingHere } from './ending.ts';
import { gitEnvironment, personEnvironment } from './environment.ts';
import { gitDirAt, gitDirsFrom, overridesFor, type Setting } from './local-settings.ts';
import { clearLock, lockInTheWay } from './lock-file.ts';
import { noteMended } from './notes.ts';
import { type PipePlaces, pipeInTheWay } from './pipes.ts';

/** `merge-tree --write-tree`, on which all merges rest, came with this version. */
const oldestGit = { major: 2, minor: 38 };
const defaultTimeoutMs = 60_000;
/** For commands that read or write every file of a working tree: a large repository with LFS needs minutes. */
export const checkoutTimeoutMs = 600_000;
const killAfterMs = 5_000;
/** Most commands end before; one that does not may wait for a pipe. */
const slowMs = 2_000;
/** A git whose effect has ended is nearly always done by then, and leaves nothing half. */
const graceMs = 5_000;
const maxOutputBytes = 64 * 1024 * 1024;
const stderrTailChars = 2_000;
const shownCommandChars = 400;
/** A command takes few locks; each may be a left-over one. */
const maxLocks = 4;

export interface GitOptions {
  /** Added to the cleaned environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Written to standard input; without it git reads nothing. */
  readonly input?: string;
  /** A file that is read as standard input instead. */
  readonly inputFile?: string;
  /** The transports that it may use, such as `file`; default: none. */
  readonly protocols?: readonly string[];
}

export interface GitResult {
  readonly exitCode: number;
  /** Without the last newline. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs git in `cwd` for the engine's own ends: no hook, no signature, no network, nothing in the background, no guessed identity, and no program that the
 * repository's own configuration names. Answers its standard output. Throws `git_failed`, `git_missing`, `unsafe_path`.
 */
export async function ownGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return mustSucceed({ cwd, args, result: await tryOwnGit(cwd, args, options) });
}

/** `ownGit` where an exit code other than 0 is an answer. A lock file that a killed git left is removed where it is ours, else named in `stderr`. */
export async function tryOwnGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  for (let locks = 0; ; locks += 1) {
    const result = await tryGit(cwd, args, options);
    const lock = result.exitCode === 0 ? null : lockInTheWay(result.stderr);
    if (lock === null || locks === maxLocks) return result;
    const { isFree, said } = await clearLock(lock);
    if (!isFree) return { ...result, stderr: said };
    if (said !== null) noteMended(said);
  }
}

/** `ownGit` for a question that git answers with exit code 1 where the answer is no: null. Every other code is no answer, and throws `git_failed`. */
export async function askOwnGit(
  cwd: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<string | null> {
  const result = await tryOwnGit(cwd, args, options);
  return result.exitCode === 1 ? null : mustSucceed({ cwd, args, result });
}

/** `tryOwnGit` with what locks are in the way left alone. */
async function tryGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const { env = {}, protocols } = options;
  const gitDirs = gitDirsOf(cwd, args, env);
  const overrides = await overridesAt(gitDirs, env);
  const environment = gitEnvironment(env, { overrides, ...(protocols === undefined ? {} : { protocols }) });
  return runGit({ cwd, args, environment, options, gitDirs });
}

/**
 * Runs what a person asked for and what reaches a remote, such as a push: with all that they and the repository have set, hooks and credentials too.
 * Only for a repository that is trusted. An exit code other than 0 is an answer.
 */
export function tryPersonsGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const gitDirs = gitDirsOf(cwd, args, options.env ?? {});
  return runGit({ cwd, args, environment: personEnvironment(options.env), options, gitDirs });
}

interface Run {
  readonly cwd: string;
  /** The folders of git that it may come to work in. */
  readonly gitDirs: readonly string[];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly options: GitOptions;
}

/**
 * An exit code other than 0 is an answer. Throws when git did not come to its own end (time limit, signal, output over 64 MiB): a git
 * that was killed has answered nothing, and neither has one that says that the disk is full or a folder out of reach (`disk_full`, `unreachable`).
 */
async function runGit({ cwd, args, environment, options, gitDirs }: Run): Promise<GitResult> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const limit = limitTime({ timeoutMs, places: { gitDirs, tree: options.env?.GIT_WORK_TREE ?? cwd } });
  const { input, inputFile } = options;
  // A session of its own: a limit ends the filters and transports that git started too, which would else hold the
  // output open; no prompt finds a terminal; and Ctrl-C at the engine's lets a command come to its end.
  const request = {
    ...{ program: 'git', args, cwd, env: environment, maxBytes: maxOutputBytes },
    ...(input === undefined ? {} : { input }),
    ...(inputFile === undefined ? {} : { inputFile }),
  };
  const { exitCode, signal, stdout, stderr, isTooLong, failure } = await spawner
    .capture(request, limit.started)
    .finally(limit.clear);
  const cause = limit.cause();
  if (hasExited(exitCode) && cause === null && !isTooLong) {
    if (exitCode !== 0) await refuseSurroundings(cwd, args, stderr);
    return { exitCode, stdout, stderr };
  }
  const command = shownCommand(args);
  if (cause !== null && 'pipe' in cause) throw waitsForPipe({ cwd, command, pipe: cause.pipe });
  const thrown = failure === null ? undefined : Object.assign(new Error(failure.message), failure);
  const trouble = environmentFault(thrown);
  if (trouble !== null) throw trouble;
  if (failure?.code === 'EACCES') await refuseClosed(cwd, command);
  if (failure?.syscall !== 'open' && (failure?.code === 'ENOENT' || failure?.code === 'ENOTDIR'))
    throw await notStarted(cwd, thrown);
  const why =
    cause !== null
      ? cause.why
      : isTooLong
        ? `wrote more than ${maxOutputBytes} bytes`
        : `was ended by ${signal ?? failure?.code ?? signalOf(exitCode)}`;
  throw new EngineError('git_failed', `\`${command}\` in ${cwd} ${why}`, handHint(cwd, command), { cause: thrown });
}

/** The `git_failed` for a command that ended with another exit code than 0: command, folder, code, and the end of what it said. */
export function gitFailure(failed: { cwd: string; args: readonly string[]; result: GitResult }): EngineError {
  const command = shownCommand(failed.args);
  const said = withoutSecrets(failed.result.stderr.trim().slice(-stderrTailChars)) || 'it said nothing';
  const message = `\`${command}\` in ${failed.cwd} ended with exit code ${failed.result.exitCode}: ${said}`;
  const isPartial = /promisor|lazy fetch|transport '\w+' not allowed/.test(failed.result.stderr);
  return new EngineError('git_failed', message, isPartial ? fetchHint(failed.cwd) : handHint(failed.cwd, command));
}

/** The version of the git on PATH, as `2.39.5`. Throws `git_missing` when there is none or it is older than 2.38. */
export async function gitVersion(options: Pick<GitOptions, 'env'> = {}): Promise<string> {
  const said = await ownGit('/', ['--version'], options);
  const [version, major, minor] = /(\d+)\.(\d+)(?:\.\d+)*/.exec(said) ?? [];
  if (version === undefined) {
    throw new EngineError('git_missing', `\`git --version\` says ${JSON.stringify(said.slice(0, 200))}`, installHint);
  }
  const isOld =
    Number(major) < oldestGit.major || (Number(major) === oldestGit.major && Number(minor) < oldestGit.minor);
  if (!isOld) return version;
  const wanted = `${oldestGit.major}.${oldestGit.minor}`;
  throw new EngineError(
    'git_missing',
    `git ${version} is too old: ${wanted} or newer is needed, because merges are made without a worktree`,
    installHint,
  );
}

const installHint = 'install git 2.38 or newer (https://git-scm.com/downloads), and see that it stands first on PATH';

/** Why a git was ended. */
type EndCause = { readonly why: string } | { readonly pipe: string };

/**
 * Ends a group of processes when its time is up, when its effect has ended, or when it waits for a pipe: TERM, on which git removes its lock files, then
 * KILL.
 */
function limitTime({ timeoutMs, places }: { readonly timeoutMs: number; readonly places: PipePlaces }): {
  /** To be called with the id of the group when it is known. */
  started: (pid: number) => void;
  cause: () => EndCause | null;
  clear: () => void;
} {
  let pid: number | undefined;
  let cause: EndCause | null = null;
  const timers: NodeJS.Timeout[] = [];
  const over = new AbortController();
  const kill = (signal: NodeJS.Signals): void => {
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      return; // It ended in this moment; its result says how. Thrown from a timer, this would end the engine.
    }
  };
  const end = (why: EndCause): void => {
    if (cause !== null || over.signal.aborted) return;
    cause = why;
    kill('SIGTERM');
    timers.push(setTimeout(kill, killAfterMs, 'SIGKILL'));
  };
  const later = (afterMs: number, act: () => void) => void timers.push(setTimeout(act, afterMs));
  later(timeoutMs, () => end({ why: `was still running after ${timeoutMs / 1000} s` }));
  later(slowMs, () => {
    void pipeInTheWay(places, over.signal).then((pipe) => (pipe === null ? undefined : end({ pipe })));
  });
  const ending = endingHere();
  const endSoon = () => later(graceMs, () => end({ why: 'was ended with what it was done for' }));
  if (ending?.aborted === true) endSoon();
  ending?.addEventListener('abort', endSoon, { once: true });
  return {
    started(itsPid) {
      pid = itsPid;
      if (cause !== null) kill('SIGTERM');
    },
    cause: () => cause,
    clear() {
      over.abort();
      ending?.removeEventListener('abort', endSoon);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function waitsForPipe({ cwd, command, pipe }: { cwd: string; command: string; pipe: string }): EngineError {
  const message = `\`${command}\` in ${cwd} waits for ${pipe}, which is a named pipe and no file, so nothing was read`;
  return new EngineError('unsafe_path', message, `take it away: rm ${shellWord(pipe)}`);
}

/** Git itself says 128 at most, and 129 to words that it does not know. Beyond that a program that stands before it on PATH tells of its death: 128 and the signal. */
function hasExited(exitCode: number | null): exitCode is number {
  return exitCode !== null && exitCode <= 129;
}

function signalOf(exitCode: number | null): string {
  return exitCode === null ? 'an unknown cause' : `signal ${exitCode - 128} (exit code ${exitCode})`;
}

/** The folder of git is the one that the command is told of, else one of those that it may find. */
function gitDirsOf(cwd: string, args: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const told = env.GIT_DIR ?? (args[0] === '--git-dir' ? args[1] : undefined);
  if (told === undefined) return gitDirsFrom(cwd);
  const place = gitDirAt(resolve(cwd, told));
  return place === null ? [] : [place];
}

async function overridesAt(
  gitDirs: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly Setting[]> {
  const overrides: Setting[] = [];
  for (const gitDir of gitDirs)
    for (const one of await overridesFor({ gitDir, commonDir: env.GIT_COMMON_DIR ?? null }, listSettings))
      overrides.push(one);
  return overrides;
}

/** Of one file, by a git that works in no repository; or of the user's own files, with what they include. */
async function listSettings(source: { readonly file: string } | 'own'): Promise<Setting[]> {
  if (source === 'own') {
    const [system, global] = [await listOwn('--system'), await listOwn('--global')];
    return [...system, ...global];
  }
  const args = ['config', '--file', source.file, '--no-includes', '--list', '-z'];
  return settingsIn(mustSucceed({ cwd: '/', args, result: await gitWithoutRepository(args) }));
}

/** A user without such a file has no settings in it. */
async function listOwn(scope: '--system' | '--global'): Promise<Setting[]> {
  const result = await gitWithoutRepository(['config', scope, '--includes', '--list', '-z']);
  return result.exitCode === 0 ? settingsIn(result.stdout) : [];
}

function gitWithoutRepository(args: readonly string[]): Promise<GitResult> {
  return runGit({ cwd: '/', args, environment: gitEnvironment({ GIT_DIR: '/dev/null' }), options: {}, gitDirs: [] });
}

function settingsIn(listing: string): Setting[] {
  const entries = listing.split('\0').filter((entry) => entry !== '');
  return entries.map((entry) => {
    const end = entry.indexOf('\n');
    return end < 0 ? { key: entry, value: 'true' } : { key: entry.slice(0, end), value: entry.slice(end + 1) };
  });
}

function mustSucceed(ran: { cwd: string; args: readonly string[]; result: GitResult }): string {
  if (ran.result.exitCode !== 0) throw gitFailure(ran);
  return ran.result.stdout;
}

/** Throws where it was not git that failed, but the disk or the folder that it works in. */
async function refuseSurroundings(cwd: string, args: readonly string[], stderr: string): Promise<void> {
  const command = shownCommand(args);
  const said = withoutSecrets(stderr.trim().slice(-stderrTailChars));
  const trouble = environmentFaultInText(said, `\`${command}\` in ${cwd} could not be done`);
  if (trouble !== null) throw trouble;
  if (stderr.includes('Permission denied')) await refuseClosed(cwd, command);
}

async function refuseClosed(cwd: string, command: string): Promise<void> {
  const closed = await access(cwd, constants.R_OK | constants.W_OK | constants.X_OK).catch((thrown: unknown) => thrown);
  if (closed === undefined) return;
  const hint = `open it again: chmod u+rwx ${shellWord(cwd)}; it continues by itself`;
  throw new EngineError('unreachable', `\`${command}\` could not be done: ${cwd} may not be used`, hint, {
    cause: closed,
  });
}

/** The system reports a missing folder and a missing program alike. */
async function notStarted(cwd: string, cause: unknown): Promise<EngineError> {
  const isFolder = await stat(cwd).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return new EngineError('git_missing', 'git is not installed, or not on PATH', installHint, { cause });
  return new EngineError('git_failed', `there is no folder ${cwd} to run git in`, `bring it back: ls -ld ${cwd}`, {
    cause,
  });
}

function shownCommand(args: readonly string[]): string {
  const shown = args.map((word) => (/^[\w@%+=:,./^{}~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
  return withoutSecrets(`git ${shown.join(' ')}`).slice(0, shownCommandChars);
}

/** Nothing is fetched because it is missing: that would start the transport that the repository names. */
function fetchHint(cwd: string): string {
  return `objects are missing, as in a partial clone, and stator does not fetch them: cd ${cwd} && git fetch --refetch --no-filter`;
}

function handHint(cwd: string, command: string): string {
  return `run it by hand to see more: cd ${cwd} && ${command}`;
}
