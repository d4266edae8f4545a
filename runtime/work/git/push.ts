/**
 * Pushes a branch to a remote, never by force. A person's push works as in git, with the repository's hooks and settings. The engine's own push runs no
 * program that the repository names, and takes credentials from the user's own settings.
 */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';
import {
  askOwnGit,
  type GitOptions,
  gitFailure,
  isOverLimit,
  ownGit,
  ownWords,
  tryOwnGit,
  tryPersonsGit,
} from './git.ts';

/** The user's pre-push hook may run their tests. */
const pushTimeoutMs = 600_000;
const askTimeoutMs = 60_000;

export interface Push {
  readonly repo: string;
  readonly branch: string;
  /** null: the remote that git would choose. */
  readonly remote: string | null;
  /** Who requested the push. */
  readonly by: 'person' | 'engine';
  /** The commit of the branch to push, without later ones; default: its head. */
  readonly commit?: string;
}

export interface Pushed {
  readonly remote: string;
  /** The remote's address, without a password. */
  readonly url: string;
  readonly head: string;
  /** false: the remote already had it. */
  readonly isNew: boolean;
}

/**
 * Throws `refused` if there is no such branch or remote, or if the remote rejects it, with the reason; `git_failed` if git could not push (credentials,
 * network, a failing hook, 10 minutes), and `unreachable` if the remote does not answer the engine.
 */
export async function pushBranch(push: Push): Promise<Pushed> {
  const head = await headOf(push);
  const remote = await remoteOf(push.repo, push.branch, push.remote);
  return send({ ...push, remote, head, lease: null });
}

/** As `pushBranch`, but only if the remote still has the branch, also at the moment of the push. null: the branch is gone, and nothing was pushed. */
export async function updateBranch(push: Push): Promise<Pushed | null> {
  const { repo, branch } = push;
  const head = await headOf(push);
  const remote = await remoteOf(repo, branch, push.remote);
  const place = { repo, remote, branch, by: push.by };
  const there = await headAt(place);
  if (there === null) return null;
  const isBehind = (await tryOwnGit(repo, ['merge-base', '--is-ancestor', there, head])).exitCode === 0;
  if (!isBehind) throw rejection({ repo, branch, remote }, 'non-fast-forward', '');
  try {
    return await send({ ...push, remote, head, lease: there });
  } catch (thrown) {
    if ((await headAt(place)) === null) return null;
    throw thrown;
  }
}

/** The commits of the branches below that folder at the push address, by name. Throws `git_failed`, and `unreachable` if it does not answer. */
export async function headsIn({ repo, remote, folder }: { repo: string; remote: string; folder: string }) {
  const [place = ''] = await pushUrls(repo, remote);
  const args = ['ls-remote', '--refs', '--', place, `refs/heads/${folder}/*`];
  const result = await tryAs('engine', { repo, args, timeoutMs: askTimeoutMs });
  if (result.exitCode !== 0) throw remoteFailure('engine', { cwd: repo, args, result });
  const lines = result.stdout.split('\n').map((line) => /^([0-9a-f]{40,64})\trefs\/heads\/(.+)$/.exec(line));
  return new Map(lines.flatMap((found) => (found === null ? [] : [[found[2] ?? '', found[1] ?? '']])));
}

/**
 * Sets one of the engine's own branches at the remote to a commit if its head is `there` (null: it must not exist), even if commits are lost. false:
 * it has another head.
 */
export async function replaceBranch(push: {
  readonly repo: string;
  readonly remote: string;
  readonly branch: string;
  readonly head: string;
  readonly there: string | null;
}): Promise<boolean> {
  const { repo, remote, branch, head, there } = push;
  try {
    await send({ repo, remote, branch, head, commit: head, by: 'engine', lease: there ?? '' });
    return true;
  } catch (thrown) {
    if (((await headAt({ repo, remote, branch, by: 'engine' })) ?? null) !== there) return false;
    throw thrown;
  }
}

async function headOf({ repo, branch, commit }: Push): Promise<string> {
  const name = `${commit ?? `refs/heads/${branch}`}^{commit}`;
  const head = await askOwnGit(repo, ['rev-parse', '--verify', '--quiet', name]);
  if (head !== null) return head;
  throw new EngineError(
    'refused',
    `there is no branch ${branch} in ${repo}`,
    'it is made when the plan is implemented; how far that is: stator plan list',
  );
}

