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
  /** The same for a list in an answer of another form: `page` reads its entries. `isWhole`: all pages were read. */
  readList<Item>(
    route: string,
    parameters: Readonly<Record<string, string | number>>,
    page: z.ZodType<readonly Item[]>,
    pages: number,
  ): Promise<{ readonly items: Item[]; readonly isWhole: boolean }>;
}

export function connectForge(
  parts: ForgeParts,
  { at, options, pages: { sizeName, size } }: { at: ForgeConnection['at']; options: CallOptions; pages: Pages },
): ForgeConnection {
  const call = createForgeCall(parts, options);
  const readList: ForgeConnection['readList'] = async (route, parameters, shape, pages) => {
    const items = [];
    for (let page = 1; page <= pages; page += 1) {
      const some = await call.ask({ route, parameters: { ...parameters, [sizeName]: size, page }, shape });
      items.push(...some);
      if (some.length < size) return { items, isWhole: true };
    }
    return { items, isWhole: false };
  };
  return {
    ...{ ...call, at, server: parts.server, repo: parts.repo, readList },
    async readPages(route, parameters, item, pages = 1) {
      // Some versions of Gitea send null for an empty list.
      const list = z
        .array(item)
        .nullable()
        .transform((some) => some ?? []);
      return (await readList(route, parameters, list, pages)).items;
    },
  };
}
