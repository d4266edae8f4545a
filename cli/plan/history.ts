/** `stator plan history`. */

import { clockTime, localDay } from '../../machines/vocabulary/time-text.ts';
import type { HistoryEntry } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import { planArgs, withPlan } from '../named-plan.ts';
import { wholeNumber } from '../number.ts';
import { type Output, tableWidth } from '../output.ts';
import { paged, pagerArgs } from '../pager.ts';
import { type FactContext, factText, hasFailed, isNote, whyOf } from '../run/fact-line.ts';
import type { Cell } from '../table.ts';
import { cut, padded, plain, widthOf } from '../text.ts';

export default defineVerb({
  summary: 'Print what happened to a plan, and why, including refusals.',
  args: {
    ...planArgs,
    after: {
      type: 'string',
      valueHint: 'seq',
      description: 'only events after that journal line; --verbose shows the numbers',
    },
    ...pagerArgs,
  },
  examples: ['stator plan history login', 'stator plan history login --json --after 120'],
  more: '--verbose prints every journal line, with the actors, events and states of the machines.',
  async run({ plan, after, pager }, call) {
    const options = after === undefined ? {} : { after: after === '0' ? 0 : wholeNumber('--after', after) };
    const { entries, shown } = await withPlan(call, 'read', plan, async (client, at) => ({
      entries: await client.history(at.project, at.plan, options),
      shown: await client.plan(at.project, at.plan),
    }));
    await paged(call, { pager }, (out) =>
      out.answer(entries, () => {
        if (out.verbose) return out.table(journalHeadings, entries.map(journalRow), nothing);
        let day = '';
        const lines = entries.flatMap((entry) => {
          const news = newsLines(entry, shown, out);
          const isNewDay = news.length > 0 && localDay(new Date(entry.at)) !== day;
          if (isNewDay) day = localDay(new Date(entry.at));
          return isNewDay ? [out.paint('dim', day), ...news] : news;
        });
        if (lines.length === 0) out.note(nothing);
        return lines;
      }),
    );
    return 0;
  },
});

const nothing = 'nothing happened yet';
/** As wide as the time of day, and a gap. */
const whenWidth = 10;

/** The reason is on lines of its own: at 80 columns it does not fit beside. Empty: the entry is not interesting to a person. */
function newsLines(entry: HistoryEntry, around: FactContext, out: Output): string[] {
  const text = factText(entry, around);
  if (text === null) return [];
  const width = isNote(entry) ? null : tableWidth(out);
  const room = (width ?? Number.POSITIVE_INFINITY) - whenWidth;
  // For a refusal its text says that.
  const by = entry.refused === null ? byText(entry.origin) : '';
  const what = cut(text, room - (by === '' ? 0 : widthOf(by) + 2));
  const isBad = entry.refused !== null || hasFailed(entry);
  return [
    `${padded(clockTime(entry.at), whenWidth)}${out.paint(isBad ? 'bad' : 'plain', what)}${by === '' ? '' : `  ${out.paint('dim', by)}`}`,
    ...whyOf(entry).map((line) => `${' '.repeat(whenWidth)}${out.paint('dim', cut(line, room))}`),
  ];
}

/** What the engine does by itself gets no note. */
function byText(origin: string): string {
  if (origin === 'engine') return '';
  const name = /^(?:agent|machine|person):(.*)$/s.exec(origin)?.[1];
  return name === undefined ? `by a ${origin}` : `by ${plain(name)}`;
}

const journalHeadings = ['seq', 'at', 'by', 'actor', 'event', 'from', 'to', 'why'];

function journalRow({ seq, at, origin, actor, event, from, to, refused, why }: HistoryEntry): Cell[] {
  return [
    String(seq),
    `${at.slice(0, 10)} ${clockTime(at)}`,
    origin,
    actor,
    event,
    from,
    refused === null ? to : { text: `refused${refused.guard === null ? '' : `: ${refused.guard}`}`, tone: 'bad' },
    why ?? '',
  ];
}
