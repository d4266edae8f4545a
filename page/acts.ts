/**
 * The acts of a person on a plan: which acts a plan's need offers, and how the page carries one out. An act that ends work, moves a branch or may
 * cost money shows its effect first, and a person confirms it.
 */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import type { SignalAnswer } from '../runtime/api/contract/signals.ts';
import { ApiError, type Named } from './api.ts';
import { words } from './format.ts';
import type { PageParts } from './page.ts';

export interface Act {
  readonly named: Named;
  readonly type: string;
  readonly payload: Record<string, unknown>;
  /** The signal that is sent before this one; null: none. */
  readonly first: string | null;
  /** The note that is shown when the act is done. */
  readonly done: string;
  /** Called when the act is done. */
  readonly then?: () => void;
}

/** An act that a person must confirm. */
export interface Sure extends Act {
  /** The effects of the act, one per line. */
  readonly says: readonly string[];
}

export interface ActState {
  /** The request under way, so that it is not sent twice. */
  readonly busy: string | null;
  /** The confirmation that is shown; null: none. */
  readonly sure: Sure | null;
}

export interface ActsParts extends Pick<PageParts, 'api' | 'say' | 'showRefusal'> {
  state(): ActState;
  change(part: Partial<ActState>): void;
  /** Called after each answer of the daemon, since the plan may have changed. */
  onAnswer(): void;
}

const underReviewAgain =
  'the plan is under review again, with your comments as that review: a fixer starts, unless a setting has the plan wait for you';

export function createActs({ api, say, showRefusal, state, change, onAnswer }: ActsParts) {
  function ask(type: string, asking: () => Promise<SignalAnswer>, done: string, then = () => {}): void {
    if (state().busy !== null) return;
    change({ busy: type });
    asking()
      .then(({ signal }) => {
        if (signal.status !== 'failed') {
          say(signal.status === 'done' ? done : `${words(type)}: ${signal.status}`);
          then();
        } else if (signal.refused === null)
          throw new ApiError('refused', `${words(type)} was not done: ${String(signal.result)}`, '');
        else throw refusalOf(type, signal.refused);
      })
      .catch(showRefusal)
      .finally(() => {
        change({ busy: null });
        onAnswer();
      });
  }

  function sendNow({ named, type, payload, first, done, then }: Act): void {
    const sending = async () => {
      if (first !== null) {
        const before = await api.send(named, first);
        if (before.signal.status === 'failed') return before;
      }
      return api.send(named, type, payload);
    };
    ask(type, sending, done, then);
  }

  return {
    ask,
    send(act: Act): void {
      if (state().busy !== null) return;
      const { named, type, payload, first } = act;
      change({ busy: type, sure: null });
      (first === null ? api.preview(named, type, payload) : api.preview(named, first))
        .then(({ asks, says }) => {
          change({ busy: null });
          // The second request reports the outcome of both.
          if (asks) change({ sure: { ...act, says: first === null ? says : [underReviewAgain] } });
          else sendNow(act);
        })
        .catch((thrown: unknown) => {
          change({ busy: null });
          showRefusal(thrown);
        });
    },
    answerSure(isYes: boolean): void {
      const { sure } = state();
      change({ sure: null });
      if (isYes && sure !== null) sendNow(sure);
    },
  };
}

interface Refusal {
  readonly by: string;
  readonly state: string;
  readonly guard: string | null;
  readonly accepts: readonly string[];
}

function refusalOf(type: string, { by, state, guard, accepts }: Refusal): ApiError {
  const why = guard === null ? '' : `: ${guard}`;
  return new ApiError(
    'refused',
    `${words(type)} is refused by ${by} in ${state}${why}`,
    `it takes: ${accepts.join(', ')}`,
  );
}

/** An act that a need names, and that needs no text from a person. */
export interface Offer extends Pick<Act, 'type' | 'payload' | 'done'> {
  readonly text: string;
}

/** The ways in which a person lands the work of a done plan. */
export const landingOffers = [
  { type: 'merge', payload: {}, text: 'Merge', done: 'It is being merged.' },
  { type: 'create_pr', payload: {}, text: 'Pull request', done: 'Its pull request is being made.' },
] as const satisfies readonly Offer[];

const retry: Offer = { type: 'retry_wave', payload: {}, text: 'Retry', done: 'What failed runs again.' };
const nextWave: Offer = { type: 'advance_wave', payload: {}, text: 'Next wave', done: 'It goes on.' };
const goOn: Offer = { type: 'resolve', payload: {}, text: 'Go on', done: 'It goes on.' };

/** The offer for each end of a command that a need names. */
const offers: readonly (readonly [end: RegExp, offer: Offer])[] = [
  [/ answer \S+( "<what it should know>")?$/, goOn],
  [
    / answer \S+ --restore$/,
    { type: 'resolve', payload: { restore: true }, text: 'Bring it back', done: 'It is brought back.' },
  ],
  [
    / answer \S+ --accept$/,
    { type: 'resolve', payload: { accept: true }, text: 'Accept it as it is', done: 'It is taken as it is.' },
  ],
  [/ advance \S+ retry-wave$/, retry],
  [/ advance \S+ advance-wave$/, nextWave],
];

/** The acts that meet a need at once. A question and a budget need a text or a number: these are entered on the page of the plan. */
export function offersOf(plan: Pick<PlanEntry, 'need' | 'status'>): Offer[] {
  const commands = plan.need?.do ?? [];
  const named = commands.flatMap((command) => offers.filter(([end]) => end.test(command)).map(([, offer]) => offer));
  const isFailed = named.includes(retry);
  return named.map((offer) => {
    if (offer === goOn) return { ...offer, text: goOnText(plan) };
    return offer === nextWave && isFailed ? { ...offer, text: 'Go on without it' } : offer;
  });
}

/** The label of the button that continues a plan, by the source of its need. For a done plan it is the usual one. */
export function goOnText({ need, status }: Pick<PlanEntry, 'need' | 'status'>): string {
  return (status === 'done' ? undefined : goOnTexts[need?.source ?? '']) ?? goOn.text;
}

const goOnTexts: Readonly<Record<string, string>> = {
  failed: 'Start it again',
  no_verdict: 'Start it again',
  conflict: 'Try again',
  cycle_limit: 'One more round of fixing',
  review: 'Have it fixed',
  override: 'Go on from there',
  fault: 'Deliver it again',
};

/** The agents whose logs a need names. */
export function logsOf(need: NonNullable<PlanEntry['need']>): string[] {
  return need.do.flatMap((command) => /^stator agent logs (\S+)/.exec(command)?.[1] ?? []);
}
