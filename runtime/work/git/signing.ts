/**
 * Signatures on the commits that stator makes. The signing program and its key come from the person's own git configuration; a program from the repository's
 * configuration is not started. The program has no terminal for questions, and little time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError, messageOf, onOneLine } from '../../../machines/vocabulary/errors.ts';
import type { SignMode } from '../../base/config/config.ts';
import { type GitResult, tryOwnGit, tryPersonsGit } from './git.ts';
import { noteMended } from './notes.ts';

/** No person is there to answer a passphrase prompt. */
const limitMs = 10_000;
/** A signature that failed is tried again after this time. */
const againMs = 600_000;
/** How long git's configuration is remembered. */
const knownMs = 10_000;

interface Place {
  readonly path: string;
  readonly sign?: SignMode;
}

/** Whether a repository's commits are signed. `isAsked`: stator's configuration requires it; otherwise git's does. */
export type Signing = { readonly kind: 'off' } | { readonly kind: 'on'; readonly isAsked: boolean };

const known = new Map<string, { readonly atMs: number; readonly answer: Promise<boolean> }>();
/** The repositories whose last signature failed, though git signs there. */
const failed = new Map<string, { readonly atMs: number; readonly why: string }>();

/** Why commits of that repository are made without the signature that its person's git makes, as found within `againMs`; null: nothing is known of that. */
export function unsignedText(path: string): string | null {
  const found = failed.get(path);
  if (found === undefined || performance.now() - found.atMs >= againMs) return null;
  return `commits in ${path} are not signed, though git signs them for you: ${found.why}; see: stator doctor`;
}

/** `isKept`: the commit is only saved under refs/stator, not on a branch. */
export async function signingOf({ path, sign = 'never' }: Place, { isKept = false } = {}): Promise<Signing> {
  if (sign === 'never' || (isKept && sign !== 'always')) return { kind: 'off' };
  if (sign !== '') return { kind: 'on', isAsked: true };
  return (await gitSigns(path)) ? { kind: 'on', isAsked: false } : { kind: 'off' };
}

/** Whether the person's git signs every commit here (`commit.gpgSign`). */
function gitSigns(path: string): Promise<boolean> {
  const before = known.get(path);
  if (before !== undefined && performance.now() - before.atMs < knownMs) return before.answer;
  const args = ['config', '--type=bool', '--get', 'commit.gpgSign'];
  const answer = tryPersonsGit(path, args).then(({ stdout }) => stdout === 'true');
  known.set(path, { atMs: performance.now(), answer });
  answer.catch(() => known.delete(path));
  return answer;
}

/**
 * Runs `git commit-tree` with a signature; null: the commit is to be made without one, and this is logged. Throws `unsigned` if stator's configuration
 * requires a signature and there is none.
 */
export async function signedTree(
  place: Place,
  commit: {
    readonly args: readonly string[];
    readonly message: string;
    readonly isKept: boolean;
    readonly author: Readonly<Record<string, string>>;
  },
): Promise<string | null> {
  const { path } = place;
  const signing = await signingOf(place, commit);
  if (signing.kind === 'off') {
    // A commit that is only kept says nothing about those on a branch.
    if (!commit.isKept) failed.delete(path);
    return null;
  }
  const before = failed.get(path);
  if (!signing.isAsked && before !== undefined && performance.now() - before.atMs < againMs) return null;
  const made = await trySigned(path, commit, commit.author);
  if (made.kind === 'signed') {
    failed.delete(path);
    return made.commit;
  }
  if (signing.isAsked) throw unsigned(path, made.why);
  failed.set(path, { atMs: performance.now(), why: made.why });
  noteMended(`commits are not signed, though git signs them for you: ${made.why}`);
  return null;
}

type Signed =
  | { readonly kind: 'signed'; readonly commit: string }
  | { readonly kind: 'unsigned'; readonly why: string };

async function trySigned(
  path: string,
  { args, message }: { readonly args: readonly string[]; readonly message: string },
  env: Readonly<Record<string, string>> = {},
): Promise<Signed> {
  const { GNUPGHOME } = process.env;
  let result: GitResult;
  try {
    result = await tryOwnGit(path, ['commit-tree', '-S', ...args, '-F', '-'], {
      input: `${message.trimEnd()}\n`,
      env: { ...env, ...(GNUPGHOME === undefined ? {} : { GNUPGHOME }) },
      timeoutMs: limitMs,
    });
  } catch (thrown) {
    return { kind: 'unsigned', why: messageOf(thrown) };
  }
  if (result.exitCode === 0) return { kind: 'signed', commit: result.stdout };
  return { kind: 'unsigned', why: onOneLine(result.stderr.trim().split('\n').slice(-3).join('; ')) };
}

/** Signs a test commit, which is discarded; null: it works, otherwise the reason. Writes nothing into the repository. */
export async function trySigning(path: string): Promise<string | null> {
  const objects = await mkdtemp(join(tmpdir(), 'stator-sign-'));
  try {
    const tree = await tryOwnGit(path, ['hash-object', '-t', 'tree', '--stdin'], { input: '' });
    const env = { GIT_OBJECT_DIRECTORY: objects };
    const made = await trySigned(path, { args: [tree.stdout], message: 'a trial' }, env);
    return made.kind === 'signed' ? null : made.why;
  } finally {
    await rm(objects, { recursive: true, force: true });
  }
}

function unsigned(path: string, why: string): EngineError {
  return new EngineError(
    'unsigned',
    `git cannot sign a commit of ${path} without a question: ${why}`,
    'see what is missing: stator doctor; a key in ssh-agent or gpg-agent needs no question; sign = "" in .stator/config.toml signs where it works, "never" not at all',
  );
}
