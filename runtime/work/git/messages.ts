/** The messages of commits, and the content of files in commits. */
import { ownGit, tryOwnGit } from './git.ts';

export interface CommitMessage {
  readonly commit: string;
  readonly atMs: number;
  readonly subject: string;
  readonly message: string;
}

const format = '--format=%H%x00%ct%x00%s%x00%B%x00';

/** Up to `most` commits in `from..to`, merges left out, the newest first; with `path` only those that changed that file. Throws git's errors. */
export async function messagesBetween(
  repo: { readonly path: string },
  { from, to }: { readonly from: string; readonly to: string },
  { most, path }: { readonly most: number; readonly path?: string },
): Promise<CommitMessage[]> {
  const which = path === undefined ? [] : ['--', `:(top,literal)${path}`];
  const fields = (
    await ownGit(repo.path, ['log', '--no-merges', format, `--max-count=${most}`, `${from}..${to}`, ...which])
  ).split('\0');
  const found: CommitMessage[] = [];
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [commit = '', seconds, subject = '', message = ''] = fields.slice(at, at + 4);
    found.push({ commit: commit.trim(), atMs: Number(seconds) * 1000, subject, message });
  }
  return found;
}

/** The text of the file in that commit; null: it is missing, or unreadable. */
export async function fileIn(
  repo: { readonly path: string },
  { commit, path }: { readonly commit: string; readonly path: string },
): Promise<string | null> {
  const { exitCode, stdout } = await tryOwnGit(repo.path, ['cat-file', 'blob', `${commit}:${path}`]);
  return exitCode === 0 ? stdout : null;
}
