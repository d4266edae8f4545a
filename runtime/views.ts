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
    /** A line of the journal with the names in its tree's address. */
    fact(line: JournalLine): FactEntry {
      const parsed = parseTree(line.tree);
      const project = 'project' in parsed ? parsed.project : null;
      return { ...historyEntry(line), project, plan: 'plan' in parsed ? parsed.plan : null };
    },
    repos(): RepoEntry[] {
      const active = store.plans.activeByProject();
      return store.repos.list().map(({ project, path }) => {
        return { project, path, active_plans: active.get(project) ?? 0, state: repoState(project) };
      });
    },
  };
}
