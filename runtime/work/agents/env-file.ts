/**
 * An env file of a profile, a hook or a forge: `NAME=VALUE` lines, as shells and dotenv programs write them. Its values are secrets: messages and warnings
 * never quote them.
 */

import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { isWithin } from '../git/worktree-folder.ts';
import { isLoader } from './loader-variables.ts';

export interface EnvFile {
  /** Absolute. */
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  /** One line each. */
  readonly warnings: readonly string[];
}

export interface EnvProblem {
  readonly line: number;
  readonly message: string;
}

export interface ParsedEnv {
  readonly variables: Readonly<Record<string, string>>;
  readonly problems: readonly EnvProblem[];
  /** Lines that are valid, but perhaps not as intended. */
  readonly doubts: readonly EnvProblem[];
}

/** Far more than any key or certificate needs; a program's whole environment must fit into one exec call. */
export const envValueLimitBytes = 64 * 1024;
export const envFileLimitBytes = 256 * 1024;
const shownProblems = 20;
/** A file with more problems is no env file; reading on would search the end of each open quote again. */
const problemLimit = 100;

/**
 * Reads an env file, relative to `repo` unless absolute. A file that others may read gives a warning. Throws `agent_unusable`: missing, unreadable, over 256
 * KiB, not UTF-8, with any problem, all of them by line, or outside of the repo and of another user, or writable by others; `bad_config`: it comes with the
 * repo and sets what programs load. `owner`: the configuration that names it, for messages.
 */
export function readEnvFile(envFile: string, repo: string, owner = 'the agents in the config'): EnvFile {
  const path = resolve(repo, envFile);
  const isOfRepo = isOwnEnvFile(path, repo);
  // A file of the repo counts as it was trusted, and more users may write it.
  const { text, mode } = readText(path, owner, isOfRepo ? () => {} : refuseOthers);
  const { variables, problems, doubts } = parseEnv(text);
  if (problems.length > 0) throw problemsError(path, problems);
  if (isOfRepo) refuseLoaders(path, variables);
  const warnings = doubts.map(({ line, message }) => `${path}, line ${line}: ${message}`);
  if ((mode & 0o044) !== 0) {
    const who = (mode & 0o004) !== 0 ? 'everybody on this machine' : 'its group';
    warnings.unshift(`${path} can be read by ${who}; close it: chmod go-rwx ${shellWord(path)}`);
  }
  return { path, variables, warnings };
}

/**
 * Whether it belongs to the repo, so that anyone with push access can change it. A link's target in the repo counts too. `/` is no repo: no file belongs to
 * it.
 */
export function isOwnEnvFile(path: string, repo: string): boolean {
  if (repo === '/') return false;
  return (
    isWithin(repo, path) || (existsSync(path) && existsSync(repo) && isWithin(realpathSync(repo), realpathSync(path)))
  );
}

function refuseLoaders(path: string, variables: EnvFile['variables']): void {
  const names = Object.keys(variables).filter(isLoader);
  if (names.length === 0) return;
  throw new EngineError(
    'bad_config',
    `the env file ${path} sets ${names.join(', ')}, by which programs load or run something else; a file of the repository may not`,
    `take ${names.length === 1 ? 'it' : 'them'} out of ${path}; or move the file out of the repository, and name it by its absolute path`,
  );
}

/**
 * Blank lines and `#` comments are skipped; `export ` before a name and blanks around `=` are allowed; a later line wins. 'single' quotes keep
 * everything, "double" ones know \n \r \t \" \\ \$ and \`, both may run over several lines; without quotes a value ends at ` #` or the line's end. Nothing is
 * expanded. STATOR_ names are the engine's own.
 */