/** The head of a branch at the push address; null: it does not exist. Throws `git_failed`, and to the engine `unreachable` if it does not answer. */
export async function headAt({ repo, remote, branch, by }: Place): Promise<string | null> {
  const [place = ''] = await pushUrls(repo, remote);
  const args = ['ls-remote', '--refs', '--', place, `refs/heads/${branch}`];
  const result = await tryAs(by, { repo, args, timeoutMs: askTimeoutMs });
  if (result.exitCode !== 0) throw remoteFailure(by, { cwd: repo, args, result });
  // git also lists a ref whose name only ends like this one.
  const line = result.stdout.split('\n').find((each) => each.endsWith(`\trefs/heads/${branch}`));
  return line?.split('\t')[0] ?? null;
}

/**
 * Runs a person's push with the repository's settings, and the engine's with only the user's own. Throws `unreachable` if the remote does not answer the
 * engine within the time limit.
 */
export async function tryAs(
  by: Push['by'],
  { repo, args, ...options }: { readonly repo: string; readonly args: readonly string[] } & GitOptions,
) {
  if (by === 'person') return tryPersonsGit(repo, args, options);
  try {
    return await tryOwnGit(repo, withPlainServer(args), { ...options, protocols: networks, env: usersAskpass() });
  } catch (thrown) {
    throw isOverLimit(thrown) ? outOfReach(thrown) : thrown;
  }
}

/** git uses the first setting for the program at the other end, which can be any command for a local or ssh remote: only a flag takes precedence. */
function withPlainServer([command = '', ...args]: readonly string[]): string[] {
  const flag = command === 'push' ? '--receive-pack' : '--upload-pack';
  return args.some((arg) => arg.startsWith(flag))
    ? [command, ...args]
    : [command, `${flag}=git${flag.slice(1)}`, ...args];
}

type Place = Pick<Sent, 'repo' | 'remote' | 'branch' | 'by'>;

interface Sent extends Push {
  readonly remote: string;
  readonly head: string;
  /** The remote accepts the push only while its branch is at this commit; empty: only while it does not exist; null: no condition. */
  readonly lease: string | null;
}

