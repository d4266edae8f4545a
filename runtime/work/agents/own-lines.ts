/** The lines that stator itself writes into a run's log, for people; they are not the agent's output. */
import { writeFileSync } from 'node:fs';
import { trimmedLines } from '../../../machines/vocabulary/trimmed-lines.ts';
import type { RunFolder } from './run-folder.ts';

const ownLine = /^--- stator: .* ---$/;

/** Writes one line, whatever the text contains. Throws the file system's errors. */
export function noteInLog({ log }: Pick<RunFolder, 'log'>, text: string): void {
  writeFileSync(log, `--- stator: ${trimmedLines(text).join(' ')} ---\n`, { flag: 'a', mode: 0o600 });
}

export function isOwnLine(line: string): boolean {
  return ownLine.test(line.trimEnd());
}

/** The text without stator's lines. */
export function withoutOwnLines(output: string): string {
  return output
    .split('\n')
    .filter((line) => !isOwnLine(line))
    .join('\n');
}
