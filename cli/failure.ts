/** Prints the message of a verb that throws, and chooses its exit code. Loaded only on a failure. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError, errorClasses, messageOf } from '../machines/vocabulary/errors.ts';
import { didYouMeanOr, nearest } from '../runtime/base/config/nearest.ts';
import { environmentFault } from '../runtime/base/platform/environment-fault.ts';
import { homeFolder } from '../runtime/base/platform/home.ts';
import { inPackage } from '../runtime/base/platform/package-files.ts';
import { withoutSecrets } from '../runtime/base/platform/secrets.ts';
import { unbuiltModule } from '../runtime/base/platform/unbuilt-module.ts';
import { statorVersion } from '../runtime/base/platform/version.ts';
import { nouns, verbs } from './commands.ts';
import { meantCommands, stepsOf } from './meant.ts';
import { asOtherVersion } from './other-version.ts';
import { createOutput, type Output, type OutputOptions, saysJson } from './output.ts';
import { plainLines } from './text.ts';
import { UsageError } from './usage.ts';

export interface Failing {
  readonly out: Pick<Output, 'env' | 'error' | 'detail'>;
  readonly argv: readonly string[];
  readonly version: string;
}

/** Prints to standard error and returns the exit code. Never throws. */
export function reportFailure(failure: unknown, failing: Failing): number {
  const thrown =
    failure instanceof UsageError
      ? failure
      : (environmentFault(failure) ?? asOtherVersion(failure, { env: failing.out.env }));
  if (thrown instanceof UsageError) {
    const hint = usageHint(thrown);
    failing.out.error({ error: thrown.message, code: 'usage', hint, page: thrown.usage });
    return errorClasses.usage.exitCode;
  }
  if (thrown instanceof EngineError && thrown.code !== 'internal') {
    const { error, code, hint } = thrown.toJSON();
    failing.out.error({ error, code, hint });
    failing.out.detail(plainLines(stackOf(thrown)));
    return errorClasses[thrown.code].exitCode;
  }
  const known = unbuiltModule(thrown);
  return known === null ? reportBug(thrown, failing) : reportFailure(known, failing);
}

/** The same for what was thrown outside of any call. */
export function reportCrash(
  thrown: unknown,
  { argv, ...streams }: Pick<OutputOptions, 'stdout' | 'stderr' | 'env'> & { argv: readonly string[] },
): number {
  const out = createOutput({ ...streams, json: saysJson(argv), quiet: false, verbose: false });
  return reportFailure(thrown, { out, argv, version: statorVersion() });
}

/** The answer could not be written to standard output; standard error may be elsewhere. */
export function reportLost(
  error: NodeJS.ErrnoException,
  { argv, stdout, stderr, env }: Pick<OutputOptions, 'stdout' | 'stderr' | 'env'> & { argv: readonly string[] },
): number {
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  const message = `the output is not whole: ${messageOf(error)}`;
  const hint = isFull ? 'free some space there: df -h, df -i; then ask again' : 'write it elsewhere, and ask again';
  const out = createOutput({ stdout, stderr, env, json: saysJson(argv), quiet: false, verbose: false });
  const code = isFull ? 'disk_full' : 'unavailable';
  out.error({ error: message, code, hint });
  return errorClasses[code].exitCode;
}

function usageHint({ hint, words }: UsageError): string {
  if (words === null) return hint;
  const { given, valid, verbOf } = words;
  const list = `valid: ${valid.join(', ')}`;
  const typed = valid.find((name) => name === given.toLowerCase());
  if (typed !== undefined) return `did you mean ${typed}?`;
  if (verbOf === undefined) return didYouMeanOr(given, valid, list);
  const meant = (word: string) =>
    orList(meantCommands({ ...verbOf, given: word }, nouns).map((command) => `stator ${command}`));
  const near = nearest(given, [...valid, ...stepsOf(verbOf.noun)]);
  // Any name may be a signal of a user-defined machine, so the nearest verb is more likely meant.
  const commands = verbOf.noun === 'machine' && near !== null ? '' : meant(given);
  if (commands !== '') return `did you mean ${commands}?`;
  if (near === null) return list;
  return `did you mean ${valid.includes(near) ? near : meant(near)}?`;
}

