/** A page that replaces the fleet: one plan, or one tree of a user-defined machine. */
import type { FactEntry, HistoryEntry } from '../runtime/api/contract/plans.ts';
import type { Api } from './api.ts';
import type { View } from './dom.ts';
import type { Session } from './session.ts';

/** The tools that each of these pages gets. */
export interface PageParts {
  readonly api: Api;
  readonly may: Pick<Session, 'may' | 'maySend' | 'person'>;
  /** Draws the page in the next animation frame. */
  redraw(): void;
  /** Shows a note about a completed action for some seconds. */
  say(text: string): void;
  showRefusal(thrown: unknown): void;
}

export interface Page {
  title(): string;
  where(): { text: string; href: string | null }[];
  view(nowMs: number): View;
  heard(facts: readonly FactEntry[], isGap: boolean): void;
  /** Shows another part of the same page: the last part of its address. */
  turnToPart?(name: string | null): void;
  leave(): void;
}

/** The most pages of a journal that are read at once, each of 1,000 lines. */
const pagesMost = 30;

/** Reads the lines of a journal after its last known line. */
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
