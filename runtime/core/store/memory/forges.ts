/** How the forge of each repo was found when it was asked last, in memory. */
import type { ForgeRow } from '../rows.ts';
import { byText, createTable, type Undo } from './table.ts';

export function createForges(undo: Undo) {
  const rows = createTable<string, ForgeRow>(undo);
  return {
    note({ project, server, url, code, reason, hint, since, plans }: ForgeRow): void {
      rows.set(project, { project, server, url, code, reason, hint, since, plans });
    },
    list: (): ForgeRow[] => [...rows.all()].sort((a, b) => byText(a.project, b.project)),
  };
}
