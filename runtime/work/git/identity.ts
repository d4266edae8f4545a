/** The author of commits: always the user's own identity, never a guess. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { statOrNull } from '../../base/platform/quiet-look.ts';
import { gitFailure, tryOwnGit } from './git.ts';
import { gitFolderAt } from './git-folder.ts';
import { usersFile } from './local-settings.ts';

export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** The time in git's form, with the time zone: `+0100`. */
interface Dated extends Identity {
  readonly zone: string;
}

interface Committers {
  readonly author: Dated;
  readonly committer: Dated;
}

/** git's messages for a missing identity: it is not set, or empty. */
const knowsNobody = /tell me who you are|auto-detect|ident name|disallowed characters/;

const recentMs = 10_000;
const recent = new Map<
  string,
  { readonly atMs: number; readonly settings: string; readonly who: Promise<Committers> }
>();

/**
 * Who commits here: `GIT_AUTHOR_*` and `GIT_COMMITTER_*`, otherwise the user's git configuration; never a guess from the host's name. A result is reused
 * while the configuration files and the variables are unchanged. Returns the author. Throws `bad_config` if author or committer is not set, and `git_failed`
 * if git could not answer.
 */
export async function identity(repo: { readonly path: string }): Promise<Identity> {
  const { name, email } = (await committers(repo)).author;
  return { name, email };
}

function committers(repo: { readonly path: string }): Promise<Committers> {
  const known = recent.get(repo.path);
  const settings = settingsOf(repo).join(' ');
  if (known !== undefined && known.settings === settings && performance.now() - known.atMs < recentMs) return known.who;
  const who = askBoth(repo);
  recent.set(repo.path, { atMs: performance.now(), settings, who });
  who.catch(() => recent.delete(repo.path));
  return who;
}

async function askBoth(repo: { readonly path: string }): Promise<Committers> {
  const [author, committer] = await Promise.all([ask(repo, 'GIT_AUTHOR_IDENT'), ask(repo, 'GIT_COMMITTER_IDENT')]);
  return { author, committer };
}

function settingsOf({ path }: { readonly path: string }): string[] {
  const { env } = process;
  const files = [join(gitFolderAt(path), 'config'), join(env.HOME || homedir(), '.gitconfig'), usersFile('config')];
  const states = files.map((file) => {
    const found = statOrNull(file);
    return found === null ? '-' : `${found.ino}:${found.size}:${found.mtimeMs}`;
  });
  const variables = ['AUTHOR_NAME', 'AUTHOR_EMAIL', 'COMMITTER_NAME', 'COMMITTER_EMAIL'].map((name) => `GIT_${name}`);
  return [...states, ...[...variables, 'EMAIL'].map((name) => env[name] ?? '')];
}

/** The author and committer lines of a commit that is made now; null if a variable sets another time. Throws as `identity` does. */
export async function commitLines(repo: { readonly path: string }): Promise<string | null> {
  if (process.env.GIT_AUTHOR_DATE !== undefined || process.env.GIT_COMMITTER_DATE !== undefined) return null;
  const { author, committer } = await committers(repo);
  const seconds = Math.floor(Date.now() / 1_000);
  const line = ({ name, email, zone }: Dated) => `${name} <${email}> ${seconds} ${zone}`;
  return `author ${line(author)}\ncommitter ${line(committer)}`;
}

async function ask(repo: { readonly path: string }, who: string): Promise<Dated> {
  const args = ['var', who];
  const result = await tryOwnGit(repo.path, args);
  const [, name, email, zone] = /^(.*) <(.*)> \d+ ([+-]\d+)$/.exec(result.stdout) ?? [];
  if (result.exitCode === 0 && name && email && zone) return { name, email, zone };
  if (result.exitCode !== 0 && !knowsNobody.test(result.stderr)) throw gitFailure({ cwd: repo.path, args, result });
  throw new EngineError(
    'bad_config',
    `git does not know who commits in ${repo.path}: user.name or user.email is not set`,
    'set both: git config --global user.name "Your Name" && git config --global user.email you@example.com',
  );
}
