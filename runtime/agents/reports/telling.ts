/** Which lines of what a program said tell a person something: not the frames of a stack, not what is written for programs. Pure. */
import { objectOf, textAt } from './json-line.ts';

/** A line is cut here; who wants all of it reads the log. */
const lineLength = 300;
/** A program may print megabytes of nothing that tells: only its end is looked at. */
const linesLookedAt = 200;
/** What a line of JSON has its words under, the most telling first. */
const wordsOfEvents = [['error', 'message'], ['error'], ['message'], ['result'], ['detail'], ['text']] as const;

/** Stack frames, broken pieces of JSON, rules of dashes and the version that Node prints last tell a person nothing. */
export function isTelling(line: string): boolean {
  const text = line.trim();
  if (text.startsWith('{"') || text.endsWith('"}') || text.endsWith('}}')) return false;
  if (!/[\p{L}\p{N}]/u.test(text) || isProperty(line)) return false;
  return !/^(?:at .+:\d|at .+\(|\d+: |Stack backtrace|Node\.js v\d|\[\d+ of \d+ bytes are left out)/.test(text);
}

/** Of an error that Node prints with what it carries: `  code: 'ENOENT',`. */
function isProperty(line: string): boolean {
  return /^\s+[\w$]+: (?:'.*'|".*"|-?\d+|null|undefined|true|false|[[{].*),?\s*$/.test(line);
}

/** The last line that says something; of one that is written for programs the words in it. null: there is none. */
export function lastTelling(text: string): string | null {
  const lines = text.split('\n').slice(-linesLookedAt);
  const found = lines.findLast(isTelling) ?? lines.map(wordsIn).findLast((words) => words !== null);
  return found == null ? null : cutLine(found);
}

/** Why a run failed: one that could not be started begins with that, and ends with a hint; an agent says it last. */
export function whyFailed(text: string, wasStarted: boolean): string | null {
  return wasStarted ? lastTelling(text) : (firstTelling(text, 1)[0] ?? null);
}

/** The first lines that say something, at most that many. */
export function firstTelling(text: string, count: number): string[] {
  return text.split('\n').filter(isTelling).slice(0, count).map(cutLine);
}

function wordsIn(line: string): string | null {
  const event = objectOf(line.trim());
  if (event === null) return null;
  return wordsOfEvents.map((path) => textAt(event, ...path)).find((words) => words !== null) ?? null;
}

function cutLine(line: string): string {
  const text = line.trim().replace(/\s+/g, ' ').replace(/ \{$/, '');
  return text.length <= lineLength ? text : `${text.slice(0, lineLength - 1)}…`;
}
