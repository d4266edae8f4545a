/** The page of a day: what was done in it, read again when something happens. */
import { type DayModel, dayBeside, dayView } from './day-view.ts';
import { missingView } from './frame.ts';
import type { Page, PageParts } from './page.ts';
import { createRefresher } from './refresh.ts';

/** null: no such day, as in 2026-02-30, or none that the API takes: the one after it has a year of four digits too. */
function dayRange(day: string): DayModel['range'] | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || dayBeside(day, 0) !== day) return null;
  const startOf = (text: string) => new Date(`${text}T00:00:00`).getTime();
  const toMs = startOf(dayBeside(day, 1));
  return Number.isNaN(toMs) ? null : { fromMs: startOf(day), toMs };
}

export function createDayPage({ api, redraw, showRefusal, day }: PageParts & { readonly day: string }): Page {
  const range = dayRange(day);
  let model: DayModel = { day, range: range ?? { fromMs: 0, toMs: 1 }, work: null };

  async function read(): Promise<void> {
    const { fromMs, toMs } = model.range;
    // When a past day was last read, some of its runs may not have ended, so it is read again.
    model = { ...model, work: await api.work(new Date(fromMs), new Date(toMs)) };
    redraw();
  }

  const refresher = createRefresher({ work: () => read().catch(showRefusal), leastMs: 1_000, mostMs: 30_000 });
  if (range !== null) refresher.poke();
  return {
    title: () => `${day} · stator`,
    where: () => [{ text: day, href: null }],
    view: (nowMs) =>
      range === null
        ? missingView(day, 'This is no day that can be shown: write it as 2026-11-27.')
        : dayView(model, nowMs),
    heard: () => {
      if (range !== null) refresher.poke();
    },
    leave: () => refresher.stop(),
  };
}
