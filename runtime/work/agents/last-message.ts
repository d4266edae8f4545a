/**
 * The last message of a judge's program in a file, for a program that has an option for it. A verdict counts only if the output and the file say the same: what
 * can write into one of them alone gives none.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder } from '../../base/platform/safe-path.ts';
import { finalLimit } from './reports/report.ts';
import { type RunFolder, writeStartFile } from './run-folder.ts';

type Place = Pick<RunFolder, 'path' | 'temp'>;

const fileName = 'last-message';
/** Of every character the most that it takes. */
const maxBytes = 4 * finalLimit;

/** Where the program writes it: the agent may write there too. */
export function lastMessageFile({ temp }: Pick<RunFolder, 'temp'>): string {
  return join(temp, fileName);
}

/** Says for good that the program was asked for the file. */
export function writeAsked(folder: Place): void {
  writeStartFile(askedFile(folder), '');
}

/** The messages that a verdict is read from: those of the output, and what the file holds where it was asked for. A file that is not there or too long holds nothing. */
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
