/** One repository of a forge, ready for requests: who it is, how it is asked, and how its long lists are read. */
import { z } from 'zod';
import type { ForgeParts } from './forge.ts';
import { type CallOptions, createForgeCall, type ForgeCall } from './forge-call.ts';

interface Pages {
  /** The forge's parameter for the page size. */
  readonly sizeName: 'per_page' | 'limit';
  readonly size: number;
}

export interface ForgeConnection extends ForgeCall, Pick<ForgeParts, 'server' | 'repo'> {
  /** The parameters by which the forge's routes name the repository. */
  readonly at: Readonly<Record<string, string>>;
  /** Reads a list until a page is not full, or until the maximum of pages is reached; by default one page. Throws the errors of `ask`. */
  readPages<Item>(
    route: string,
    parameters: Readonly<Record<string, string | number>>,
    item: z.ZodType<Item>,
    pages?: number,
  ): Promise<Item[]>;
}

export function connectForge(
  parts: ForgeParts,
  { at, options, pages: { sizeName, size } }: { at: ForgeConnection['at']; options: CallOptions; pages: Pages },
): ForgeConnection {
  const call = createForgeCall(parts, options);
  return {
    ...{ ...call, at, server: parts.server, repo: parts.repo },
    async readPages(route, parameters, item, pages = 1) {
      const all = [];
      for (let page = 1; page <= pages; page += 1) {
        const answer = await call.ask({
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
    },
  };
}
