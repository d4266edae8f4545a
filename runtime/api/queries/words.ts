/** People's messages to agents: those that plans store, and those that no agent can get any more. */
import type { SignalPayload } from '../../../machines/vocabulary/signal.ts';
import { isForTitle, type Word } from '../../../machines/vocabulary/word.ts';
import type { SignalRow } from '../../core/store/rows.ts';
import { keptWords } from '../../work/effects/prompt-words.ts';
import type { WordEntry } from '../contract/words.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export interface WordFilter {
  readonly project: string;
  readonly plan?: string;
  /** true: also messages to the agents whose work it continues. */
  readonly title?: string;
}

export function createWordViews({ store }: Pick<ViewDependencies, 'store'>) {
  return {
    /** In the order of sending, plan by plan. */
    async words({ project, plan, title }: WordFilter): Promise<WordEntry[]> {
      const plans = plan === undefined ? (await store.plans(project)).map((row) => row.plan) : [plan];
      const found = await Promise.all(
        plans.map(async (name) => {
          const of = { project, plan: name };
          const kept = (await keptWords(store, of)).map((word) => keptEntry(of, word));
          const refused = (await store.signals(of)).filter(({ type }) => type === 'word_refused');
          return [...refused.map((row) => refusedEntry(of, row)), ...kept].sort((a, b) => a.number - b.number);
        }),
      );
      return found.flat().filter((word) => title === undefined || isForTitle(word, title));
    },
  };
}

type Of = Pick<WordEntry, 'project' | 'plan'>;

function keptEntry(of: Of, { number, title, kind, author, at, run, isTyped, question, text }: Word): WordEntry {
  const state = run === null ? 'waiting' : isTyped === true ? 'typed' : 'given';
  return { ...of, number, title, kind, author, at: timeText(at), state, run, why: null, question, text };
}

function refusedEntry(of: Of, { payload, created_at: createdAt }: SignalRow): WordEntry {
  const { number, title, kind, author, text, why } = JSON.parse(payload) as SignalPayload<'word_refused'>; // the signal's type decides it
  const refused = { state: 'refused', run: null, why, question: null } as const;
  return { ...of, number, title, kind, author, at: timeText(createdAt), ...refused, text };
}
