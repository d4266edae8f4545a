/** The state of each repo's forge at its last request. */
import type { ForgeEntry } from '../contract/forges.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export function createForgeViews({ store, projects }: Pick<ViewDependencies, 'store' | 'projects'>) {
  return {
    /** The forges of registered repos to which at least one request was sent. */
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
