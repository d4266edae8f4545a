/** Reads what a plan has changed: the list of its files at once, and the text of a file when a person comes near it. */
import type { LineComment } from '../machines/vocabulary/comment-text.ts';
import type { PlanChanges } from '../runtime/api/contract/plans.ts';
import { type Api, ApiError, type Named } from './api.ts';
import { type FileLines, fileLines } from './file-lines.ts';

export type ListedFile = PlanChanges['files'][number];

/** The text of a file as far as it was read. */
export interface FileText {
  /** The content of the file that the text belongs to. */
  readonly content: string;
  /** The number of unchanged lines around each change; null: git's default. */
  readonly context: number | null;
  readonly text: string;
  readonly lines: FileLines;
  /** The offset of the next part of the text; null: the text is complete. */
  readonly next: number | null;
  /** Why there is no text to show. */
  readonly nothing: string | null;
}

/** The selection of changes. */
export interface ChangesOf {
  /** `w1-t2`; null: all of the plan. */
  readonly task: string | null;
  /** The line of the journal after which the changes begin; null: the start of the plan. */
  readonly since: number | null;
  /** The line of the journal whose branch is shown; null: the present branch. */
  readonly at: number | null;
}

export interface ReadChanges extends ChangesOf {
  readonly list: PlanChanges | null;
  readonly files: ReadonlyMap<string, FileText>;
  /** Whether a person has opened or closed a file, by its path. */
  readonly opened: ReadonlyMap<string, boolean>;
  /** The contents that a person has marked as viewed, by their paths. */
  readonly viewed: Readonly<Record<string, string>>;
  /** The parts of the view that are in the window or close to it. */
  readonly near: ReadonlySet<string>;
  /** The height of each part when it was last drawn, in pixels. */
  readonly heights: ReadonlyMap<string, number>;
}

/** The most characters of texts that stay in memory. Texts that are far from the window are dropped, and read again when they come near. */
const keptChars = 4_000_000;
/** All lines of nearly every file. */
export const wholeContext = 100_000;
/** The number of unchanged lines around a change by git's default. */
export const gitContext = 3;
/** The number of further lines that are shown at a time. */
export const moreContext = 20;

/** The name of the part for a file whose text was not read yet. */
export const textPart = (path: string): string => `text ${path}`;
/** The name of the part for the rest of a file's text. */
export const restPart = (path: string): string => `rest ${path}`;
export const blockPart = (path: string, block: number): string => `${block} ${path}`;

export function isViewed({ viewed }: Pick<ReadChanges, 'viewed'>, { path, content }: ListedFile): boolean {
  return viewed[path] === content;
}

export function isOpen(changes: Pick<ReadChanges, 'viewed' | 'opened'>, file: ListedFile): boolean {
  return changes.opened.get(file.path) ?? (file.folded === null && !isViewed(changes, file));
}

/** null: the text was not read yet, or the file has another content now. */
export function textOf({ files }: Pick<ReadChanges, 'files'>, { path, content }: ListedFile): FileText | null {
  const text = files.get(path);
  return text?.content === content ? text : null;
}

/** The text of the line of a comment, and of those that follow it without a gap. */
export function linesFrom({ files }: Pick<ReadChanges, 'files'>, { path, line, side, quoted }: LineComment): string[] {
  const lines = (files.get(path)?.lines.blocks ?? []).flat();
  const at = lines.findIndex(({ after }) => after === line);
  if (side === 'before' || at === -1) return [quoted];
  const found: string[] = [];
  for (const { after, text } of lines.slice(at)) {
    if (after === null) continue;
    if (after !== line + found.length) break;
    found.push(text);
  }
  return found;
}

interface ReaderOptions {
  readonly api: Api;
  readonly named: Named;
  changes(): ReadChanges;
  change(part: Partial<ReadChanges>): void;
  /** The list of files must be read again: the changes are different now, or the daemon does not answer. `readNear` is called after that. */
  outdated(): void;
}

export interface ChangesReader {
  /** Reads the texts of the files near the window, one after the other. */
  readNear(): void;
  /** Reads a file again with that number of unchanged lines around each change; null: git's default. */
  readWith(file: ListedFile, context: number | null): void;
}

export function createChangesReader({ api, named, changes, change, outdated }: ReaderOptions): ChangesReader {
  let isReading = false;

  function isWanted(file: ListedFile): boolean {
    const { near } = changes();
    if (!isOpen(changes(), file)) return false;
    const known = textOf(changes(), file);
    if (known === null) return near.has(textPart(file.path));
    // The file is read again with more context: until then its earlier lines are shown.
    return known.next === 0 || (known.next !== null && near.has(restPart(file.path)));
  }

  /** From top to bottom, so that a file above, which arrives later, does not move the text that a person reads or clicks. */
  function readNear(): void {
    const file = isReading ? undefined : changes().list?.files.find(isWanted);
    if (file !== undefined) void read(file, textOf(changes(), file));
  }

  async function read(file: ListedFile, known: FileText | null): Promise<void> {
    const { path, content } = file;
    const { list, task, since, at } = changes();
    const context = known?.context ?? null;
    let goesOn = true;
    isReading = true;
    try {
      const query = { path, after: known?.next ?? 0, ...(context === null ? {} : { context }) };
      const { from, to, text: part, next } = await api.fileDiff(named, { task, since, to: at }, query);
      // It is read again below.
      if (changes().list !== list || (textOf(changes(), file)?.context ?? null) !== context) return;
      goesOn = from === list?.from && to === list.to;
      if (!goesOn) return outdated();
      const text = `${known?.text ?? ''}${part}`;
      put(path, { content, context, text, lines: fileLines(text), next, nothing: null });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      // The list is read again when the daemon is back, and the texts after it.
      goesOn = thrown.code !== 'unavailable';
      if (!goesOn) return outdated();
      const nothing = `${thrown.message}. ${thrown.hint}`;
      put(path, {
        content,
        context,
        text: known?.text ?? '',
        lines: fileLines(known?.text ?? ''),
        next: null,
        nothing,
      });
    } finally {
      isReading = false;
      if (goesOn) readNear();
    }
  }

  function put(path: string, text: FileText): void {
    const { files: before, near } = changes();
    const files = new Map(before);
    files.delete(path); // the newest is the last
    files.set(path, text);
    let chars = [...files.values()].reduce((sum, { text: own }) => sum + own.length, 0);
    for (const [other, { text: own, lines }] of files) {
      if (chars <= keptChars) break;
      if (other === path || lines.blocks.some((_, block) => near.has(blockPart(other, block)))) continue;
      files.delete(other);
      chars -= own.length;
    }
    // Its first lines replace the note that it is being read.
    change({ files, near: near.has(textPart(path)) ? new Set([...near, blockPart(path, 0)]) : near });
  }

  return {
    readNear,
    readWith(file, context) {
      const known = textOf(changes(), file);
      if (known === null) return;
      // Reading restarts at the first character of the part.
      const begun = { ...known, context, text: '', next: 0 };
      change({ files: new Map(changes().files).set(file.path, begun) });
    },
  };
}
