/** Agents' work that could not be put on the plan's branches: its attempts, and the refs that hold it. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { RunRow } from '../../core/store/rows.ts';
import { attemptRef, readRefs } from '../../work/git/refs.ts';
import type { Repository } from '../../work/git/repository.ts';

/** A sentence for each such attempt, the oldest first. Attempts whose refs were deleted are left out. */
export async function setAsideOf(runs: readonly RunRow[], repository: () => Promise<Repository>): Promise<string[]> {
  const asides = runs.filter(({ reason }) => reason === 'set-aside');
  if (asides.length === 0) return [];
  const refsOf = ({ project, plan, run }: RunRow) => {
    const name = runName(project, plan, run);
    return [attemptRef(name), attemptRef(`${name}-aside`)];
  };
  const there = await thoseThere(asides.flatMap(refsOf), repository);
  return asides.flatMap((run) => {
    const kept = refsOf(run).filter((ref) => there.has(ref));
    if (kept.length === 0) return [];
    return [
      `attempt ${run.attempt} of ${run.title}, as its branch could not take it: git log -p ${kept.map(shellWord).join(' ')}`,
    ];
  });
}

/** If the repository does not answer now, all attempts are listed. */
async function thoseThere(refs: readonly string[], repository: () => Promise<Repository>): Promise<Set<string>> {
  try {
    const commits = await readRefs(await repository(), refs);
    return new Set(refs.filter((_, index) => commits[index] !== null));
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return new Set(refs);
  }
}
