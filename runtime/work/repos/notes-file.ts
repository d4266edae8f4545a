/** Writes a repo's accepted notes into a file of the repo, for people, for git, and for programs that read such a file automatically. */
import { basename, dirname } from 'node:path';
import type { NoteFile } from '../../base/config/config.ts';
import { openFolder } from '../../base/platform/safe-path.ts';
import type { NoteRow } from '../../core/store/rows.ts';

const begin =
  '<!-- notes of stator: they are written anew with each change; take one away with: stator note forget <id> -->';
const end = '<!-- end of the notes of stator -->';
/** Agents do not read a larger file. */
const maxBytes = 1024 * 1024;

/**
 * Writes the notes into their section of the file, and leaves the rest unchanged. A file with nothing else is deleted with its last note. `path`: the
 * real path of the repo. Throws `unsafe_path` for a symbolic link in its place, `too_large`, and the system's errors.
 */
export function writeNotesFile(path: string, file: NoteFile, notes: readonly NoteRow[]): void {
  const way = dirname(file) === '.' ? '' : dirname(file);
  const folder = openFolder(path, way, notes.length === 0 ? {} : { makeMode: 0o755 });
  if (folder === null) return;
  try {
    const name = basename(file);
    const before = folder.read(name, { maxBytes })?.toString() ?? '';
    const after = withNotes(before, notes);
    if (after === before) return;
    if (after === '') folder.remove(name);
    else folder.write(name, after, { mode: 0o644 });
  } finally {
    folder.close();
  }
}

/** The text of the file with these notes instead of the earlier ones. */
export function withNotes(text: string, notes: readonly NoteRow[]): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  const isThere = from !== -1 && to !== -1;
  const head = (isThere ? text.slice(0, from) : text).trimEnd();
  const tail = isThere ? text.slice(to + end.length).trim() : '';
  const block = notes.length === 0 ? '' : [begin, '', '## Notes', '', ...notes.map(lineOf), '', end].join('\n');
  const parts = [head, block, tail].filter((part) => part !== '');
  return parts.length === 0 ? '' : `${parts.join('\n\n')}\n`;
}

function lineOf({ id, text, author, plan, at }: NoteRow): string {
  const origin = [author, ...(plan === null ? [] : [`plan ${plan}`]), new Date(at).toISOString().slice(0, 10)];
  return `- ${withoutComments(text)} (note ${id}: ${origin.join(', ')})`;
}

/** Removes comment marks from a note, so that its text cannot end the section. */
function withoutComments(text: string): string {
  return text.replaceAll('<!--', '< !--').replaceAll('-->', '-- >');
}
