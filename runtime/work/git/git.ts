/**
 * Runs git. Every command gets a new environment: an inherited `GIT_DIR` or `GIT_INDEX_FILE` (a stator started from a hook has both) would lead it to another
 * repository, and a prompt or an editor would wait for ever.
 */
import { constants, type Dirent } from 'node:fs';
import { access, opendir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EngineError, gitMissing, installGit, thenContinues } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { inBytes, inside, nameInBytes } from '../../base/platform/entry-names.ts';
import { environmentFault, environmentFaultInText } from '../../base/platform/environment-fault.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';
import { spawner } from '../../base/platform/spawner.ts';
import { endingHere } from './ending.ts';
import { gitEnvironment, personEnvironment } from './environment.ts';
import { gitDirAt, gitDirsFrom, overridesFor, type Setting } from './local-settings.ts';
import { clearLock, lockInTheWay } from './lock-file.ts';
import { noteMended } from './notes.ts';

/** The first version with `merge-tree --write-tree`, which all merges use. */
const oldestGit = { major: 2, minor: 38 };
const defaultTimeoutMs = 60_000;
/** The time limit of commands that read or write every file of a working tree: a large repository with LFS needs minutes. */
export const checkoutTimeoutMs = 600_000;
const killAfterMs = 5_000;
/** Most commands end before this time. A longer one may be waiting for a pipe. */
const slowMs = 2_000;
/** The time for a git to finish after its effect has ended. Nearly all finish, and leave nothing incomplete. */
const graceMs = 5_000;
const maxOutputBytes = 64 * 1024 * 1024;
const stderrTailChars = 2_000;
const shownCommandChars = 400;
/** The most left-over locks for one command; commands take few locks. */
const maxLocks = 4;

export interface GitOptions {
  /** Added to the cleaned environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Written to standard input; without it git reads nothing. */
  readonly input?: string;
  /** A file that is read as standard input instead. */
  readonly inputFile?: string;
  /** The permitted transports, such as `file`; default: none. */
  readonly protocols?: readonly string[];
  /** Output beyond this is not wanted: git is ended there, and what it wrote by then is its whole output. Default: more than 64 MiB is an error. */
  readonly cutAtBytes?: number;
}

/** Paths are names, without patterns. */
export const literalPaths = { env: { GIT_LITERAL_PATHSPECS: '1' } };

/**
 * For differences of commits: no program of the repository converts files, and the commits of submodules count, also where a `.gitmodules` or a configuration
 * ignores them.
 */
export const wholeDiff = ['--no-ext-diff', '--no-textconv', '--ignore-submodules=none'] as const;

export interface GitResult {
  readonly exitCode: number;
  /** The output without the last newline. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs git in `cwd` for the engine itself: no hook, no signature, no network, nothing in the background, no guessed identity, and no program that the
 * repository's own configuration names. Returns its standard output. Throws `git_failed`, `git_missing`, `unsafe_path`.
 */
export async function ownGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return mustSucceed({ cwd, args, result: await tryOwnGit(cwd, args, options) });
}

/** `ownGit`, but an exit code other than 0 is a result. The lock file of a killed git is removed if it is ours, otherwise named in `stderr`. */
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

/** `ownGit` for a yes-no question: exit code 1 means no and returns null. Every other code throws `git_failed`. */
export async function askOwnGit(cwd: string, args: readonly string[]): Promise<string | null> {
  const result = await tryOwnGit(cwd, args);
  return result.exitCode === 1 ? null : mustSucceed({ cwd, args, result });
}

/** `tryOwnGit` that leaves all locks alone. */
async function tryGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const { env = {}, protocols } = options;
  const gitDirs = gitDirsOf(cwd, args, env);
  const overrides = await overridesAt(gitDirs, env);
  const environment = gitEnvironment(env, { overrides, ...(protocols === undefined ? {} : { protocols }) });
  return runGit({ cwd, args, environment, options, gitDirs });
}

