/** What may be seen: read from rows and live trees, never changing either. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { parseTree } from '../../machines/vocabulary/ids.ts';
import type { FactEntry } from '../contract/plans.ts';
import type { RepoEntry } from '../contract/repos.ts';
import type { JournalLine, RepoRow } from '../store/rows.ts';
import { createFactView } from './facts.ts';
import type { ViewParts } from './parts.ts';
import { createPlanViews } from './plans.ts';
import { createPromptView } from './prompt.ts';
import { createRunViews } from './runs.ts';
import { createSignalViews } from './signals.ts';

/** A repo's tree as its row says it; no state: the row is damaged. */
interface RepoState {
  readonly state: string | null;
  readonly reason: string | null;
}

export type Views = ReturnType<typeof createViews>;

export function createViews(parts: ViewParts) {
  const { store } = parts;
  const { historyEntry } = createFactView(parts);

  function repoEntry({ project, path }: RepoRow, activePlans: number, stand: RepoState | undefined): RepoEntry {
    const reason = parts.troubleOf?.(project) ?? stand?.reason ?? null;
    const said = stand === undefined ? 'registered' : (stand.state ?? 'degraded');
    return { project, path, active_plans: activePlans, state: reason === null ? said : 'degraded', reason };
  }

  /** Throws `repo_not_found`. */
  function repoRow(project: string): RepoRow {
    const row = store.repos.read(project);
    if (row !== null) return row;
    throw new EngineError(
      'repo_not_found',
      `repo not registered: ${project}`,
      'register it with: stator repo add <path>',
    );
  }

  return {
    ...createPlanViews(parts),
    ...createSignalViews(parts),
    ...createRunViews(parts),
    ...createPromptView(parts),
    /** A line of the journal with the names in its tree's address; without names where it has no such address. Never throws. */
    fact(line: JournalLine): FactEntry {
      return { ...historyEntry(line), ...namesIn(line.tree) };
    },
    /** Throws `repo_not_found`. */
    mustKnow: (project: string): void => void repoRow(project),
    /** No tree is made live for it: there may be a thousand. */
    repos(): RepoEntry[] {
      const active = store.plans.activeByProject();
      const stands = store.trees.repoStates();
      return store.repos.list().map((row) => repoEntry(row, active.get(row.project) ?? 0, stands.get(row.project)));
    },
    /** Throws `repo_not_found`. */
    repo(project: string): RepoEntry {
      const row = repoRow(project);
      const active = store.plans.activeByProject().get(project) ?? 0;
      return repoEntry(row, active, store.trees.repoStates().get(project));
    },
    /** Why the repo cannot be used now; null: it can, as far as anybody knows. */
    repoReason: (project: string): string | null => parts.troubleOf?.(project) ?? null,
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
