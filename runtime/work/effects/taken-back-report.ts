/** What an agent committed and took back itself is its own decision. It stays findable: refs keep it, and the run's log names them. */
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { noteInLog } from '../agents/own-lines.ts';
import type { RunFolder } from '../agents/run-folder.ts';
import { gitDirOf } from '../git/private-collect.ts';
import { keepTakenBack } from '../git/taken-back.ts';
import { adminDirOf, isOwnFolder } from '../git/worktree-list.ts';
import type { Site } from './workplace.ts';

/** As many as the log names. */
const shownCommits = 10;

/** Called when the last process of the run has gone, and what it committed is taken over; called again it does the same. */
export async function tellTakenBack(
  { id, title }: Pick<AgentRun, 'id' | 'title'>,
  {
    row,
    folder,
    site: { repository, worktree },
  }: { readonly row: EffectRow; readonly folder: RunFolder; readonly site: Pick<Site, 'repository' | 'worktree'> },
): Promise<void> {
  const adminDir = isOwnFolder(worktree) ? await adminDirOf(repository, worktree) : null;
  if (adminDir === null) return;
  const ownGitDir = await gitDirOf(folder.path);
  const run = runName(row.project, row.plan, id);
  const kept = await keepTakenBack(repository, { path: worktree, adminDir }, { run, ownGitDir });
  if (kept.length === 0) return;
  const shown = kept.slice(0, shownCommits).map(({ subject, ref }) => `"${subject}" as ${ref}`);
  const more = kept.length > shownCommits ? [`and ${kept.length - shownCommits} more`] : [];
  noteInLog(
    folder,
    safeText(`${title} took back commits of its own; they are kept: ${[...shown, ...more].join(', ')}`),
  );
}
