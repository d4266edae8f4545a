/** A change as git writes it, read into files and lines. Text inside a hunk is never read as a head, even if it looks like one. */

export interface DiffLine {
  readonly kind: 'added' | 'removed' | 'same' | 'hunk';
  /** The line number before the change; null: the line was added. */
  readonly before: number | null;
  /** The line number after the change; null: the line was removed. */
  readonly after: number | null;
  readonly text: string;
}

export interface DiffFile {
  readonly path: string;
  /** Notes about the file: it is new, moved or binary. */
  readonly notes: readonly string[];
  readonly lines: readonly DiffLine[];
}

interface OpenFile {
  path: string;
  readonly notes: string[];
  readonly lines: DiffLine[];
}

const hunkHead = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

export function filesOf(diff: string): DiffFile[] {
  const files: OpenFile[] = [];
  let [before, after, beforeLeft, afterLeft] = [0, 0, 0, 0];
  for (const line of diff.split('\n')) {
    const file = files.at(-1);
    if (file !== undefined && (beforeLeft > 0 || afterLeft > 0)) {
      const text = line.slice(1);
      const isAdded = line.startsWith('+');
      const isRemoved = line.startsWith('-');
      if (line.startsWith('\\')) continue;
      if (isAdded) file.lines.push({ kind: 'added', before: null, after: after++, text });
      else if (isRemoved) file.lines.push({ kind: 'removed', before: before++, after: null, text });
      else file.lines.push({ kind: 'same', before: before++, after: after++, text });
      if (!isAdded) beforeLeft -= 1;
      if (!isRemoved) afterLeft -= 1;
      continue;
    }
    const head = hunkHead.exec(line);
    if (head !== null && file !== undefined) {
      [before, after] = [Number(head[1]), Number(head[3])];
      [beforeLeft, afterLeft] = [Number(head[2] ?? 1), Number(head[4] ?? 1)];
      file.lines.push({ kind: 'hunk', before: null, after: null, text: line });
    } else if (line.startsWith('diff --git ')) {
      files.push({ path: line.replace(/^diff --git .* "?b\//, '').replace(/"$/, ''), notes: [], lines: [] });
    } else if (file !== undefined) {
      const path = /^(?:\+\+\+ "?b|--- "?a)\/(.*?)"?\t?$/.exec(line)?.[1];
      if (path !== undefined) file.path = path;
      else if (/^(?:new file|deleted file|rename |similarity|Binary )/.test(line)) file.notes.push(line);
    }
  }
  return files;
}
