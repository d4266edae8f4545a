/** How the forge of each repo was found when it was asked last. */
import type { ForgeEntry } from '../contract/forges.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export function createForgeViews({ store, projects }: Pick<ViewDependencies, 'store' | 'projects'>) {
  return {
    /** The forges of registered repos that were asked at least once. */
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
