/** What people write as plans comes in families: each is recognised by its content and place, and read into one draft of a plan. */
import type { PlanProblem } from '../shape.ts';
import type { SourceLine } from './markdown-outline.ts';
import type { Mark, Sheet } from './sheet.ts';

/** A link from the document: one task comes after another one. */
export interface TaskLink {
  /** The other task's id in its family. */
  readonly ref: string;
  readonly line: number;
  /** A field names it, so an unknown id is a problem; otherwise a sentence names it. */
  readonly isField: boolean;
}

export interface DraftTask {
  /** The task's id in its family, which no other task of the document has. */
  readonly ref: string;
  readonly title: string;
  readonly line: number;
  readonly isDone: boolean;
  readonly body: readonly SourceLine[];
  /** The files that it writes, if the body has no field for them. */
  readonly files: readonly string[];
  /** The command of its check, if the body has no field for it. */
  readonly check: SourceLine | null;
  readonly links: readonly TaskLink[];
  /**
   * `sequence`: after the task before it. `stated`: after what `links` says, and nothing else. A number: neighbours with the same number run together,
   * after what is before them.
   */
  readonly order: 'sequence' | 'stated' | number;
  /** The number that the document gives it; it is used where all tasks of its wave have different ones. */
  readonly number: number | null;
  /** What shows in the document that it is done. */
  readonly marks: readonly Mark[];
}

export interface DraftWave {
  readonly kind: 'wave';
  readonly title: string;
  readonly line: number;
  readonly introduction: SourceLine[];
  readonly tasks: DraftTask[];
  /** What shows in the document that all of its tasks are done. */
  readonly marks: readonly Mark[];
}

/** A section that is about the whole plan. It begins with its heading. */
export interface DraftNote {
  readonly kind: 'note';
  readonly lines: SourceLine[];
}

export interface PlanDraft {
  readonly title: SourceLine | null;
  /** What is before the first wave. */
  readonly head: readonly SourceLine[];
  readonly parts: readonly (DraftWave | DraftNote)[];
  /** Names of plans that must be done first. */
  readonly after: readonly string[];
  readonly problems: readonly PlanProblem[];
  readonly remarks: readonly PlanProblem[];
  /** A name for the plan that the content proposes. */
  readonly name: string | null;
}

export interface Family {
  readonly name: string;
  /** As its users write it: `spec-kit`, `OpenSpec`. */
  readonly title: string;
  /** The name of its waves, singular and plural. */
  readonly waves: readonly [one: string, several: string];
  /** Files that belong to such a plan and lie beside it; agents get the names of those that exist. */
  readonly companions: readonly string[];
  /** Whether the document is one of these, by its content and place, never by its name alone. */
  recognises(sheet: Sheet): boolean;
  read(sheet: Sheet): PlanDraft;
}
