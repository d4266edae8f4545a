/** The history of a plan, as a person reads it. */
import { clockTime, localDay, localStamp } from '../../machines/vocabulary/time-text.ts';
import type { HistoryEntry } from '../../runtime/api/client/client.ts';
import type { View } from '../operation-verb.ts';
import { type Cell, type Output, tableWidth } from '../output.ts';
import { paged } from '../pager.ts';
import { type FactContext, factText, hasFailed, isNote, whyOf } from '../run/fact-line.ts';
import { cut, padded, plain, widthOf } from '../text.ts';

export const historyView: View<HistoryEntry[]> = async ({ client, call, asked, flags }) => {
  const shown = await client.plan(String(asked.project), String(asked.plan));
  return {
    print: (_call, entries) =>
      paged(call, { pager: flags.pager !== false }, (out) => {
        out.answer(entries, () =>
          out.verbose ? out.table(journalHeadings, entries.map(journalRow), nothing) : dayLines(entries, shown, out),
        );
        return 0;
      }),
  };
};

function dayLines(entries: readonly HistoryEntry[], shown: FactContext, out: Output): string[] {
  let day = '';
  const lines = entries.flatMap((entry) => {
    const news = newsLines(entry, shown, out);
    const isNewDay = news.length > 0 && localDay(new Date(entry.at)) !== day;
    if (isNewDay) day = localDay(new Date(entry.at));
    return isNewDay ? [out.paint('dim', day), ...news] : news;
  });
  if (lines.length === 0) out.note(nothing);
  return lines;
}

const nothing = 'nothing happened yet';
/** The width of the time of day and a gap. */
const whenWidth = 10;

/** The reason is on separate lines: at 80 columns it does not fit beside the rest. Empty: the entry does not interest a person. */
function newsLines(entry: HistoryEntry, around: FactContext, out: Output): string[] {
  const text = factText(entry, around);
  if (text === null) return [];
  const width = isNote(entry) ? null : tableWidth(out);
  const room = (width ?? Number.POSITIVE_INFINITY) - whenWidth;
  // The text of a refusal already names the sender.
  const by = entry.refused === null ? byText(entry.origin) : '';
  const what = cut(text, room - (by === '' ? 0 : widthOf(by) + 2));
  const isBad = entry.refused !== null || hasFailed(entry);
  return [
    `${padded(clockTime(entry.at), whenWidth)}${out.paint(isBad ? 'bad' : 'plain', what)}${by === '' ? '' : `  ${out.paint('dim', by)}`}`,
    ...whyOf(entry).map((line) => `${' '.repeat(whenWidth)}${out.paint('dim', cut(line, room))}`),
  ];
}

/** Entries of the engine itself get no note. */
function byText(origin: string): string {
  if (origin === 'engine') return '';
  const name = /^(?:agent|machine|person):(.*)$/s.exec(origin)?.[1];
  return name === undefined ? `by a ${origin}` : `by ${plain(name)}`;
}

const journalHeadings = ['seq', 'at', 'by', 'actor', 'event', 'from', 'to', 'why'];

function journalRow({ seq, at, origin, actor, event, from, to, refused, why }: HistoryEntry): Cell[] {
  return [
    String(seq),
    localStamp(at),
    origin,
    actor,
    event,
    from,
    refused === null ? to : { text: `refused${refused.guard === null ? '' : `: ${refused.guard}`}`, tone: 'bad' },
    why ?? '',
  ];
}
