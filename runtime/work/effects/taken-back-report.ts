/** Reports commits that an agent made and then abandoned by its own decision. They can still be found: refs hold them, and the run's log names the refs. */
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import { noteInLog, type RunFolder } from '../agents/run-folder.ts';
import { gitDirOf } from '../git/private-collect.ts';
import { keepTakenBack } from '../git/taken-back.ts';
import { adminDirOf, isOwnFolder } from '../git/worktree-list.ts';
import type { Site } from './workplace.ts';

/** The most commits that the log names. */
const shownCommits = 10;

/** Call it when the run's last process has gone and its commits are collected; a second call does the same. */
export async function reportTakenBack(
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
