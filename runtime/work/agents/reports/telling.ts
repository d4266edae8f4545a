/** Which lines of what a program said tell a person something: not the frames of a stack, not what is written for programs. Pure. */
import type { Reason } from '../../../../machines/vocabulary/effect.ts';
import { objectOf, textAt } from './json-line.ts';

/** A line is cut here; who wants all of it reads the log. */
const lineLength = 300;
/** A program may print megabytes of nothing that tells: only its end is looked at. */
const linesLookedAt = 200;
/** The keys of the text in a line of JSON, the most informative first. */
const wordsOfEvents = [['error', 'message'], ['error'], ['message'], ['result'], ['detail'], ['text']] as const;

/** What package managers and test runners print around what happened: of their own news, and that something failed, but not what. */
const aroundIt = [
  /^(?:npm|yarn|pnpm|bun) (?:notice|warn|info|http|timing|verb|ERR!|error)\b/i,
  /^(?:error )?Command failed with exit code|ELIFECYCLE|^exit (?:status|code) \d+$/i,
  /^make(?:\[\d+\])?: \*\*\*/,
  /^error: (?:could not compile|test failed, to rerun|aborting due to)/,
  /^(?:note|help|info|hint)\b:? |^For more information|^Visit https?:/i,
  /^(?:FAIL(?:ED)?|FAIL\t.*|FAILED \(.*\)|Ran (?:all|\d+) test.*)$/,
  /^(?:Tests?|Test Suites|Test Files|Snapshots|Time|Start at|Duration|Type Errors|test result|Summary)\b:? /,
  /^[^\p{L}\p{N}]*\d+ (?:failed|failing|failures?|passed|passing|errors?|problems?|tests?|warnings?)\b/iu,
  /^(?:# |ℹ )/,
];
/** A line that names an error in the words of its program: of Node, Python, compilers, test runners. */
const namesError =
  /^(?:Uncaught )?[\w.]*(?:Error|Exception)\b.*: ?\S|\berror(?:\[\w+\]|\s+TS\d+)?:\s|^\d+:\d+\s+error\s|^E {2,}\S|^not ok\b|^--- FAIL|^FAIL(?:ED)? \S|^[✖✗×✕●] \S|panicked at|\bAssertion.*failed|: (?:command )?not found$|: No such file or directory$/;

/** Stack frames, broken pieces of JSON, rules of dashes and the version that Node prints last tell a person nothing. */
export function isTelling(line: string): boolean {
  const text = line.trim();
  if (text.startsWith('{"') || text.endsWith('"}') || text.endsWith('}}')) return false;
  if (!/[\p{L}\p{N}]/u.test(text) || isProperty(line)) return false;
  return !/^(?:at .+:\d|at .+\(|\d+: |Stack backtrace|Node\.js v\d|\[\d+ of \d+ bytes are left out)/.test(text);
}

/** A property in an error that Node prints: `  code: 'ENOENT',`. */
function isProperty(line: string): boolean {
  return /^\s+[\w$]+: (?:'.*'|".*"|-?\d+|null|undefined|true|false|[[{].*),?\s*$/.test(line);
}

/**
 * The last line that says what happened, and of an agent's long paragraph its last sentences; of a line that is written for programs the words in it.
 * null: there is none.
 */
export function lastTelling(text: string): string | null {
  const lines = text.split('\n').slice(-linesLookedAt);
  const telling = lines.filter(isTelling);
  const found =
    telling.findLast((line) => !isAroundIt(line)) ??
    telling.at(-1) ??
    lines.map(wordsIn).findLast((words) => words !== null);
  return found == null ? null : cutLine(lastSentences(found));
}

/** Of the output of a check the last line that names an error; where none does, the last one that tells. */
export function errorLine(output: string): string | null {
  const lines = output.split('\n').slice(-linesLookedAt);
  const found = lines.findLast((line) => isTelling(line) && !isAroundIt(line) && namesError.test(line.trim()));
  return found === undefined ? lastTelling(output) : cutLine(found);
}

/** A run that could not be started, and a check, begin with why; an agent says it last. */
export function whyFailed(text: string, reason: Reason | null): string | null {
  const isFirst = reason === 'start-failed' || reason === 'check-failed';
  return isFirst ? (firstTelling(text, 1)[0] ?? null) : lastTelling(text);
}

function isAroundIt(line: string): boolean {
  return aroundIt.some((pattern) => pattern.test(line.trim()));
}

/** As many sentences of a long line as fit, from its end; a line without sentences stays as it is. */
function lastSentences(line: string): string {
  const text = line.trim();
  if (text.length <= lineLength) return text;
  const start = text.length - lineLength;
  const end = text.slice(start).search(/[.!?]\s+\S/);
  return end < 0 ? text : text.slice(start + end + 1).trim();
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
