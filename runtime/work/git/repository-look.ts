/** One look at a repository for many effects: it costs processes, and what it finds changes only with a few files. */
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { statOrNull } from '../../base/platform/quiet-look.ts';
import { entriesIn } from './git-folder.ts';
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
    const signature = signatureOf(path, guess, before?.repository.defaultBase ?? null);
    if (before !== undefined && before.signature === signature) return before.repository;
    seen.delete(path);
    const repository = await inspectRepository(path, shared);
    const isAsGuessed = repository.commonDir === guess && repository.path === path;
    const taken =
      isAsGuessed && before !== undefined && before.repository.defaultBase === repository.defaultBase
        ? signature
        : signatureOf(path, repository.commonDir, repository.defaultBase);
    seen.set(path, { repository, signature: taken });
    return repository;
  }
}

/**
 * The folder itself and its .git (another disk or clone may lie there by now), the configuration (bare, remotes), HEAD (the current branch), where each
 * remote's HEAD points, and whether the default branch is here as a branch of our own. A dozen calls at once: each one through a thread of its own would
 * cost the engine ten times as much, and every effect asks.
 */
function signatureOf(path: string, commonDir: string, base: string | null): string {
  const remotes = join(commonDir, 'refs', 'remotes');
  const folders = [path, join(path, '.git'), commonDir];
  const files = [
    join(commonDir, 'config'),
    join(commonDir, 'HEAD'),
    join(commonDir, 'packed-refs'),
    join(commonDir, 'reftable', 'tables.list'),
    ...entriesIn(remotes).map((remote) => join(remotes, remote, 'HEAD')),
  ];
  const hasBase = base !== null && statOrNull(join(commonDir, 'refs', 'heads', base)) !== null;
  return [
    ...folders.map((folder) => identityOf(statOrNull(folder))),
    ...files.map((file) => stateOf(statOrNull(file))),
    hasBase,
  ].join(' ');
}

function identityOf(found: Stats | null): string {
  return found === null ? '-' : `${found.dev}:${found.ino}`;
}

function stateOf(found: Stats | null): string {
  return found === null ? '-' : `${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}`;
}