async function send({ repo, branch, remote, commit, head, lease, by }: Sent): Promise<Pushed> {
  const ref = `refs/heads/${branch}`;
  const guard = lease === null ? [] : [`--force-with-lease=${ref}:${lease}`];
  const urls = await pushUrls(repo, remote);
  const quiet = by === 'person' ? [] : unattended(urls);
  const args = ['push', '--porcelain', ...guard, ...quiet, '--', remote, `${commit ?? ref}:${ref}`];
  const result = await tryAs(by, { repo, args, timeoutMs: pushTimeoutMs });
  const line = result.stdout.split('\n').find((candidate) => /^.\t[^\t]+:refs\/heads\//.test(candidate)) ?? '';
  if (result.exitCode === 0) return { remote, url: withoutSecrets(urls[0] ?? ''), head, isNew: !line.startsWith('=') };
  if (line.startsWith('!')) throw rejection({ repo, branch, remote }, line.split('\t')[2] ?? '', result.stderr);
  throw remoteFailure(by, { cwd: repo, args, result });
}

/** The words of git, curl and ssh, which no locale changes here, for a remote that gave no answer at all, or one that passes. */
const noAnswer =
  /(?:returned error:|RPC failed; HTTP|tunnel failed, response) (?:408|429|50[0234]|52\d)\b|RPC failed; curl (?!22\b)\d|resolve (?:host|proxy)|unable to look up|Failed to connect|unable to connect to(?! cache)|Empty reply|timed out|too slow|SSL_ERROR_SYSCALL|non-properly terminated|Connection (?:refused|reset|closed by)|Broken pipe|hung up unexpectedly|No route to host|Network is unreachable/;
/** It has answered: these come with words of a lost connection. */
const denied =
  /Permission denied|Authentication failed|could not read (?:Username|Password)|Host key verification failed|not found|returned error: 40[13]\b/;

/** Whether git's own words say that the remote does not let it in, or has no such repository. */
export function isDenied(stderr: string): boolean {
  return denied.test(ownWords(stderr));
}

/** The engine waits for a remote that does not answer. */
function remoteFailure(by: Push['by'], failed: Parameters<typeof gitFailure>[0]): EngineError {
  const failure = gitFailure(failed);
  const { stderr } = failed.result;
  return by === 'engine' && noAnswer.test(ownWords(stderr)) && !isDenied(stderr) ? outOfReach(failure) : failure;
}

const outOfReach = (failure: EngineError) =>
  new EngineError('unreachable', failure.message, failure.hint, { cause: failure });

/** Whether it is the error of a remote that does not answer; other things may be `unreachable` too. */
export function isNoAnswer(thrown: unknown): thrown is EngineError {
  if (!(thrown instanceof EngineError) || thrown.code !== 'unreachable') return false;
  return thrown.cause instanceof EngineError && thrown.cause.code === 'git_failed';
}

const networks = ['http', 'https', 'ssh', 'git', 'file'];

/** Pushes only this branch, with no hook on either side: we also run the receiving git of a local remote. */
export function unattended(urls: readonly string[]): string[] {
  const flags = ['--no-verify', '--no-signed', '--no-follow-tags', '--recurse-submodules=no'];
  return urls.some(isLocal) ? [...flags, `--receive-pack=${quietReceiver}`] : flags;
}

/** The addresses that a push to the remote goes to. Throws `git_failed`. */
export async function pushUrls(repo: string, remote: string): Promise<string[]> {
  return (await ownGit(repo, ['remote', 'get-url', '--push', '--all', '--', remote])).split('\n');
}

/** A server on another machine does not accept such a command, and runs its own hooks. */
const quietReceiver =
  'git -c core.hooksPath=/dev/null -c core.alternateRefsCommand=true -c receive.autogc=false receive-pack';

/** git's rule for paths and addresses: `host:path` has its colon before the first slash. */
function isLocal(url: string): boolean {
  return /^file:/i.test(url) || !/^[^/]*:/.test(url);
}

/** The program of the user's environment that asks for passwords. */
function usersAskpass(): Record<string, string> {
  const { GIT_ASKPASS } = process.env;
  return GIT_ASKPASS === undefined ? {} : { GIT_ASKPASS };
}

/** git's choice for a push without arguments; if there is none, the only remote. Throws `refused`. */
export async function remoteOf(repo: string, branch: string, named: string | null): Promise<string> {
  const listed = await ownGit(repo, ['remote']);
  const remotes = listed.split('\n').filter((name) => name !== '');
  if (remotes.length === 0) {
    throw new EngineError(
      'refused',
      `${repo} has no remote to push ${branch} to`,
      `add one: git -C ${shellWord(repo)} remote add origin <url>`,
    );
  }
  const configured = named ?? (await configuredRemote(repo, branch));
  const [first = ''] = remotes;
  const chosen = configured ?? (remotes.includes('origin') ? 'origin' : remotes.length === 1 ? first : null);
  if (chosen?.startsWith('-') === true) {
    const message = `${repo} has a remote ${JSON.stringify(chosen)}, which git would take for a flag`;
    throw new EngineError('refused', message, `rename it: git -C ${shellWord(repo)} config --edit`);
  }
  if (chosen !== null && remotes.includes(chosen)) return chosen;
  const what =
    chosen === null ? `${repo} has ${remotes.length} remotes and none is origin` : `${repo} has no remote "${chosen}"`;
  throw new EngineError('refused', what, `name one of them with --remote: ${remotes.join(', ')}`);
}

async function configuredRemote(repo: string, branch: string): Promise<string | null> {
  for (const key of [`branch.${branch}.pushRemote`, 'remote.pushDefault', `branch.${branch}.remote`]) {
    const value = await askOwnGit(repo, ['config', '--get', key]);
    if (value !== null && value !== '') return value;
  }
  return null;
}

function rejection(
  { repo, branch, remote }: { repo: string; branch: string; remote: string },
  summary: string,
  said: string,
): EngineError {
  const place = `cd ${shellWord(repo)} && `;
  if (/non-fast-forward|fetch first|stale info/.test(summary)) {
    const range = `${shellWord(branch)}..${shellWord(`${remote}/${branch}`)}`;
    const message = `${remote} has commits on ${branch} that are not here; nothing was pushed, and nothing is overwritten`;
    return new EngineError('refused', message, `see them: ${place}git fetch ${shellWord(remote)} && git log ${range}`);
  }
  return new EngineError(
    'refused',
    `${remote} does not take ${branch}: ${wordsOfRemote(summary, said)}`,
    `by hand: ${place}git push ${shellWord(remote)} ${shellWord(branch)}`,
  );
}

/** A server and its hooks may write lines of any length. */
const lineChars = 500;

/** Why the remote does not take a ref: git's summary and the last lines that the remote wrote. */
export function wordsOfRemote(summary: string, stderr: string): string {
  const lines = stderr.split('\n').flatMap((line) => (line.startsWith('remote: ') ? [line.slice(8).trim()] : []));
  const last = lines.filter((line) => line !== '').slice(-10);
  return [summary, ...last].map((line) => withoutSecrets(line).slice(0, lineChars)).join('\n');
}