/**
 * Runs a person's command that reaches a remote, such as a push, with all settings of the person and the repository, including hooks and credentials. Only
 * for a trusted repository. An exit code other than 0 is a result.
 */
export function tryPersonsGit(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const gitDirs = gitDirsOf(cwd, args, options.env ?? {});
  return runGit({ cwd, args, environment: personEnvironment(options.env), options, gitDirs, isPersons: true });
}

interface Run {
  readonly cwd: string;
  /** The git folders in which it may work. */
  readonly gitDirs: readonly string[];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly options: GitOptions;
  /** It ends with this process: who leaves a push by Ctrl-C does not want it. */
  readonly isPersons?: boolean;
}

/**
 * An exit code other than 0 is a result. Throws if git did not end by itself (time limit, signal, output over 64 MiB): the output of a killed git is no
 * result. Also throws if git reports a full disk or an unreachable folder (`disk_full`, `unreachable`).
 */
async function runGit({ cwd, args, environment, options, gitDirs, isPersons = false }: Run): Promise<GitResult> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const limit = limitTime({ timeoutMs, places: { gitDirs, tree: options.env?.GIT_WORK_TREE ?? cwd }, isPersons });
  const { input, inputFile, cutAtBytes } = options;
  // git runs in its own session. So a time limit also ends its filters and transports, which would otherwise hold the output open; prompts find no terminal;
  // and Ctrl-C in the engine's terminal does not interrupt a command.
  const request = {
    ...{ program: 'git', args, cwd, env: environment, maxBytes: cutAtBytes ?? maxOutputBytes },
    ...(input === undefined ? {} : { input }),
    ...(inputFile === undefined ? {} : { inputFile }),
  };
  const { exitCode, signal, stdout, stderr, isTooLong, failure } = await spawner
    .capture(request, limit.started)
    .finally(limit.clear);
  const cause = limit.cause();
  if (isTooLong && cutAtBytes !== undefined && cause === null) return { exitCode: 0, stdout, stderr };
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

/** Whether git was ended by its time limit. */
export function isOverLimit(thrown: unknown): thrown is EngineError {
  return (
    thrown instanceof EngineError &&
    thrown.code === 'git_failed' &&
    / was still running after [\d.]+ s$/.test(thrown.message)
  );
}

/** The `git_failed` error of a command with an exit code other than 0: command, folder, code, and the end of its output. */
export function gitFailure(failed: { cwd: string; args: readonly string[]; result: GitResult }): EngineError {
  const command = shownCommand(failed.args);
  const said = errorTail(failed.result.stderr) || 'it said nothing';
  const message = `\`${command}\` in ${failed.cwd} ended with exit code ${failed.result.exitCode}: ${said}`;
  const isRemotes = /^(?:push|fetch|ls-remote|clone)$/.test(failed.args[0] ?? '');
  const isPartial = !isRemotes && /promisor|lazy fetch|transport '\w+' not allowed/.test(failed.result.stderr);
  return new EngineError('git_failed', message, isPartial ? fetchHint(failed.cwd) : handHint(failed.cwd, command));
}

/** The end of what git wrote, without the passwords of addresses. */
export function errorTail(stderr: string): string {
  // Warnings and the progress of Git LFS come first, and lists show the first line alone.
  const errors = stderr.replaceAll(/^(?:warning:|Downloading) .*\n/gm, '').trim();
  // An address that begins before the end is recognized as well.
  return withoutSecrets(errors.slice(-2 * stderrTailChars)).slice(-stderrTailChars);
}

