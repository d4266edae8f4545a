/** A list of a forge that comes page by page: read until a page is not full, or so many were read. */
import { z } from 'zod';
import type { Ask } from './forge-call.ts';

interface Pages {
  /** What the forge calls the size of a page. */
  readonly sizeName: 'per_page' | 'limit';
  readonly size: number;
}

export type ReadPages = <Item>(
  route: string,
  parameters: Readonly<Record<string, string | number>>,
  item: z.ZodType<Item>,
  pages?: number,
) => Promise<Item[]>;

/** One page where nothing else is said. Throws what `ask` throws. */
export function createPages(ask: Ask, { sizeName, size }: Pages): ReadPages {
  return async (route, parameters, item, pages = 1) => {
    const all = [];
    for (let page = 1; page <= pages; page += 1) {
      const answer = await ask({
        route,
        parameters: { ...parameters, [sizeName]: size, page },
        // An empty list is null in some versions of Gitea.
        shape: z.array(item).nullable(),
      });
      const items = answer ?? [];
      all.push(...items);
      if (items.length < size) break;
    }
    return all;
  };
}
