/** The state of the board: one value, which keys and news change. Pure. */
import type { InstanceEntry, PlanShow, QueueStats } from '../../../runtime/api/client/client.ts';
import type { Tone } from '../../output.ts';
import type { Line } from '../../spans.ts';
import type { Seen, Status } from '../../status/sort.ts';

/** The subject of a row, on which its keys act. */
export interface Target {
  readonly project: string;
  /** null: the repo itself. */
  readonly plan: string | null;
  /** The title of an agent, or of the one that works on that task. */
  readonly title: string | null;
  /** `w1-t2`. */
  readonly task: string | null;
  readonly role: string | null;
}

/** The plan that is shown in detail. */
export interface NearPlan {
  readonly plan: PlanShow;
  readonly instances: readonly InstanceEntry[];
}

export interface News {
  readonly seen: Seen;
  /** The same, sorted by whose turn it is. */
  readonly status: Status;
  readonly stats: QueueStats;
  readonly near: NearPlan | null;
}

/** `there`; or why there is no news, which is waited for. */
export type Link =
  | { readonly kind: 'there' }
  /** No engine has run yet: the shown data is read from the store. `why`: which engine is missing. */
  | { readonly kind: 'stored'; readonly why: string }
  | { readonly kind: 'gone' }
  /** It got a request a while ago, and does not answer. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'waits'; readonly why: string };

export type PageKind = 'log' | 'diff' | 'history' | 'prompt' | 'plan';

/** A text that fills the screen. */
export interface Page {
  readonly kind: PageKind | 'permission';
  readonly target: Target;
  readonly title: string;
  readonly lines: readonly { readonly tone: Tone; readonly text: string }[];
  /** The lines as they are broken for this width. */
  readonly rows: readonly Line[];
  readonly top: number;
  /** The end stays visible, as of a log that grows. */
  readonly follows: boolean;
  readonly search: string;
  /** The question that it shows: what an agent asks to be allowed. */
  readonly permission: string | null;
}

/** What is read for the place beside the list: the log or the diff of what is marked. */
export interface Side {
  readonly kind: Exclude<SideKind, 'need'>;
  /** The row that it is about, and its time. */
  readonly of: string;
  readonly title: string;
  readonly lines: Page['lines'];
}

/** `need`: the need of the marked plan, in full; otherwise its log. */
export type SideKind = 'need' | 'log' | 'diff';

/** `turn`: plans that need a person first, then running, waiting and other ones. */
export const sortings = ['turn', 'name', 'age', 'cost'] as const;
export type Sorting = (typeof sortings)[number];

export type InputKind = 'filter' | 'search' | 'answer' | 'send' | 'transition' | 'deny' | 'command';

export interface Input {
  readonly kind: InputKind;
  /** The question above the line. */
  readonly question: string | null;
  readonly text: string;
  readonly target: Target | null;
  /** For an answer: which agent it is for, and the number of its question; null: it is for no question. */
  readonly title: string;
  readonly number: number | null;
  /** There is no question: a plan that failed is started again, with or without a message. */
  readonly mayBeEmpty: boolean;
  /** The question that is denied with this text. */
  readonly permission: string | null;
  /** What can be chosen by its number, the first by 1. */
  readonly choices?: readonly string[];
}

export type BoardAction =
  | 'start'
  | 'answer'
  | 'allow'
  | 'deny'
  | 'transition'
  | 'retry'
  | 'pause'
  | 'merge'
  | 'send'
  | 'end';

/** The action that follows once a person confirms it. */
export interface Confirmation {
  /** What will happen, a line each. */
  readonly lines: readonly string[];
  readonly action: BoardAction;
  readonly target: Target;
  readonly input?: Input | undefined;
}

export interface Message {
  readonly tone: Tone;
  readonly lines: readonly string[];
}

/** The marked row: by what it shows, and by its position if that has gone. */
export interface Mark {
  readonly id: string | null;
  readonly index: number;
}

export interface Board {
  readonly news: News | null;
  readonly link: Link;
  /** The plan that is shown in detail; null: all of them. */
  readonly near: { readonly project: string; readonly plan: string } | null;
  readonly marks: { readonly fleet: Mark; readonly near: Mark };
  readonly filter: string;
  readonly sorting: Sorting;
  readonly sideKind: SideKind;
  /** null: nothing was read for it yet. */
  readonly side: Side | null;
  readonly page: Page | null;
  readonly input: Input | null;
  readonly confirmation: Confirmation | null;
  readonly message: Message | null;
  readonly isHelp: boolean;
  /** The action under way. */
  readonly busy: string | null;
}

const first: Mark = { id: null, index: 0 };

export function firstBoard(near: Board['near']): Board {
  return {
    news: null,
    link: { kind: 'there' },
    near,
    marks: { fleet: first, near: first },
    filter: '',
    sorting: 'turn',
    sideKind: 'need',
    side: null,
    page: null,
    input: null,
    confirmation: null,
    message: null,
    isHelp: false,
    busy: null,
  };
}
