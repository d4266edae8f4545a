/** Collects what stands outside of a plan's tasks, so that no line of a document reaches nobody. */
import { readLabel } from './labels.ts';
import { type MarkdownLine, markdownLines } from './markdown-lines.ts';
import { type PlanDocument, type PlanNote, type PlanProblem, quoted } from './shape.ts';

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

const almostCheck = /^ {0,3}(?:[-*+][ \t]+)?(?:\*\*check\*\*|check:)[ \t]+(\S.*)$/i;

/** Lines of tasks without a check that were most likely meant as one: `**Check** npm test`, `Check: npm test`. Nothing runs them. */
export function checksUnread({ waves }: Pick<PlanDocument, 'waves'>): PlanProblem[] {
  return waves.flatMap(({ tasks }) =>
    tasks.flatMap(({ line, body, check }) => {
      if (check !== null) return [];
      const lines = [...markdownLines(body)].filter(({ part }) => part === 'text');
      const found = lines.map(({ text }) => almostCheck.exec(text.trimEnd())).find((match) => match !== null);
      if (found === undefined) return [];
      const [written = '', command = ''] = found;
      const message = `${quoted(written.trim())} is not read, so nothing runs it; a check is written **Check:** ${command}`;
      return [{ line, message }];
    }),
  );
}

/** Sections outside of the grammar whose headings say `Wave 2` or `Task 3`: their text goes to agents, and nobody works on it. */
export function headingsUnread(notes: readonly PlanNote[]): PlanProblem[] {
  return notes.flatMap(({ line, title }) => {
    const word = /^(wave|task)\s+(?:\d+|one|two|three|four|five|six)\b/i.exec(title)?.[1]?.toLowerCase();
    if (word === undefined) return [];
    const form = word === 'wave' ? '## Wave 2' : '### Task 2: title';
    return [
      { line, message: `${quoted(title)} is not read as a ${word}, so nobody works on it; write ${quoted(form)}` },
    ];
  });
}
