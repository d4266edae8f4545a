/** Collects what stands outside of a plan's tasks, so that no line of a document reaches nobody. */
import { readLabel } from './labels.ts';
import { type MarkdownLine, markdownLines } from './markdown-lines.ts';
import type { PlanNote, PlanProblem } from './shape.ts';

export interface NoteReader {
  /** What comes next, outside of tasks, belongs to a note of its own. */
  begin(start: Pick<PlanNote, 'title' | 'wave'>): void;
  /** A line for the present note. */
  add(line: MarkdownLine): void;
  /** A line that is for the note unless the lines after it show that it was read as something else. */
  hold(line: MarkdownLine): void;
  /** The held lines were read as something else. */
  drop(): void;
  /** The notes so far; those without a word are left out. */
  notes(): PlanNote[];
}

export function createNoteReader(content: string): NoteReader {
  interface Draft extends Pick<PlanNote, 'title' | 'wave'> {
    readonly lines: MarkdownLine[];
  }
  let held: MarkdownLine[] = [];
  let draft: Draft = { title: '', wave: null, lines: [] };
  const drafts = [draft];

  function keepHeld(): void {
    for (const line of held) draft.lines.push(line);
    held = [];
  }

  return {
    begin(start) {
      keepHeld();
      draft = { ...start, lines: [] };
      drafts.push(draft);
    },
    add(line) {
      keepHeld();
      draft.lines.push(line);
    },
    hold: (line) => void held.push(line),
    drop() {
      held = [];
    },
    notes() {
      keepHeld();
      return drafts.flatMap(({ title, wave, lines }) => {
        const first = lines.find(({ text }) => text.trim() !== '');
        if (first === undefined) return [];
        const text = lines.map(({ start, end }) => content.slice(start, end)).join('');
        return [{ line: first.number, title, wave, text }];
      });
    },
  };
}

/** The lines of notes that begin with `**Check:**`. Nothing runs them, since a check belongs to the task that it stands in. */
export function checksOutsideTasks(notes: readonly PlanNote[]): PlanProblem[] {
  return notes.flatMap(({ line: first, text }) => {
    const lines = [...markdownLines(text)];
    const blank = lines.findIndex((line) => line.text.trim() !== '');
    const found = lines.filter(({ part, text }) => part === 'text' && readLabel(text)?.name === 'check');
    const message = 'this check stands in no task, so nothing runs it; move it below the heading of its task';
    return found.map(({ number }) => ({ line: first + number - 1 - blank, message }));
  });
}
