/** What the page shows in place of the fleet: one plan, or one tree of a user-defined machine. */
import type { FactEntry, HistoryEntry } from '../runtime/api/contract/plans.ts';
import type { Api } from './api.ts';
import type { View } from './dom.ts';
import type { Session } from './session.ts';

/** What each of these pages works with. */
export interface PageParts {
  readonly api: Api;
  readonly may: Pick<Session, 'may' | 'maySend' | 'person'>;
  /** Draws the page again, soon. */
  redraw(): void;
  /** Says for a moment what was done. */
  say(text: string): void;
  tellRefusal(thrown: unknown): void;
}

export interface Page {
  title(): string;
  where(): { text: string; href: string | null }[];
  view(nowMs: number): View;
  heard(facts: readonly FactEntry[], isGap: boolean): void;
  /** Shows another part of the same thing: the last part of its address. */
  turnToPart?(name: string | null): void;
  leave(): void;
}

/** Pages of a journal that are read at once, 1,000 lines each. */
const pagesMost = 30;

/** Reads a journal on from its last known line. */
export async function readOn(
  last: () => number,
  read: (after: number) => Promise<readonly HistoryEntry[]>,
  add: (lines: readonly HistoryEntry[]) => void,
): Promise<void> {
  for (let page = 0; page < pagesMost; page += 1) {
    const lines = await read(last());
    const fresh = lines.filter(({ seq }) => seq > last());
    if (fresh.length > 0) add(fresh);
    if (lines.length < 1_000) return;
  }
}
