/** Measures the size of a change, for limits. */
import { ownGit, wholeDiff } from './git.ts';

/**
 * The sum of added and removed lines between two commits. A file that was only moved counts as zero. A binary file is counted by the line breaks in its
 * bytes, so that it does not count as zero.
 */
export async function changedLines(repo: { readonly path: string }, from: string, to: string): Promise<number> {
  if (from === to) return 0;
  const args = ['diff', ...wholeDiff, '--text', '--find-renames', '--numstat', from, to];
  const rows = (await ownGit(repo.path, args)).split('\n');
  return rows.reduce((sum, row) => {
    const [added = '0', removed = '0'] = row.split('\t');
    return sum + (Number(added) || 0) + (Number(removed) || 0);
  }, 0);
}