export function parseEnv(text: string): ParsedEnv {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const variables = new Map<string, string>();
  const problems: EnvProblem[] = [];
  const doubts: EnvProblem[] = [];
  for (let at = 0; at < lines.length && problems.length < problemLimit; ) {
    const line = at + 1;
    const source = lines[at] ?? '';
    if (/^\s*(?:#|$)/.test(source)) {
      at += 1;
      continue;
    }
    const read = readAssignment(source, lines, at);
    at = read.next;
    if ('problem' in read) problems.push({ line, message: read.problem });
    else {
      variables.set(read.name, read.value);
      if (read.looksExpanded) {
        doubts.push({ line, message: `${read.name} has a $ that stays as it is, because nothing is expanded here` });
      }
    }
  }
  return { variables: Object.fromEntries(variables), problems, doubts };
}

type Read =
  | { readonly name: string; readonly value: string; readonly looksExpanded: boolean; readonly next: number }
  | { readonly problem: string; readonly next: number };

function readAssignment(source: string, lines: readonly string[], at: number): Read {
  const found = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=[ \t]*(.*)$/s.exec(source);
  const [, name, rest] = found ?? [];
  if (name === undefined || rest === undefined) {
    return { problem: 'expected NAME=VALUE, the name of letters, digits and _', next: at + 1 };
  }
  const read = readValue(rest, lines, at);
  if ('problem' in read) return { problem: `${name}: ${read.problem}`, next: read.next };
  const problem = valueProblem(name, read.value);
  return problem === null ? { name, ...read } : { problem, next: read.next };
}

function valueProblem(name: string, value: string): string | null {
  if (/^STATOR(?:_|$)/.test(name)) return `${name} is set by stator itself; take the line out`;
  if (value.includes('\0')) return `${name} holds a NUL, which no environment can carry`;
  const sizeBytes = Buffer.byteLength(value);
  if (sizeBytes <= envValueLimitBytes) return null;
  return `${name} has ${sizeBytes} bytes; at most ${envValueLimitBytes} fit, put it into a file and name the file`;
}

type ReadValue =
  | { readonly value: string; readonly looksExpanded: boolean; readonly next: number }
  | { readonly problem: string; readonly next: number };

function readValue(rest: string, lines: readonly string[], at: number): ReadValue {
  const quote = rest[0];
  if (quote !== '"' && quote !== "'") {
    const value = (rest.startsWith('#') ? '' : rest.replace(/\s#.*$/s, '')).trim();
    return { value, looksExpanded: looksExpanded(value), next: at + 1 };
  }
  const closed = quote === '"' ? /^((?:[^"\\]|\\.)*)"(.*)$/s : /^([^']*)'(.*)$/s;
  const kept: string[] = [];
  for (let line = at; line < lines.length; line += 1) {
    const text = line === at ? rest.slice(1) : (lines[line] ?? '');
    const found = closed.exec(text);
    if (found === null) {
      kept.push(text);
      continue;
    }
    const [, last = '', after = ''] = found;
    if (!/^\s*(?:#.*)?$/s.test(after)) return { problem: 'there is more after the closing quote', next: line + 1 };
    const raw = [...kept, last].join('\n');
    if (quote === "'") return { value: raw, looksExpanded: false, next: line + 1 };
    return { value: unescaped(raw), looksExpanded: looksExpanded(raw.replace(/\\./gs, '')), next: line + 1 };
  }
  // The following lines are still parsed, so that their problems are reported as well.
  return { problem: `the quote ${quote} is never closed`, next: at + 1 };
}

function looksExpanded(value: string): boolean {
  return /\$(?:[A-Za-z_]|\{|\()/.test(value);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Any other character keeps its backslash, as in a shell; before a line's end both go. */
function unescaped(raw: string): string {
  return raw.replace(/\\(.)/gs, (whole, char: string) => {
    if (char === '\n') return '';
    return escapes[char] ?? (/["\\$`]/.test(char) ? char : whole);
  });
}

function readText(path: string, owner: string, check: (path: string, stat: Stats) => void) {
  try {
    // What is checked is what is read, also if the name leads to another file meanwhile. A named pipe does not keep us waiting.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile()) throw unusable(path, 'is no regular file', 'name a file of NAME=VALUE lines');
      check(path, stat);
      if (stat.size > envFileLimitBytes)
        throw unusable(path, `has ${stat.size} bytes; at most ${envFileLimitBytes} are read`, 'is it the right file?');
      return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(descriptor)), mode: stat.mode };
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    if (thrown instanceof EngineError) throw thrown;
    if (thrown instanceof TypeError) throw unusable(path, 'is not UTF-8 text', 'save it as UTF-8', thrown);
    if (systemCode(thrown) === 'ENOENT') {
      const hint = `make it, closed to others (0600), or take env_file out of ${owner}`;
      throw unusable(path, 'does not exist', hint, thrown);
    }
    throw unusable(path, `cannot be read: ${messageOf(thrown)}`, `look at it: ls -l ${shellWord(path)}`, thrown);
  }
}

/** Another user who can write it could name programs and accounts. The administrator can do that anyway. */
function refuseOthers(path: string, { uid, mode }: Stats): void {
  if (uid !== 0 && uid !== process.getuid?.())
    throw unusable(path, 'belongs to another user', 'name a file of your own');
  if ((mode & 0o022) !== 0)
    throw unusable(path, 'may be written by other users', `close it: chmod go-rwx ${shellWord(path)}`);
}

function unusable(path: string, what: string, hint: string, cause?: unknown): EngineError {
  return new EngineError('agent_unusable', `the env file ${path} ${what}`, hint, { cause });
}

function problemsError(path: string, problems: readonly EnvProblem[]): EngineError {
  const shown = problems.slice(0, shownProblems).map(({ line, message }) => `line ${line}: ${message}`);
  const more = problems.length > shownProblems ? [`and ${problems.length - shownProblems} more`] : [];
  return new EngineError(
    'agent_unusable',
    `the env file ${path}: ${[...shown, ...more].join('; ')}`,
    `correct ${path}: lines NAME=VALUE, in quotes where the value has blanks or #`,
  );
}
