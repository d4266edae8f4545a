/** The verdicts of a plan's reviews and verifications: all of them, and the last one beside a person's own verdict. */
import type { HistoryEntry } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { panel, stateOf, timesIn, timeView } from './elements.ts';
import { planAddress, shortTitle } from './needs.ts';
import { journalAt, type PlanModel } from './plan-model.ts';
import { mayReceiveMessages, verdicts } from './state-words.ts';

/** The most verdicts that are listed, the newest first. */
const verdictsShown = 10;

function saidIn(journal: readonly HistoryEntry[]): HistoryEntry[] {
  return journal.filter(
    ({ actor, event, refused, from, to }) => actor === '' && event in verdicts && refused === null && from !== to,
  );
}

export function verdictsView(model: PlanModel, nowMs: number): View | null {
  const said = saidIn(journalAt(model)).slice(-verdictsShown);
  if (said.length === 0) return null;
  return panel(
    { key: 'verdicts', class: 'panel verdicts', heading: 'verdicts-title', title: 'Reviews', count: said.length },
    h(
      'ol',
      null,
      said.toReversed().map((line) => {
        const words = wordsOf(line, model);
        return h(
          'li',
          { key: String(line.seq) },
          verdictHead(line, nowMs),
          words === '' ? null : h('p', { class: 'words' }, words),
        );
      }),
    ),
  );
}

/** The full text if it was read, otherwise its beginning. */
function wordsOf({ signal, why }: HistoryEntry, { bodies }: PlanModel): string {
  return (signal === null ? undefined : bodies.get(signal)) ?? why ?? '';
}

function verdictHead({ event, origin, at }: HistoryEntry, nowMs: number): View[] {
  const [state, text] = verdicts[event] ?? ['asks', event];
  return [stateOf(state, text), h('span', { class: 'dim' }, `${byWhom(origin)}, `, timeView(at, nowMs))];
}

function byWhom(origin: string): string {
  if (origin === 'person') return 'by a person';
  const name = /^(?:agent|person):(.*)$/s.exec(origin)?.[1];
  return name === undefined ? 'by its program' : `by ${name}`;
}

/** Whether the plan stopped because of the last review or verification. */
export function hasReport({ journal }: Pick<PlanModel, 'journal'>): boolean {
  return verdicts[saidIn(journal).at(-1)?.event ?? '']?.[0] === 'asks';
}

/** Beside the buttons that decide: the last report in full, and the log of the reviewer that is at work. */
export function reportView(model: PlanModel, nowMs: number): View {
  const { agents, journal, named } = model;
  const last = saidIn(journal).at(-1);
  const reviewer = agents.find((agent) => agent.role === 'reviewer' && mayReceiveMessages(agent));
  const words = last === undefined ? '' : wordsOf(last, model);
  return h(
    'section',
    { key: 'report', class: 'report', 'aria-label': 'The last review' },
    last === undefined ? h('p', { class: 'dim' }, 'No review has said anything yet.') : null,
    last === undefined ? null : h('p', { class: 'report-head' }, verdictHead(last, nowMs)),
    words === ''
      ? null
      : h(
          'div',
          { class: 'words', tabindex: '0', role: 'region', 'aria-label': 'What it says' },
          timesIn(words, nowMs),
        ),
    reviewer === undefined
      ? null
      : h(
          'p',
          { class: 'dim' },
          reviewer.last_line === null ? null : `${reviewer.last_line} `,
          h(
            'a',
            { class: 'link', href: `${planAddress(named)}/${encodeURIComponent(reviewer.title)}` },
            `log of ${shortTitle(reviewer.title, named.plan)}`,
          ),
        ),
  );
}
