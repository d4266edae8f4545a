/**
 * The last message of a judge's program in a file, for programs with such an option. A verdict counts only if the output and the file agree: a process that
 * can write only one of them cannot give a verdict.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder } from '../../base/platform/safe-path.ts';
import { finalLimit } from './reports/report.ts';
import { type RunFolder, writeStartFile } from './run-folder.ts';

type Place = Pick<RunFolder, 'path' | 'temp'>;

const fileName = 'last-message';
/** The most bytes that a character needs. */
const maxBytes = 4 * finalLimit;

/** The program's file; the agent can write it too. */
export function lastMessageFile({ temp }: Pick<RunFolder, 'temp'>): string {
  return join(temp, fileName);
}

/** Records that the program was told to write the file. */
export function writeAsked(folder: Place): void {
  writeStartFile(askedFile(folder), '');
}

/**
 * The messages from which a verdict is read: those of the output, and the file's content if the program was told to write it. A missing or too long file
 * counts as empty.
 */
export function withLastMessage(messages: readonly string[], folder: Place): readonly string[] {
  return messages.length === 0 || !existsSync(askedFile(folder)) ? messages : [...messages, readLastMessage(folder)];
}

function readLastMessage({ temp }: Place): string {
  try {
    const bytes = inFolder({ root: realpathSync(temp), way: '' }, (folder) => folder.read(fileName, { maxBytes }));
    return bytes?.toString('utf8').slice(-finalLimit) ?? '';
  } catch {
    return ''; // a link, a pipe or too long: the agent put it there
  }
}

function askedFile({ path }: Place): string {
  return join(path, 'last-message-asked');
}
