/**
 * The failures of the world, in one table for every layer: the HTTP status, the exit code, and whether trying again can help. `wait`: a fault of the
 * environment. The work waits without a limit until the fault is gone, and nothing counts as failed.
 */
import { joinedLines } from './trimmed-lines.ts';

interface ErrorClass {
  readonly status: number;
  readonly exitCode: number;
  readonly retry: boolean | 'wait';
}

/** Exit codes follow sysexits where it has one: 64 usage, 69 unavailable, 70 internal, 78 configuration. */
export const errorClasses = {
  usage: { status: 400, exitCode: 64, retry: false },
  bad_request: { status: 400, exitCode: 64, retry: false },
  unauthorized: { status: 401, exitCode: 1, retry: false },
  forbidden: { status: 403, exitCode: 1, retry: false },
  too_large: { status: 413, exitCode: 1, retry: false },
  unsupported_media_type: { status: 415, exitCode: 64, retry: false },
  timed_out: { status: 408, exitCode: 1, retry: true },
  not_found: { status: 404, exitCode: 1, retry: false },
  plan_not_found: { status: 404, exitCode: 1, retry: false },
  repo_not_found: { status: 404, exitCode: 1, retry: false },
  unknown_signal: { status: 400, exitCode: 64, retry: false },
  bad_payload: { status: 400, exitCode: 64, retry: false },
  not_allowed: { status: 409, exitCode: 1, retry: false },
  refused: { status: 409, exitCode: 1, retry: false },
  conflict: { status: 409, exitCode: 1, retry: false },
  bad_plan: { status: 400, exitCode: 1, retry: false },
  bad_file: { status: 400, exitCode: 1, retry: false },
  bad_repo: { status: 400, exitCode: 1, retry: false },
  elsewhere: { status: 409, exitCode: 1, retry: false },
  untrusted: { status: 409, exitCode: 1, retry: 'wait' },
  unsafe_path: { status: 409, exitCode: 1, retry: false },
  bad_config: { status: 500, exitCode: 78, retry: false },
  config_untrusted: { status: 409, exitCode: 78, retry: false },
  home_unusable: { status: 500, exitCode: 78, retry: false },
  store_locked: { status: 503, exitCode: 78, retry: true },
  store_full: { status: 507, exitCode: 78, retry: true },
  store_unreadable: { status: 500, exitCode: 78, retry: false },
  store_corrupt: { status: 500, exitCode: 78, retry: false },
  store_newer: { status: 500, exitCode: 78, retry: false },
  snapshot_unknown: { status: 500, exitCode: 78, retry: false },
  owner_taken: { status: 409, exitCode: 69, retry: true },
  no_daemon: { status: 503, exitCode: 69, retry: true },
  other_version: { status: 503, exitCode: 69, retry: false },
  unavailable: { status: 503, exitCode: 1, retry: true },
  stopped: { status: 503, exitCode: 69, retry: false },
  busy: { status: 503, exitCode: 69, retry: true },
  limit_reached: { status: 429, exitCode: 2, retry: true },
  git_missing: { status: 500, exitCode: 1, retry: false },
  git_failed: { status: 500, exitCode: 1, retry: true },
  branch_taken: { status: 409, exitCode: 1, retry: false },
  worktree_taken: { status: 409, exitCode: 1, retry: false },
  unsigned: { status: 409, exitCode: 1, retry: 'wait' },
  lost_work: { status: 409, exitCode: 1, retry: 'wait' },
  branch_checked_out: { status: 409, exitCode: 1, retry: 'wait' },
  disk_full: { status: 507, exitCode: 1, retry: 'wait' },
  unreachable: { status: 503, exitCode: 1, retry: 'wait' },
  system_limit: { status: 503, exitCode: 1, retry: 'wait' },
  address_refused: { status: 400, exitCode: 1, retry: false },
  no_answer: { status: 502, exitCode: 1, retry: true },
  no_forge: { status: 409, exitCode: 1, retry: false },
  no_token: { status: 409, exitCode: 1, retry: false },
  forge_unreachable: { status: 502, exitCode: 1, retry: 'wait' },
  forge_denied: { status: 502, exitCode: 1, retry: false },
  forge_limited: { status: 503, exitCode: 1, retry: 'wait' },
  forge_refused: { status: 502, exitCode: 1, retry: false },
  machine_unknown: { status: 404, exitCode: 1, retry: 'wait' },
  bad_machine: { status: 400, exitCode: 78, retry: false },
  effect_failed: { status: 502, exitCode: 1, retry: false },
  effect_later: { status: 503, exitCode: 1, retry: 'wait' },
  nested_repository: { status: 409, exitCode: 1, retry: false },
  agent_unusable: { status: 400, exitCode: 1, retry: false },
  interrupted: { status: 499, exitCode: 130, retry: true },
  internal: { status: 500, exitCode: 70, retry: true },
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof errorClasses;

/**
 * A failure of the world. The code is its identity, because it survives JSON; the hint says what a tired person can do now.
 * A refusal is data and never thrown; a broken invariant is a plain Error.
 */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  /** Trying again earlier would be refused again: milliseconds of the wall clock. Absent: the time is not known. */
  readonly retryAtMs?: number;
  /** For `busy`: milliseconds after which it may be taken. */
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
    this.hint = hint;
    if (options?.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }

  /** The wire form, the same on standard error and over HTTP: `{error, code, hint}`. */
  toJSON(): ErrorDocument {
    const { message, code, hint, retryAfterMs } = this;
    return { error: message, code, hint, ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }) };
  }
}

