/** Selects the informative lines of a program's output: no stack frames, and no lines for programs. Pure. */
import type { Reason } from '../../../../machines/vocabulary/effect.ts';
import { beginsWithWhy } from '../../../../machines/vocabulary/reason-text.ts';
import { objectOf, textAt } from './json-line.ts';

/** The most characters of a line; the log has all of it. */
const lineLength = 300;
/** The most characters by which a line is judged. */
const judgedLength = 2_000;
/** Only this much of the end is searched, because an output may have megabytes without information. */
const linesLookedAt = 200;
/** The keys of the text in a line of JSON, the most informative first. */
const wordsOfEvents = [['error', 'message'], ['error'], ['message'], ['result'], ['detail'], ['text']] as const;

/** Lines of package managers, build tools and test runners that do not name the error: their own news, and that something failed. */
const aroundIt = [
  /^(?:npm|yarn|pnpm|bun) (?:notice|warn|info|http|timing|verb|ERR!|error)\b|^(?:lerna|nx) ERR!|^WARN\b/i,
  /^(?:error )?Command failed with exit code|ELIFECYCLE|^exit (?:status|code):? \d+\.?$|^ERR_PNPM_RECURSIVE_RUN|^➤ YN0000:/i,
  /^error: script ".*" (?:exited|was terminated)|^ERROR\s+run failed: command|^(?:Tasks|Cached|Failed):\s+\S/,
  /^g?make(?:\[\d+\])?: (?:\*\*\* \[|(?:Entering|Leaving) directory|Target .* not remade)|^ninja: build stopped/,
  /^error: (?:could not compile|test failed, to rerun|Test failed$|aborting due to)|^(?:collect2|clang(?:\+\+)?|cc1): error: (?:ld returned|linker command failed)/,
  /^(?:note|help|info|hint)\b:? |^For more information|^Visit https?:|^See also ["/]|^compilation terminated/i,
  /^(?:FAIL(?:ED)?|FAIL\t.*|FAIL \d.*|FAILED (?:\(.*\)|\| .*)|FAILURES!|Ran (?:all|\d+) test.*)$/,
  /^(?:Tests?|Test Suites|Test Files|Snapshots|Time|Start at|Duration|Type Errors|test result|Summary|Total time|Finished at)\b:? /i,
  /^[^\p{L}\p{N}]*\d+ (?:failed|failing|failures?|pass(?:ed)?|fail|passing|errors?|problems?|tests?|warnings?|actionable task|examples?|error\(s\)|warning\(s\))\b/iu,
  /^Found \d+ (?:errors?|problems?|warnings?)\b|^!+ .* !+$|^Time Elapsed|^Failed! +- |^Finished in /i,
  /^(?:# |ℹ )/,
  // Gradle and Maven.
  /^(?:FAILURE: Build failed with|BUILD FAILED|BUILD FAILURE|Build FAILED\.|\* (?:Try|Exception is):|> Run with --|> Get more help at|Deprecated Gradle|You can use '--warning-mode)/,
  /^> (?:Task :|There were failing tests|Compilation failed; see)|^Execution failed for task/,
  /^\[(?:INFO|WARNING|warn|info|success)\]|^\[(?:ERROR|error)\]\s*(?:$|-> \[Help|\[Help \d|To see the full stack|Re-run Maven|For more information|After correcting|Failures:|Errors:|Tests run:|Total time|There are test failures|Please refer to|See dump|.*\bmvn <args>)/,
  // CTest and CMake.
  /^(?:Errors while running CTest|Output from these tests are in|Use "--rerun-failed|The following tests FAILED|-- )/,
];
/** A line that names an error, in the form of its program: of Node, Python, Go, compilers, test runners. */
const namesError = [
  /^(?:Uncaught )?[\w.]*(?:Error|Exception)\b.*: ?\S|^[A-Z]\w* [Ee]rror: \S|\berror(?:\[\w+\]|\s+[A-Z]{2,}\d+)?:\s/,
  /^\d+:\d+\s+error\s|^[\w./\\-]+:\d+:\d+:? (?!warning\b|note\b|info\b)\S|^\[(?:ERROR|error)\] +\S+(?:\.\w+:|\.\w+:\[?)\d+/,
  /^E {2,}\S|^not ok\b|^--- FAIL|^FAIL(?:ED)? \S|^[✖✗×✕●] \S|panicked at|\b[Aa]ssertion.*failed|^Failed asserting|\bFailure(?:\/Error)?: \S/,
  /undefined reference to|: (?:command )?not found$|: No such file or directory$|^CMake Error|^Diff in |^\d+ - .+ \((?:Failed|Timeout|Not Run|SEGFAULT|.*[Aa]borted|Exit code.*)\)$/,
];
/** A build tool's reason why it could not begin; it counts if no other line names an error. */
const namesCause = [
  /^(?:npm|pnpm|yarn|bun) (?:ERR!|error) (?!(?:code|path|errno|syscall|command|signal|workspace|location|cwd|dest|node|npm|A complete log|To see a list|Run "npm|See above|Lifecycle script|Exit status|Failed at|This is probably|Test failed)\b)\S/i,
  /^ERR_PNPM_(?!RECURSIVE_RUN)\w+ |^error (?!Command failed)\S|^ERROR: \S|^error: (?!script ")\S/,
  /^g?make(?:\[\d+\])?: \*\*\* (?!\[)|^go: \S|^ninja: error|^fatal: \S/,
  /^\* What went wrong:$|^\[(?:ERROR|error)\] +\S/,
];
/** The next line has the details. */
const headline = /panicked at .*:$|^--- FAIL|^CMake Error\b.*:$|^\* What went wrong:$/;

/** Lines without information: stack frames, broken pieces of JSON, lines of dashes, and the version that Node prints last. */
export function isInformative(line: string): boolean {
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
 * The last informative line, or the last sentences of an agent's long paragraph; of a line for programs only its text. null: there is none.
 */
export function lastInformative(text: string): string | null {
  const lines = text.split('\n').slice(-linesLookedAt);
  const informative = lines.filter(isInformative);
  const found =
    informative.findLast((line) => !isAroundIt(line)) ??
    informative.find((line) => isOne(namesCause, line)) ??
    informative.at(-1) ??
    lines.map(wordsIn).findLast((words) => words !== null);
  return found == null ? null : cutLine(lastSentences(found));
}

/** For a check's output: the last line that names an error, otherwise the first reason of a build tool, otherwise the last informative line. */
export function errorLine(output: string): string | null {
  const lines = output.split('\n').slice(-linesLookedAt);
  const informative = lines.filter((line) => isInformative(line) && !/^\s*error: \|-?$/.test(line));
  const found =
    informative.findLast((line) => !isAroundIt(line) && isOne(namesError, line)) ??
    informative.find((line) => isOne(namesCause, line));
  if (found === undefined) return lastInformative(output);
  if (!headline.test(found.trim())) return cutLine(found);
  const next = informative
    .slice(informative.lastIndexOf(found) + 1)
    .find((line) => !isAroundIt(line) || /^\s/.test(line));
  return cutLine(next === undefined ? found : joined(found.trim(), next.trim()));
}

function joined(head: string, next: string): string {
  return head.startsWith('* ') ? next : `${head.replace(/:$/, '')}: ${next}`;
}

/** Why it failed, from the beginning or the end of its text. */
export function whyFailed(text: string, reason: Reason | null): string | null {
  return beginsWithWhy(reason) ? (firstInformative(text, 1)[0] ?? null) : lastInformative(text);
}

function isAroundIt(line: string): boolean {
  return isOne(aroundIt, line);
}

function isOne(patterns: readonly RegExp[], line: string): boolean {
  const text = line.trim().slice(0, judgedLength);
  return patterns.some((pattern) => pattern.test(text));
}

/** The last sentences of a long line, as many as fit; a line without sentences is unchanged. */
function lastSentences(line: string): string {
  const text = line.trim();
  if (text.length <= lineLength) return text;
  const start = text.length - lineLength;
  const end = text.slice(start).search(/[.!?]\s+\S/);
  return end < 0 ? text : text.slice(start + end + 1).trim();
}

/** The first informative lines, at most that many. */
export function firstInformative(text: string, count: number): string[] {
  return text.split('\n').filter(isInformative).slice(0, count).map(cutLine);
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
