/** The data of the shown plan, and the actions of a person there. */
import type { LineComment } from '../machines/vocabulary/comment-text.ts';
import type {
  Explanation,
  HistoryEntry,
  PlanComments,
  PlanShow,
  PlanStates,
  PromptShow,
} from '../runtime/api/contract/plans.ts';
import type { InstanceEntry, QueuePause, RunLog } from '../runtime/api/contract/runs.ts';
import type { ActState } from './acts.ts';
import type { Named } from './api.ts';
import type { ChangesOf, ListedFile, ReadChanges } from './changes.ts';
import type { DocumentForm, Writing } from './document-form.ts';
import type { PageParts } from './page.ts';
import type { Session } from './session.ts';
import type { Range } from './time-scale.ts';

export type Tab = 'log' | 'diff' | 'checks' | 'prompt';

/** The sections of a plan's page; each has its own address. */
export const sections = ['work', 'changes', 'timeline', 'chart'] as const;
export type Section = (typeof sections)[number];

/** A plan after one line of its journal: its states, and the plan itself. */
export interface Past {
  readonly states: PlanStates;
  /** null: the journal cannot be replayed up to that line. */
  readonly plan: PlanShow | null;
}

/** The agent that is shown, or a task that has none yet. */
export interface Chosen {
  readonly title: string;
  readonly tab: Tab;
  readonly log: string | null;
  readonly prompt: PromptShow | null;
  readonly checks: readonly RunLog[] | null;
  /** Why there is nothing to show. */
  readonly nothing: string | null;
}

/** A line of a change: its number after the change, or its number before for a removed line. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly side: 'before' | 'after';
  /** The line itself, as the message quotes it. */
  readonly quoted: string;
}

/** A comment before it is sent. */
export type Comment = LineComment;

/** A comment that was sent, with its outcome. */
export type Thread = PlanComments[number];

/** A receiver of the comments: the signals carry them in this order, and the last one carries the message. */
export interface Recipient {
  readonly name: string;
  /** The agent whose next message contains the comments; null: they become a review that asks for changes. */
  readonly title: string | null;
  readonly signals: readonly string[];
}

/** The change that is shown, and the comments on its lines. */
export interface Changes extends ReadChanges {
  /** Why there is nothing to show. */
  readonly nothing: string | null;
  readonly isSideBySide: boolean;
  readonly comments: readonly Comment[];
  /** The comment that is being written; null: none. */
  readonly draft: Comment | null;
  /** The sent comments, the oldest first. */
  readonly threads: readonly Thread[];
  /** Whether a plan that is done has a reviewer who would start again. */
  readonly reviewer: boolean;
}

export interface PlanModel extends ActState {
  readonly named: Named;
  readonly plan: PlanShow | null;
  readonly explain: Explanation | null;
  readonly agents: readonly InstanceEntry[];
  /** Whether the list of questions is fixed, so that an answer is meant for the question that is under the pointer. */
  readonly isSteady: boolean;
  /** The pauses of the queue that prevent its agents from starting. */
  readonly pauses: readonly QueuePause[];
  readonly states: PlanStates | null;
  /** The journal, the oldest first. */
  readonly journal: readonly HistoryEntry[];
  /** The actor whose chart is shown: its path in the plan's tree; empty for the plan itself. */
  readonly actor: string;
  /** The selected line of the journal; null: the present state. */
  readonly at: number | null;
  readonly past: Past | null;
  readonly section: Section;
  /** The part of the timeline that is shown, null: the whole; and whether times in which no agent worked are folded. */
  readonly time: { readonly range: Range | null; readonly folds: boolean };
  /** The full texts of verdicts, by their signals. */
  readonly bodies: ReadonlyMap<number, string>;
  readonly chosen: Chosen | null;
  readonly changes: Changes;
  /** Whether the plan would accept another document now. */
  readonly isEditable: boolean;
  /** The document that is being written; null: none. */
  readonly writing: Writing | null;
  /** Why there is no such plan. */
  readonly missing: string | null;
}

/** The tools that the parts of a plan's page share. */
export interface PlanParts extends Omit<PageParts, 'redraw'> {
  readonly named: Named;
  model(): PlanModel;
  change(part: Partial<PlanModel>): void;
}

export interface ReviewActions {
  /** Reads the changes again; `of` selects others. */
  showChanges(of: Partial<Pick<ChangesOf, 'task' | 'since'>>): void;
  /** Reads the next part of a long list of files. */
  moreFiles(): void;
  openFile(file: ListedFile, isOpen: boolean): void;
  /** Shows that number of unchanged lines around each change of a file; null: the default. */
  showContext(file: ListedFile, lines: number | null): void;
  view(file: ListedFile, isViewed: boolean): void;
  /** Opens a file and scrolls to its header. */
  goToFile(path: string): void;
  sideBySide(isOn: boolean): void;
  /** Draws the part of the element while it is near the window. */
  watch(element: HTMLElement): void;
  /** Begins a comment on a line; null: closes it. */
  draftAt(place: Place | null): void;
  /** The text that was typed so far. */
  drafted(part: Partial<Pick<Comment, 'text' | 'suggestion'>>): void;
  /** Begins a suggestion for the lines up to `end`; null: removes it. */
  suggest(end: number | null): void;
  /** Stores a comment until it is sent; null: deletes it. */
  comment(place: Place, said: Pick<Comment, 'text' | 'suggestion'> | null): void;
  /** `words`: the person's message with the comments; '': none. */
  sendComments(recipient: Recipient, words: string, taken: () => void): void;
}

export interface ChosenActions {
  choose(title: string): void;
  close(): void;
  turnTo(tab: Tab): void;
}

export interface WritingActions {
  readonly form: Omit<DocumentForm, 'about' | 'name' | 'keep'>;
  /** Asks the daemon whether the document may be edited. */
  openDocument(): void;
  /** Opens or closes the form for another document. */
  write(isOn: boolean): void;
}

export interface PlanActions extends ReviewActions, ChosenActions, WritingActions {
  readonly may: Session['may'];
  readonly chart: HTMLElement;
  /** Asks for confirmation first if that is needed. `taken`: called when the signal was accepted. */
  send(type: string, payload: Record<string, unknown>, done: string, taken?: () => void): void;
  /** The answer to the confirmation that is shown. */
  answerSure(isYes: boolean): void;
  permit(title: string, permission: string, word: 'allow' | 'deny', message: string, taken: () => void): void;
  resume(pause: QueuePause): void;
  showActor(actor: string): void;
  showTime(part: Partial<PlanModel['time']>): void;
  /** null: shows the present. */
  goTo(seq: number | null): void;
}

/** The journal up to the selected line. */
export function journalAt({ journal, at }: Pick<PlanModel, 'journal' | 'at'>): readonly HistoryEntry[] {
  return at === null ? journal : journal.filter(({ seq }) => seq <= at);
}