export interface ErrorDocument {
  readonly error: string;
  readonly code: string;
  readonly hint: string;
  readonly retry_after_ms?: number;
}

/** Whether this is the wire form of an error. Written by hand: clients start faster without a schema library. */
export function isErrorDocument(value: unknown): value is ErrorDocument {
  if (typeof value !== 'object' || value === null) return false;
  const { error, code, hint } = value as Partial<Record<keyof ErrorDocument, unknown>>; // checked field by field
  return typeof error === 'string' && typeof code === 'string' && typeof hint === 'string';
}

/** `hint`: a text for cases in which registering the repo does not help. */
export function repoNotFound(project: string, hint = 'register it with: stator repo add <path>'): EngineError {
  return new EngineError('repo_not_found', `repo not registered: ${project}`, hint);
}

export const installGit =
  'install git 2.38 or newer (https://git-scm.com/downloads), and make sure that it is first on PATH';

export function gitMissing(cause: unknown): EngineError {
  return new EngineError('git_missing', 'git is not installed, or not on PATH', installGit, { cause });
}

export function planNotFound(project: string, plan: string): EngineError {
  return new EngineError(
    'plan_not_found',
    `plan not found: ${project}/${plan}`,
    'see the plans with: stator plan list',
  );
}

/** The error that a document from the wire describes; a code that this version does not know becomes `internal`. */
export function errorFromDocument(document: ErrorDocument): EngineError {
  const code = document.code in errorClasses ? (document.code as ErrorCode) : 'internal'; // proven by the `in` before it
  const { error, hint, retry_after_ms: retryAfterMs } = document;
  return new EngineError(code, error, hint, retryAfterMs === undefined ? {} : { retryAfterMs });
}

/** The end of a hint about work that waits: true whether an engine runs or not, because the text is stored and may be read after it has ended. */
export const thenContinues = 'a running engine then continues';

/** What happened, and below it what can be done now: the two lines that a person reads about a failure. */
export function withHint({ message, hint }: { readonly message: string; readonly hint: string }): string {
  return `${message}\n${hint}`;
}

/** The same, or any text of several lines, on one line: semicolons separate the lines, except after a colon. */
export function onOneLine(reason: string): string {
  return joinedLines(reason, ':');
}

/** Why something was not done: the text of `withHint` for a failure of the world, else that of `messageOf`. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof EngineError ? withHint(thrown) : messageOf(thrown);
}

/**
 * Whether it is an error, also one of another realm: a test runner such as Jest runs a program, and this package in it, with globals of its own, and the errors
 * that Node throws are instances of others.
 */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || /^\[object (?:Error|DOMException)\]$/.test(Object.prototype.toString.call(thrown));
}

/** How many causes a message names, one after the other. */
const messageLimit = 10;

/** The text of anything that was thrown, with the causes behind it, on one line. */
export function messageOf(thrown: unknown): string {
  const said: string[] = [];
  for (let at = thrown; said.length < messageLimit; at = at.cause) {
    const text = isError(at) ? at.message || partsOf(at) : wordsOf(at);
    // An error that is wrapped often repeats the text of its cause.
    if (!said.some((before) => before.includes(text))) said.push(text);
    if (!isError(at) || at.cause === undefined) break;
  }
  return said.join(': ');
}

/** Node gives no message to the failure to connect to every address of a name: each of its parts has one. */
function partsOf(error: Error): string {
  const parts: unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return parts
    .slice(0, messageLimit)
    .map((part) => (isError(part) ? part.message : wordsOf(part)))
    .join(' and ');
}

/** How many characters a message may repeat of a thrown object that is not an error. */
const objectLimit = 500;

/** A thrown value that is not an error: its message, or the object itself. */
function wordsOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  try {
    if ('message' in thrown && typeof thrown.message === 'string') return thrown.message;
    const text = JSON.stringify(thrown);
    return text.length > objectLimit ? `${text.slice(0, objectLimit)}…` : text;
  } catch {
    return Object.prototype.toString.call(thrown); // a circle, a bigint, or a field that throws
  }
}
