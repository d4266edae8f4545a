/** Reads a plan's journal to its end. */
import type { Client, HistoryEntry } from '../../runtime/api/client/client.ts';
import type { PlanAddress } from '../session.ts';

/** The lines after the given one, the oldest first, read page by page. */
export async function* journalOf(
  client: Pick<Client, 'history'>,
  { project, plan }: PlanAddress,
  after = 0,
): AsyncGenerator<HistoryEntry> {
  for (let last: number | undefined = after; last !== undefined; ) {
    const page: HistoryEntry[] = await client.history(project, plan, { after: last });
    yield* page;
    last = page.at(-1)?.seq;
  }
}
