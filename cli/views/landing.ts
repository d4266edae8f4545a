/** The lines of plans that wait to land on a branch, as a person reads them. */

import { restartsText } from '../../machines/vocabulary/landing.ts';
import { shortList } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type { LandingEntry } from '../../runtime/api/client/client.ts';
import type { landingOperations } from '../../runtime/api/operations/landing.ts';
import type { View } from '../operation-verb.ts';
import { plain } from '../text.ts';

/** The most plans of a line that a table names. */
const shownPlans = 5;

function stateText({ state, paused, restarts, current, line }: LandingEntry): string {
  // Plans wait in the line, and none is being landed.
  if (state === 'empty' && line.length > 0) return paused ? 'paused' : 'waiting';
  const what = [state, current.map(({ plan }) => plain(plan)).join(', ')].join(' ').trim();
  return [what, ...(restarts === 0 ? [] : [restartsText(restarts)]), ...(paused ? ['paused'] : [])].join(', ');
}

const landings: View<LandingEntry[]> = {
  list: {
    headings: ['repo', 'branch', 'state', 'behind it'],
    row: (entry) => [
      entry.project,
      entry.branch,
      { text: stateText(entry), tone: entry.paused ? 'attention' : 'plain' },
      shortList(
        entry.line.map(({ plan }) => plan),
        shownPlans,
      ),
    ],
    empty: 'no plan has waited in line; put a done one there with: stator plan land <plan>',
  },
};

const landing: View<LandingEntry> = {
  fields: (entry, paint) => [
    ['line', `${plain(entry.project)} ${plain(entry.branch)}`],
    ['state', entry.paused ? paint('attention', stateText(entry)) : stateText(entry)],
    ...entry.line.map(({ plan, since }, index): [string, string] => [
      `${index + 1}`,
      `${plain(plan)}, since ${clockTime(since)}`,
    ]),
  ],
};

const pauseLanding: View<LandingEntry> = {
  done: ({ branch }) => [`nothing lands on ${branch} until: stator landing resume ${shellWord(branch)}`],
};
const resumeLanding: View<LandingEntry> = { done: ({ branch }) => [`plans land on ${branch} again`] };
const order: View<LandingEntry> = {
  done: ({ branch, current, line }) => {
    const plans = [...current, ...line].map(({ plan }) => plan);
    return [`in line for ${branch}: ${plans.length === 0 ? 'nobody' : plans.join(', ')}`];
  },
};

export default {
  landings,
  landing,
  pauseLanding,
  resumeLanding,
  landFirst: order,
  leaveLanding: order,
} satisfies Record<keyof typeof landingOperations, View<never>>;
