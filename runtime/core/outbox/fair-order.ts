/** The order of starts: one project after the other, so that a busy project never delays the rest. */
import { groupBy } from '../../base/platform/group-by.ts';

/** The candidates with the projects in turn, beginning after `last`; each project keeps its own order, priorities go first. */
export function inTurn<Candidate extends { readonly project: string; readonly priority: number }>(
  candidates: readonly Candidate[],
  last: string,
): Candidate[] {
  const levels = groupBy(candidates, ({ priority }) => priority);
  const ordered: Candidate[] = [];
  for (const [, rows] of [...levels].sort(([a], [b]) => b - a)) {
    const byProject = groupBy(rows, ({ project }) => project);
    const names = [...byProject.keys()].sort();
    const begin = names.findIndex((name) => name > last);
    const turns = begin < 0 ? names : [...names.slice(begin), ...names.slice(0, begin)];
    for (let round = 0; turns.some((name) => (byProject.get(name)?.length ?? 0) > round); round += 1) {
      for (const name of turns) {
        const row = byProject.get(name)?.[round];
        if (row !== undefined) ordered.push(row);
      }
    }
  }
  return ordered;
}
