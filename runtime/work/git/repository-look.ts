/** One look at a repository for many effects: it costs processes, and what it finds changes only with a few files. */
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectRepository, type Repository, type SharedAccess } from './repository.ts';

export interface RepositoryLook {
  /** As `inspectRepository` of a main working tree's path; the answer of before while nothing that it rests on has changed. Throws what that throws. */
  at(path: string): Promise<Repository>;
}

interface Seen {
  readonly repository: Repository;
  readonly signature: string;
}

export function createRepositoryLook(shared: SharedAccess): RepositoryLook {
  const seen = new Map<string, Seen>();
  const looking = new Map<string, Promise<Repository>>();
  return {
    at(path) {
      const now = looking.get(path) ?? look(path).finally(() => looking.delete(path));
      looking.set(path, now);
      return now;
    },
  };

  async function look(path: string): Promise<Repository> {
    const before = seen.get(path);
    const guess = before?.repository.commonDir ?? join(path, '.git');
    // Taken before the look: what changes meanwhile is seen at the next one.
    const signature = await signatureOf(path, guess, before?.repository.defaultBase ?? null);
    if (before !== undefined && before.signature === signature) return before.repository;
    seen.delete(path);
    const repository = await inspectRepository(path, shared);
    const isAsGuessed = repository.commonDir === guess && repository.path === path;
    const taken =
      isAsGuessed && before !== undefined && before.repository.defaultBase === repository.defaultBase
        ? signature
        : await signatureOf(path, repository.commonDir, repository.defaultBase);
    seen.set(path, { repository, signature: taken });
    return repository;
  }
}

/**
 * The folder itself and its .git (another disk or clone may lie there by now), the configuration (bare, remotes), HEAD (the current branch), where each
 * remote's HEAD points, and whether the default branch is here as a branch of our own.
 */
async function signatureOf(path: string, commonDir: string, base: string | null): Promise<string> {
  const remotes = await readdir(join(commonDir, 'refs', 'remotes')).catch(() => []);
  const files = [
    join(commonDir, 'config'),
    join(commonDir, 'HEAD'),
    join(commonDir, 'packed-refs'),
    join(commonDir, 'reftable', 'tables.list'),
    ...remotes.map((remote) => join(commonDir, 'refs', 'remotes', remote, 'HEAD')),
  ];
  const folders = await Promise.all(
    [path, join(path, '.git'), commonDir].map((folder) => statOrNull(folder).then(identityOf)),
  );
  const states = await Promise.all(files.map((file) => stat(file).then(stateOf, () => '-')));
  const hasBase = base !== null && (await statOrNull(join(commonDir, 'refs', 'heads', base))) !== null;
  return [...folders, ...states, hasBase].join(' ');
}

/** null: nothing is there that can be looked at, as below a file. Whoever inspects it says why. */
function statOrNull(path: string): Promise<Stats | null> {
  return stat(path).catch(() => null);
}

function identityOf(found: Stats | null): string {
  return found === null ? '-' : `${found.dev}:${found.ino}`;
}

function stateOf({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}
