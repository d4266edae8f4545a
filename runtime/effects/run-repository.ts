/** A run's own git folder: made before an agent starts inside walls, and looked through when its last process has gone. */
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import { reasonOf } from '../../machines/vocabulary/errors.ts';
import type { RunFolder } from '../agents/run-folder.ts';
import { type Collected, collectPrivate } from '../git/private-collect.ts';
import { privatePlaceIn } from '../git/private-repository.ts';
import { adminDirOf, isOwnFolder } from '../git/worktree-list.ts';
import type { Log } from '../platform/log.ts';
import { surroundingsOf } from '../platform/surroundings.ts';
import { safeText } from '../platform/terminal-text.ts';
import { StoreTrouble } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';
import { type EffectParts, siteOf } from './workplace.ts';

/**
 * Takes over what the run committed in its own git folder; nothing where it had none. Called again after a crash it does the same. What cannot be taken
 * over is said in daemon.log and in the run's own, and is committed as files lie in the worktree, without the agent's commits. Throws what is waited for:
 * a disk that is full, a store that is locked.
 */
export async function collectRun(
  parts: EffectParts & { readonly log: Log },
  { title, place }: Pick<AgentRun, 'title' | 'place'>,
  { row, folder }: { readonly row: EffectRow; readonly folder: RunFolder },
): Promise<void> {
  const own = privatePlaceIn(folder.path);
  parts.faults('agent-run.before-collect');
  const why = await collected(parts, { title, place, row, folder }).then(
    (found) => (found.kind === 'refused' ? found.why : null),
    (thrown: unknown) => {
      if (surroundingsOf(thrown) !== null || thrown instanceof StoreTrouble) throw thrown;
      return reasonOf(thrown);
    },
  );
  parts.faults('agent-run.after-collect');
  // A copy of the worktree's, and the largest of what is there.
  await rm(join(own.gitDir, 'index'), { force: true });
  if (why === null) return;
  const text = safeText(
    `what ${title} committed could not be taken over: ${why}; its files are committed as they lie in the worktree`,
  );
  parts.log.warn(text);
  writeFileSync(folder.log, `stator: ${text}\n`, { flag: 'a', mode: 0o600 });
}

async function collected(
  parts: EffectParts,
  {
    title,
    place,
    row,
    folder,
  }: Pick<AgentRun, 'title' | 'place'> & { readonly row: EffectRow; readonly folder: RunFolder },
): Promise<Collected> {
  const { repository, worktree } = await siteOf(parts, row, place);
  const adminDir = (await isOwnFolder(worktree)) ? await adminDirOf(repository, worktree) : null;
  return collectPrivate(repository, {
    place: privatePlaceIn(folder.path),
    path: worktree,
    adminDir,
    branch: place.branch,
    message: `${title}: merged with what came to ${place.branch} meanwhile`,
  });
}