/** The version of the git on PATH, as `2.39.5`. Throws `git_missing` when there is none or it is older than 2.38. */
export async function gitVersion(options: Pick<GitOptions, 'env'> = {}): Promise<string> {
  const said = await ownGit('/', ['--version'], options);
  const [version, major, minor] = /(\d+)\.(\d+)(?:\.\d+)*/.exec(said) ?? [];
  if (version === undefined) {
    throw new EngineError('git_missing', `\`git --version\` says ${JSON.stringify(said.slice(0, 200))}`, installGit);
  }
  const isOld =
    Number(major) < oldestGit.major || (Number(major) === oldestGit.major && Number(minor) < oldestGit.minor);
  if (!isOld) return version;
  const wanted = `${oldestGit.major}.${oldestGit.minor}`;
  throw new EngineError(
    'git_missing',
    `git ${version} is too old: ${wanted} or newer is needed, because merges are made without a worktree`,
    installGit,
  );
}

let isNewEnough = false;

/** Throws as `gitVersion`, before a git that is too old fails at the first merge, when an agent has done its work. A good answer is not asked for again. */
export async function requireGit(): Promise<void> {
  if (!isNewEnough) await gitVersion();
  isNewEnough = true;
}

/** Why a git was killed. */
type EndCause = { readonly why: string } | { readonly pipe: string };

/**
 * Ends a process group after its time limit, after its effect's end, or when it waits for a pipe: first TERM, on which git removes its lock files, then KILL.
 */
