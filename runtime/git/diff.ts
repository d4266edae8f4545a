/** What differs between two commits, small enough for a prompt. */
import { ownGit } from './git.ts';

const statBytes = 4 * 1024;
const maxFiles = 1_000;
const plain = ['--no-ext-diff', '--no-textconv', '--no-color'] as const;

/** `git diff --stat` of two commits, cut at 4 KiB at the end of a line; the last line says what was cut. Empty where nothing differs. */
export async function diffStat(repo: { readonly path: string }, from: string, to: string): Promise<string> {
  const whole = await ownGit(repo.path, ['-c', 'core.quotePath=false', 'diff', ...plain, '--stat=120', from, to]);
  if (Buffer.byteLength(whole) <= statBytes) return whole;
  const lines = whole.split('\n');
  const summary = lines.pop() ?? '';
  const kept: string[] = [];
  let room = statBytes - Buffer.byteLength(summary) - 100;
  for (const line of lines) {
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) break;
    kept.push(line);
  }
  return [...kept, ` … and ${lines.length - kept.length} more files`, summary].join('\n');
}

/** How much of a file changed; null where it is binary. */
export interface ChangedFile {
  readonly path: string;
  readonly added: number | null;
  readonly removed: number | null;
}

/** The files that differ between two commits with their lines, 1,000 at most; one that was moved is two. */
export async function fileChanges(repo: { readonly path: string }, from: string, to: string): Promise<ChangedFile[]> {
  const rows = await ownGit(repo.path, ['diff', ...plain, '--no-renames', '--numstat', '-z', from, to]);
  return rows.split('\0').slice(0, maxFiles).flatMap(changedFile);
}

function changedFile(row: string): ChangedFile[] {
  const [, added = '', removed = '', path = ''] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(row) ?? [];
  if (path === '') return [];
  return [{ path, added: added === '-' ? null : Number(added), removed: removed === '-' ? null : Number(removed) }];
}

/** The paths that differ between two commits or trees, 1,000 at most unless told. */
export async function changedFiles(
  repo: { readonly path: string },
  from: string,
  to: string,
  limit = maxFiles,
): Promise<string[]> {
  const names = await ownGit(repo.path, ['diff', ...plain, '--no-renames', '--name-only', '-z', from, to]);
  return names
    .split('\0')
    .filter((name) => name !== '')
    .slice(0, limit);
}
