/** Shares the inspection of a repository among many effects: it costs processes, and its result depends only on a few files. */
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { statOrNull } from '../../base/platform/quiet-look.ts';
import { entriesIn } from './git-folder.ts';
import { inspectRepository, type Repository, type SharedAccess } from './repository.ts';

export interface RepositoryLook {
  /** As `inspectRepository` for a main working tree's path; reuses the last result while none of its files has changed. Throws the same errors. */
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
    // Taken before the inspection: a change meanwhile is noticed at the next one.
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
 * Reads the folder and its .git (another disk or clone may have replaced it), the configuration (bare, remotes), HEAD (the current branch), each remote's
 * HEAD, and whether the default branch exists locally. These are a dozen synchronous calls: asynchronous ones would cost the engine ten times as much, and
 * every effect needs this.
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
