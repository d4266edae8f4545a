/** How large a change is, for limits on it. */
import { ownGit } from './git.ts';

/**
 * Lines added and lines removed between two commits, summed. A file that was only moved counts nothing; a binary file is counted by the lines that
 * its bytes happen to make, so that it cannot pass for nothing.
 */
export async function changedLines(repo: { readonly path: string }, from: string, to: string): Promise<number> {
  if (from === to) return 0;
  const args = ['diff', '--no-ext-diff', '--no-textconv', '--text', '--find-renames', '--numstat', from, to];
  const rows = (await ownGit(repo.path, args)).split('\n');
  return rows.reduce((sum, row) => {
    const [added = '0', removed = '0'] = row.split('\t');
    return sum + (Number(added) || 0) + (Number(removed) || 0);
  }, 0);
}
