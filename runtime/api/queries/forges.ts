/** How the forge of each repo was found when it was asked last. */
import type { ForgeEntry } from '../contract/forges.ts';
import { timeText, type ViewParts } from './parts.ts';

export function createForgeViews({ store, projects }: Pick<ViewParts, 'store' | 'projects'>) {
  return {
    /** Of registered repos whose forge was ever asked. */
    async forges(): Promise<ForgeEntry[]> {
      const rows = (await store.forges()).filter(({ project }) => projects.find(project) !== null);
      return rows.map(({ project, server, url, code, reason, hint, since, plans }) => ({
        ...{ project, server, url, code, reason, hint },
        state: code === null ? 'up' : 'down',
        since: timeText(since),
        waiting_plans: [...plans],
      }));
    },
  };
}
