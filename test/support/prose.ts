/**
 * The words of messages and hints. A test asserts the code of a failure and the places that it names (file, line, key); the words stand in the snapshot
 * of its file, `__snapshots__/<file>.snap`, so a better wording changes no test. Not for tests that are drawn: a snapshot nobody asked for fails in CI.
 */
import { tmpdir } from 'node:os';
import { expect } from 'vitest';
import { z } from 'zod';
import type { ErrorCode } from '../../machines/vocabulary/errors.ts';

/** Asked once: of a process that has become another user for a look Node says another folder. */
const temp = tmpdir();

const told = z.object({ code: z.string(), message: z.string(), hint: z.string() });
const answered = z.object({ code: z.string(), error: z.string(), hint: z.string() });

/** That something failed with this code, names these places in its message or its hint, and says what its snapshot says. Awaits a promise, calls a function. */
export async function expectFailure(
  failing: Promise<unknown> | (() => unknown),
  code: ErrorCode,
  ...places: string[]
): Promise<void> {
  const asked = typeof failing === 'function' ? (async () => failing())() : failing;
  const thrown = await asked.then(
    () => expect.fail(`it did not fail with ${code}`),
    (error: unknown) => error,
  );
  expectError(thrown, code, ...places);
}

/** That an error has this code, names these places in its message or its hint, and says what its snapshot says. */
export function expectError(thrown: unknown, code: ErrorCode, ...places: string[]): void {
  const read = told.safeParse(thrown);
  if (!read.success) throw thrown;
  expect(read.data.code, read.data.message).toBe(code);
  expectProse(`${read.data.message}\nhint: ${read.data.hint}`, ...places);
}

/** The same of the body of an answer of the control API. */
export function expectAnswer(body: unknown, code: ErrorCode, ...places: string[]): void {
  const { error, ...rest } = answered.parse(body);
  expectError({ message: error, ...rest }, code, ...places);
}

/** The same of the error that a verb ends with on standard error; what it notes before that is not looked at. */
export function expectRefusal(stderr: string, ...places: string[]): void {
  expectProse(stderr.slice(stderr.search(/^error: /m)), ...places);
}

/** The same of the document that a verb under `--json` writes on standard error; `code` is its code. */
export function expectRefusalJson(stderr: string, code: ErrorCode, ...places: string[]): void {
  const { error: message, ...rest } = JSON.parse(stderr);
  expectError({ ...rest, message }, code, ...places);
}

/** That a text names these places and is what its snapshot says; `npx vitest run <file> -u` writes the snapshot anew. */
export function expectProse(text: string, ...places: string[]): void {
  for (const place of places) expect(text).toContain(place);
  expect(steadied(text)).toMatchSnapshot();
}

/**
 * Without what differs from run to run: temp folders, times, commits, ids of signals, processes and errors, ports of servers of a test, what Node calls
 * a fault of HTTP, and stator's own version; and without durations, where a text says how long something took, lasts already, or is off.
 */
function steadied(text: string): string {
  return text
    .replaceAll(new RegExp(`(/private)?${temp}/stator-([a-z]+-)*\\w{6}(?!\\w)`, 'g'), '<tmp>')
    .replaceAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?/g, '<time>')
    .replaceAll(/\b\d\d:\d\d:\d\d\b/g, '<time>')
    .replaceAll(/\bsince (\d{4}-\d\d-\d\d )?\d\d:\d\d\b/g, 'since <time>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<digest>')
    .replaceAll(/\b[0-9a-f]{40}\b/g, '<commit>')
    .replaceAll(/\b[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\b/g, '<uuid>')
    .replaceAll(/\b[0-9a-f]{12}\b/g, '<hash>')
    .replaceAll(/\b127\.0\.0\.1:[1-6]\d{4}\b/g, '127.0.0.1:<port>')
    .replaceAll(/\b(signal (?:(?:show|retry) )?)\d+/g, '$1<id>')
    .replaceAll(/\bHPE_[A-Z_]+/g, 'HPE_<code>')
    .replaceAll(/\bpid \d+/g, 'pid <pid>')
    .replaceAll(/\bstator (is version )?\d+\.\d+\.\d+/g, 'stator $1<version>')
    .replaceAll(/\b(took +)(\d+[dhms] ?)+, /g, '$1')
    .replaceAll(/\b(for|denied in) \d+[dhms]( \d+[hms])?\b/g, '$1 <duration>');
}
