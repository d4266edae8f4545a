/** Reads a paginated list of a forge until a page is not full, or until the maximum is reached. */
import { z } from 'zod';
import type { Ask } from './forge-call.ts';

interface Pages {
  /** The forge's parameter for the page size. */
  readonly sizeName: 'per_page' | 'limit';
  readonly size: number;
}

export type ReadPages = <Item>(
  route: string,
  parameters: Readonly<Record<string, string | number>>,
  item: z.ZodType<Item>,
  pages?: number,
) => Promise<Item[]>;

/** By default one page. Throws the errors of `ask`. */
export function createPages(ask: Ask, { sizeName, size }: Pages): ReadPages {
  return async (route, parameters, item, pages = 1) => {
    const all = [];
    for (let page = 1; page <= pages; page += 1) {
      const answer = await ask({
        route,
        parameters: { ...parameters, [sizeName]: size, page },
        // Some versions of Gitea send null for an empty list.
        shape: z.array(item).nullable(),
      });
      const items = answer ?? [];
      all.push(...items);
      if (items.length < size) break;
    }
    return all;
  };
}