/** `a`, `a or b`, `a, b or c` */
function orList(all: readonly string[]): string {
  const [last = '', ...before] = [...all].reverse();
  return before.length === 0 ? last : `${before.reverse().join(', ')} or ${last}`;
}

function reportBug(thrown: unknown, failing: Failing): number {
  const path = writeReport(thrown, failing);
  const ownHint = thrown instanceof EngineError && thrown.hint !== '' ? `${thrown.hint}; ` : '';
  const outside = placeOutside(thrown);
  const then = outside === null ? 'please attach it to an issue' : 'correct that code';
  const where = path === null ? `no report could be written; ${then}` : `a report is in ${path}; ${then}`;
  const what = outside === null ? 'a bug' : `code at ${outside}, which is not of stator, threw`;
  failing.out.error({ error: `${what}: ${messageOf(thrown)}`, code: 'internal', hint: `${ownHint}${where}` });
  return errorClasses.internal.exitCode;
}

/** Where code of the user threw, such as a machine of daemon.toml, as `file:line:column`; null: it was code of stator or of its packages. */
function placeOutside(thrown: unknown): string | null {
  const [place = null] = /(?<=at (?:async )?(?:.*\()?(?:file:\/\/)?)\/[^()\n]+:\d+:\d+/.exec(stackOf(thrown)) ?? [];
  return place === null || place.startsWith(inPackage()) || place.includes('/node_modules/') ? null : place;
}

/** Writes the report into the home, or into the folder for temporary files if the home cannot be written. */
function writeReport(thrown: unknown, { out, argv, version }: Failing): string | null {
  const now = new Date().toISOString();
  const text = [
    `stator ${version}, node ${process.version}, ${process.platform} ${process.arch}`,
    now,
    `command: ${commandOf(argv)}`,
    '',
    withoutWords(withoutSecrets(stackOf(thrown)), argv),
    '',
  ].join('\n');
  for (const folder of [() => join(homeFolder(out.env), 'reports'), () => tmpdir()]) {
    try {
      const path = join(folder(), `stator-${now.replaceAll(':', '')}-${process.pid}.txt`);
      mkdirSync(folder(), { recursive: true, mode: 0o700 });
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    } catch {
      // Tries the next folder. If no report can be written, the bug itself is still printed.
    }
  }
  return null;
}

/**
 * The verb and its flags, with the length of each value in place of the value: a report is sent to other people, and arguments may be tokens, answers
 * and whole documents.
 */
function commandOf(argv: readonly string[]): string {
  const shown = argv.map((word, index) => {
    const [flag = '', value] = word.startsWith('--') ? word.split(/=(.*)/s) : [word];
    if (/^--?[a-z][a-z-]{0,40}$/.test(flag)) return value === undefined ? flag : `${flag}=${lengthOf(value)}`;
    return index < 2 && isCommandWord(word) ? word : lengthOf(word);
  });
  return ['stator', ...shown].join(' ');
}

function isCommandWord(word: string): boolean {
  return Object.hasOwn(nouns, word) || [...verbs, ...Object.values(nouns).flat()].some(({ name }) => name === word);
}

function lengthOf(word: string): string {
  return `<${word.length} characters>`;
}

/** An error may quote the typed arguments. Short ones are left in, because they also occur in ordinary text. */
function withoutWords(text: string, argv: readonly string[]): string {
  const typed = argv.flatMap((word) => [word, word.split(/=(.*)/s)[1] ?? '']).filter((word) => !isCommandWord(word));
  const hidden = typed.flatMap((word) => [word, JSON.stringify(word).slice(1, -1)]).filter((word) => word.length >= 6);
  return hidden.sort((a, b) => b.length - a.length).reduce((left, word) => left.replaceAll(word, '<typed>'), text);
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const own = thrown.stack ?? String(thrown);
  return thrown.cause === undefined ? own : `${own}\ncaused by: ${stackOf(thrown.cause)}`;
}
