/** What the house looks like to those who ask: read from rows and live trees, never changing either. */
import { snapshotOf } from '../actors/addressee.ts';
import { stateText } from '../actors/recorder.ts';
import { EngineError } from '../machines/errors.ts';
import { parseTree, repoTree } from '../machines/ids.ts';
import type { FactEntry, RepoEntry } from './control/shapes.ts';
import type { JournalLine } from './store/journal.ts';
import type { ViewParts } from './views/parts.ts';
import { createPlanViews, historyEntry } from './views/plans.ts';
import { createRunViews } from './views/runs.ts';
import { createSignalViews } from './views/signals.ts';

export type Views = ReturnType<typeof createViews>;

export function createViews(parts: ViewParts) {
  const { store, cache } = parts;

  /** One repo whose stored state cannot be read hides no other. */
  function repoState(project: string): string {
    try {
      const entry = cache.get(repoTree(project));
      return entry === null ? 'registered' : stateText(snapshotOf(entry.tree.root).value);
    } catch (thrown) {
      if (thrown instanceof EngineError) return 'degraded';
      throw thrown;
    }
  }

  return {
    ...createPlanViews(parts),
    ...createSignalViews(parts),
    ...createRunViews(parts),
    /** A line of the journal with the names in its tree's address; without names where it has no such address. Never throws. */
    fact(line: JournalLine): FactEntry {
      return { ...historyEntry(line), ...namesIn(line.tree) };
    },
    /** Throws `repo_not_found`. */
    mustKnow(project: string): void {
      if (store.repos.read(project) !== null) return;
      throw new EngineError(
        'repo_not_found',
        `repo not registered: ${project}`,
        'register it with: stator repo add <path>',
      );
    },
    repos(): RepoEntry[] {
      const active = store.plans.activeByProject();
      return store.repos.list().map(({ project, path }) => {
        return { project, path, active_plans: active.get(project) ?? 0, state: repoState(project) };
      });
    },
  };
}

/** One odd line must not end the streams that come past it. */
function namesIn(address: string): { project: string | null; plan: string | null } {
  try {
    const parsed = parseTree(address);
    return { project: 'project' in parsed ? parsed.project : null, plan: 'plan' in parsed ? parsed.plan : null };
  } catch {
    return { project: null, plan: null }; // it throws of nothing else
  }
}
