/** Collects the text outside of a plan's tasks, so that every line of a document reaches an agent. */
import type { MarkdownLine } from './markdown-lines.ts';
import type { PlanNote } from './shape.ts';

export interface NoteReader {
  /** Begins a new note for the lines that follow outside of tasks. */
  begin(start: Pick<PlanNote, 'title' | 'wave'>): void;
  /** A line for the present note. */
  add(line: MarkdownLine): void;
  /** The notes so far; empty ones are left out. */
  notes(): PlanNote[];
}

export function createNoteReader(content: string): NoteReader {
  interface Draft extends Pick<PlanNote, 'title' | 'wave'> {
    readonly lines: MarkdownLine[];
  }
  let draft: Draft = { title: '', wave: null, lines: [] };
  const drafts = [draft];

  return {
    begin(start) {
      draft = { ...start, lines: [] };
      drafts.push(draft);
    },
    add: (line) => void draft.lines.push(line),
    notes() {
      return drafts.flatMap(({ title, wave, lines }) => {
        const first = lines.find(({ text }) => text.trim() !== '');
        if (first === undefined) return [];
        const text = lines.map(({ start, end }) => content.slice(start, end)).join('');
        return [{ line: first.number, title, wave, text }];
      });
    },
  };
}
