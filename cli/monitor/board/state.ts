/** The state of the board: one value that keys and news change. Pure. */
import type { InstanceEntry, PlanShow, QueueStats } from '../../../runtime/api/client/client.ts';
import type { Tone } from '../../output.ts';
import type { Line } from '../../spans.ts';
import type { Seen, Status } from '../../status/sort.ts';

/** The subject of a row, which its keys act on. */
export interface Target {
  readonly project: string;
  /** null: the repo itself. */
  readonly plan: string | null;
  /** The title of the agent, or of the agent that works on the task. */
  readonly title: string | null;
  /** `w1-t2`. */
  readonly task: string | null;
  readonly role: string | null;
}

/** The plan in the detailed view. */
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

/** Whether news arrives: `there`, or why it does not. */
export type Link =
  | { readonly kind: 'there' }
  /** No engine has run yet: the data is read from the store. `why`: why there is no engine. */
  | { readonly kind: 'stored'; readonly why: string }
  | { readonly kind: 'gone' }
  /** The engine got a request a while ago and does not answer. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'waits'; readonly why: string };

export type PageKind = 'log' | 'diff' | 'history' | 'prompt' | 'plan';

/** A text over the whole screen. */
export interface Page {
  readonly kind: PageKind | 'permission';
  readonly target: Target;
  readonly title: string;
  readonly lines: readonly { readonly tone: Tone; readonly text: string }[];
  /** The lines, wrapped at this width. */
  readonly rows: readonly Line[];
  readonly top: number;
  /** The end stays visible, as for a growing log. */
  readonly follows: boolean;
  readonly search: string;
  /** The permission question on this page. */
  readonly permission: string | null;
}

/** The text beside the list: the log or the diff of the marked row. */
export interface Side {
  readonly kind: Exclude<SideKind, 'need'>;
  /** The row of this text, and the time of its reading. */
  readonly of: string;
  readonly title: string;
  readonly lines: Page['lines'];
}

/** `need`: the complete need of the marked plan; if it has none, its log is shown. */
export type SideKind = 'need' | 'log' | 'diff';

/** `turn`: plans that need a person first, then running, waiting and other plans. */
export const sortings = ['turn', 'name', 'age', 'cost'] as const;
export type Sorting = (typeof sortings)[number];

export type InputKind = 'filter' | 'search' | 'answer' | 'send' | 'transition' | 'deny' | 'command';

export interface Input {
  readonly kind: InputKind;
  /** The question above the input line. */
  readonly question: string | null;
  readonly text: string;
  readonly target: Target | null;
  /** The agent that gets the answer, and the number of its question; null: the text answers no question. */
  readonly title: string;
  readonly number: number | null;
  /** The text may be empty: a failed plan is started again, with or without a message. */
  readonly mayBeEmpty: boolean;
  /** The permission question that is denied with this text. */
  readonly permission: string | null;
  /** The choices, selected by number from 1. */
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

/** The action that follows if the person confirms it. */
export interface Confirmation {
  /** The effects, one per line. */
  readonly lines: readonly string[];
  readonly action: BoardAction;
  readonly target: Target;
  readonly input?: Input | undefined;
}

export interface Message {
  readonly tone: Tone;
  readonly lines: readonly string[];
}

/** The mark: the id of its row, and the position of that row in case the row has gone. */
export interface Mark {
  readonly id: string | null;
  readonly index: number;
}

export interface Board {
  readonly news: News | null;
  readonly link: Link;
  /** The plan in the detailed view; null: the list of all plans. */
  readonly near: { readonly project: string; readonly plan: string } | null;
  readonly marks: { readonly fleet: Mark; readonly near: Mark };
  readonly filter: string;
  readonly sorting: Sorting;
  readonly sideKind: SideKind;
  /** null: nothing was read yet. */
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
