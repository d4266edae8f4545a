/**
 * The words of messages and hints. A test asserts the code of a failure and the places that it names (file, line, key); the texts are in the snapshot
 * of its file, `__snapshots__/<file>.snap`, so a better wording changes no test. Not for tests that are drawn at random: an unused snapshot fails in
 * CI.
 */
import { tmpdir } from 'node:os';
import { expect } from 'vitest';
import { z } from 'zod';
import type { ErrorCode } from '../../machines/vocabulary/errors.ts';

/** Read once: for a process that has changed its user for a moment, Node returns another folder. */
const temp = tmpdir();

const errorSchema = z.object({ code: z.string(), message: z.string(), hint: z.string() });
const answered = z.object({ code: z.string(), error: z.string(), hint: z.string() });

/** Expects a failure with this code, these places in its message or its hint, and the text of its snapshot. Awaits a promise, calls a function. */
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

/** Expects an error with this code, these places in its message or its hint, and the text of its snapshot. */
export function expectError(thrown: unknown, code: ErrorCode, ...places: string[]): void {
  const read = errorSchema.safeParse(thrown);
  if (!read.success) throw thrown;
  expect(read.data.code, read.data.message).toBe(code);
  expectProse(`${read.data.message}\nhint: ${read.data.hint}`, ...places);
}

/** The same for the body of a control API answer. */
export function expectAnswer(body: unknown, code: ErrorCode, ...places: string[]): void {
  const { error, ...rest } = answered.parse(body);
  expectError({ message: error, ...rest }, code, ...places);
}

/** The same for the final error of a verb on standard error; earlier notes are ignored. */
export function expectRefusal(stderr: string, ...places: string[]): void {
  expectProse(stderr.slice(stderr.search(/^error: /m)), ...places);
}

/** The same for the error document of a verb under `--json`; `code` is its code. */
export function expectRefusalJson(stderr: string, code: ErrorCode, ...places: string[]): void {
  const { error: message, ...rest } = JSON.parse(stderr);
  expectError({ ...rest, message }, code, ...places);
}

/** Expects a text with these places that equals its snapshot; `npx vitest run <file> -u` writes the snapshot. */
export function expectProse(text: string, ...places: string[]): void {
  for (const place of places) expect(text).toContain(place);
  expect(steadied(text)).toMatchSnapshot();
}

/** Lines of `sayWhenSlow`: a busy machine prints them, a quiet one does not. */
const slowNotes =
  /^.*(?:it waits for (?:git|the remote), or tries again what failed: stator daemon logs|waits in line; what it waits for: .*|git waits for the remote, or for a hook of yours|its branch and worktree are made then)\n/gm;

/**
 * The text without the parts that differ from run to run: temporary folders, times, commits, ids of signals, processes and errors, ports of test
 * servers, Node's names of HTTP faults, stator's own version, durations, and the note that a verb prints about work that takes long.
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
    .replaceAll(/\bkill -CONT \d+/g, 'kill -CONT <pid>')
    .replaceAll(/\bstator (is version )?\d+\.\d+\.\d+/g, 'stator $1<version>')
    .replaceAll(/\b(took +)(\d+[dhms] ?)+(, |this time; in all )/g, '$1')
    .replaceAll(slowNotes, '')
    .replaceAll(/ \((<1m|\d+m|\d+h \d\dm)\)/g, ' (<duration>)')
    .replaceAll(/\b(for|denied in) \d+[dhms]( \d+[hms])?\b/g, '$1 <duration>');
}
