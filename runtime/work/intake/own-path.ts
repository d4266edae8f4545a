/** Checks that only the engine's user can write a folder or a file, since its text starts agents. */
import { lstat, realpath } from 'node:fs/promises';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { RepoRow } from '../../core/store/rows.ts';

export interface OwnPath {
  readonly path: string;
  readonly is: 'folder' | 'file';
}

/** Throws `bad_config` for a missing path, and for one that other users can write. */
export async function mustBeOwn(
  { path, is }: OwnPath,
  repos: { all(): readonly Pick<RepoRow, 'project' | 'path'>[] },
): Promise<void> {
  const unusable = (why: string, hint: string) => new EngineError('bad_config', `the ${is} ${path} ${why}`, hint);
  const real = await realpath(path).catch((thrown: unknown) => {
    const hint = is === 'folder' ? `make it: mkdir -p ${shellWord(path)}` : 'write it';
    throw unusable(`cannot be read: ${messageOf(thrown)}`, hint);
  });
  const found = await lstat(real);
  if (is === 'folder' ? !found.isDirectory() : !found.isFile()) throw unusable(`is no ${is}`, `name a ${is}`);
  if (found.uid !== process.getuid?.()) throw unusable('belongs to another user', `name a ${is} of your own`);
  if ((found.mode & 0o022) !== 0) throw unusable('may be written by other users', `chmod go-w ${shellWord(path)}`);
  for (const { project, path: repo } of repos.all()) {
    const root = await realpath(repo).catch(() => repo); // a missing repo contains nothing
    if (real === root || real.startsWith(`${root}/`))
      throw unusable(
        `is in the repo ${project}: who can push to that could start agents`,
        `name a ${is} outside of every repo`,
      );
  }
}
