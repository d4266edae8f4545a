/** What stator itself writes into the log of a run, for the person who reads it: no word of its agent. */
import { writeFileSync } from 'node:fs';
import type { RunFolder } from './run-folder.ts';

const ownLine = /^--- stator: .* ---$/;

/** One line, whatever stands in the text. Throws what the file system throws. */
export function noteInLog({ log }: Pick<RunFolder, 'log'>, text: string): void {
  writeFileSync(log, `--- stator: ${text.replace(/\s*\n\s*/g, ' ')} ---\n`, { flag: 'a', mode: 0o600 });
}

export function isOwnLine(line: string): boolean {
  return ownLine.test(line.trimEnd());
}

/** What others wrote. */
export function withoutOwnLines(output: string): string {
  return output
    .split('\n')
    .filter((line) => !isOwnLine(line))
    .join('\n');
}