function limitTime({ timeoutMs, places, isPersons }: { timeoutMs: number; places: PipePlaces; isPersons: boolean }): {
  /** To be called with the group's id as soon as it is known. */
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
      return; // The process has just ended, and its result will follow. An error thrown from a timer would end the engine.
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
  const leave = () => kill('SIGTERM');
  if (isPersons) process.once('exit', leave);
  return {
    started(itsPid) {
      pid = itsPid;
      if (cause !== null) kill('SIGTERM');
    },
    cause: () => cause,
    clear() {
      over.abort();
      ending?.removeEventListener('abort', endSoon);
      process.removeListener('exit', leave);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function waitsForPipe({ cwd, command, pipe }: { cwd: string; command: string; pipe: string }): EngineError {
  const message = `\`${command}\` in ${cwd} waits for ${pipe}, which is a named pipe and no file, so nothing was read`;
  return new EngineError('unsafe_path', message, `take it away: rm ${shellWord(pipe)}`);
}

/**
 * git's own exit codes are at most 128, and 129 for unknown arguments. A higher code comes from a wrapper before git on PATH that reports a killed git: 128
 * plus the signal.
 */
function hasExited(exitCode: number | null): exitCode is number {
  return exitCode !== null && exitCode <= 129;
}

function signalOf(exitCode: number | null): string {
  return exitCode === null ? 'an unknown cause' : `signal ${exitCode - 128} (exit code ${exitCode})`;
}

/** The git folder is the one that the command names, otherwise one of those that git may find. */
function gitDirsOf(cwd: string, args: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const named = env.GIT_DIR ?? (args[0] === '--git-dir' ? args[1] : undefined);
  if (named === undefined) return gitDirsFrom(cwd);
  const place = gitDirAt(resolve(cwd, named));
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

/** The overrides for a git in that folder. Throws `unsafe_path` where none may run. */
export function overridesIn(gitDir: string): Promise<readonly Setting[]> {
  return overridesAt([gitDir], {});
}

/** Lists the settings of one file, with a git outside of every repository; or the settings of the user's own files, with their includes. */
async function listSettings(source: { readonly file: string } | 'own'): Promise<Setting[]> {
  if (source === 'own') {
    const [system, global] = [await listOwn('--system'), await listOwn('--global')];
    return [...system, ...global];
  }
  const args = ['config', '--file', source.file, '--no-includes', '--list', '-z'];
  return settingsIn(mustSucceed({ cwd: '/', args, result: await gitWithoutRepository(args) }));
}

/** A missing file means no settings. */
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

/** Throws if not git itself failed, but the disk or the folder in which it works. */
async function refuseSurroundings(cwd: string, args: readonly string[], stderr: string): Promise<void> {
  const command = shownCommand(args);
  const said = withoutSecrets(ownWords(stderr).trim().slice(-stderrTailChars));
  const trouble = environmentFaultInText(said, `\`${command}\` in ${cwd} could not be done`);
  if (trouble !== null) throw trouble;
  if (stderr.includes('Permission denied')) await refuseClosed(cwd, command);
}

/** What git itself wrote: a remote writes of its own machine. */
export function ownWords(stderr: string): string {
  return stderr.replaceAll(/^remote: .*\n?/gm, '');
}

async function refuseClosed(cwd: string, command: string): Promise<void> {
  const closed = await access(cwd, constants.R_OK | constants.W_OK | constants.X_OK).catch((thrown: unknown) => thrown);
  if (closed === undefined) return;
  const hint = `open it again: chmod u+rwx ${shellWord(cwd)}; ${thenContinues}`;
  throw new EngineError('unreachable', `\`${command}\` could not be done: ${cwd} may not be used`, hint, {
    cause: closed,
  });
}

/** The system reports a missing folder and a missing program with the same error. */
async function notStarted(cwd: string, cause: unknown): Promise<EngineError> {
  const isFolder = await stat(cwd).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return gitMissing(cause);
  return new EngineError('git_failed', `there is no folder ${cwd} to run git in`, `bring it back: ls -ld ${cwd}`, {
    cause,
  });
}

function shownCommand(args: readonly string[]): string {
  const shown = args.map((word) => (/^[\w@%+=:,./^{}~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
  return withoutSecrets(`git ${shown.join(' ')}`).slice(0, shownCommandChars);
}

/** Missing objects are never fetched, because that would start a transport that the repository names. */
function fetchHint(cwd: string): string {
  return `objects are missing, as in a partial clone, and stator does not fetch them: cd ${cwd} && git fetch --refetch --no-filter`;
}

function handHint(cwd: string, command: string): string {
  return `run it by hand to see more: cd ${cwd} && ${command}`;
}

/*
 * Finds pipes in the place of files that git reads. Git opens such a file and waits for ever for a writer. So when a git takes too long, this looks for a
 * named pipe among git's own files, and in the working tree under the names that git reads there.
 */

/** Files that git and Git LFS read anywhere in a working tree. */
const readNames: ReadonlySet<string> = new Set([
  '.gitattributes',
  '.gitignore',
  '.gitmodules',
  '.mailmap',
  '.lfsconfig',
]);
/** The most entries of a working tree that are searched; in a larger one people must search. */
const maxEntries = 2_000_000;

export interface PipePlaces {
  /** git's own folders, in which there should be no pipe. */
  readonly gitDirs: readonly string[];
  readonly tree: string;
}

/** The first pipe that git would wait for; null: there is none, or `abort` fired. */
async function pipeInTheWay({ gitDirs, tree }: PipePlaces, abort: AbortSignal): Promise<string | null> {
  for (const gitDir of gitDirs) {
    const found = await findPipe(gitDir, { isRead: () => true, abort });
    if (found !== null) return found;
  }
  return findPipe(tree, { isRead: (name) => readNames.has(name), abort });
}

async function findPipe(
  root: string,
  { isRead, abort }: { readonly isRead: (name: string) => boolean; readonly abort: AbortSignal },
): Promise<string | null> {
  const folders: Buffer[] = [Buffer.from(root)];
  for (let count = 0; count < maxEntries && !abort.aborted; ) {
    const folder = folders.pop();
    if (folder === undefined) return null;
    for await (const entry of entriesOf(folder)) {
      count += 1;
      if (abort.aborted) return null;
      const path = inside(folder, nameInBytes(entry));
      const name = nameInBytes(entry).toString();
      if (entry.isFIFO() && isRead(name)) return path.toString();
      // Links are not followed, and a git folder in a working tree is searched as a git folder.
      if (entry.isDirectory() && name !== '.git') folders.push(path);
    }
  }
  return null;
}

/** A missing or forbidden folder has no entries: git itself reports it. */
async function* entriesOf(folder: Buffer): AsyncGenerator<Dirent> {
  const open = await opendir(folder, inBytes).catch(() => null);
  if (open !== null) yield* open;
}
