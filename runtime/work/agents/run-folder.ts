/**
 * The folder of one run, through which an engine, its wrapper and the next engine communicate: prompt, log, wrapper, claim, pid, exit, tmp.
 *
 * `claim` decides whether the agent is started at all. It is only made by link(2), so exactly one process wins: a wrapper (with its identity; it starts the
 * agent) or an engine (`void`; no wrapper ever will). No file is edited in place except `log`, and the line that the wrapper appends to `claim` when it is
 * done.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { trimmedLines } from '../../../machines/vocabulary/trimmed-lines.ts';
import { replaceFile, replaceFileSynced, syncFile } from '../../base/platform/atomic-file.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { isHomeAway } from '../../base/platform/home.ts';
import { type Identity, parseIdentity } from '../../base/platform/process-table.ts';
import { realPathOrNull } from '../../base/platform/quiet-look.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { wrapperScript } from './wrapper-script.ts';

export interface RunFolder {
  readonly path: string;
  /** The secret that the wrapper gets at its start, and that makes an exit code valid; null: none, as with wrappers of earlier versions. */
  readonly secret: string | null;
  readonly prompt: string;
  /** Standard output and error of the agent, in the order written. */
  readonly log: string;
  /** The rotated log; an earlier one is gone. */
  readonly olderLog: string;
  readonly wrapper: string;
  readonly claim: string;
  readonly pid: string;
  readonly exit: string;
  /** Exists if some of the output could not be written. */
  readonly outputLost: string;
  /** STATOR_TEMP_DIR and TMPDIR of the agent. */
  readonly temp: string;
  /** The fenced blocks of a task, for the preset that runs them. */
  readonly script: string;
  /** The MCP servers of a program that asks for permissions. */
  readonly servers: string;
  /** The answers to its questions, one file each: written by the engine; the agent can neither see nor change them. */
  readonly answers: string;
  /** People's input for its terminal; exists as soon as it has one. */
  readonly input: string;
}

export type Claim = { readonly kind: 'void' } | { readonly kind: 'wrapper'; readonly wrapper: Identity };

/** The states in which no process can start this run any more without our knowledge. */
export type Adoption =
  | { readonly kind: 'void' }
  | { readonly kind: 'claimed'; readonly wrapper: Identity }
  | { readonly kind: 'ended'; readonly code: number };

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._#:-]{0,219}$/;
const VOID = 'void\n';
/** Represents a wrapper whose claim lost its content in a power failure: it cannot be alive. */
const nobody: Identity = { boot: 'unknown', pid: 0, start: 'unknown' };

/** The paths of a run's folder; touches nothing. The name is one path component, up to 220 of `A-Z a-z 0-9 . _ # : -`. */
export function runFolderAt(runsRoot: string, name: string, secret: string | null = null): RunFolder {
  if (!namePattern.test(name))
    throw new Error(`"${name}" cannot name a run folder: it is not one plain path component`);
  const path = join(runsRoot, name);
  return {
    path,
    secret,
    prompt: join(path, 'prompt'),
    log: join(path, 'log'),
    olderLog: join(path, 'log.1'),
    wrapper: join(path, 'wrapper'),
    claim: join(path, 'claim'),
    pid: join(path, 'pid'),
    exit: join(path, 'exit'),
    outputLost: join(path, 'output-lost'),
    temp: join(path, 'tmp'),
    script: join(path, 'script.sh'),
    servers: join(path, 'servers.json'),
    answers: join(path, 'answers'),
    input: join(path, 'input'),
  };
}

/**
 * Makes the folder (0700) with its wrapper script. `isBegun`: according to the store, a wrapper may have been started from it, so existing files are kept;
 * otherwise the folder must not exist yet, and an existing one is not adopted. Throws home_unusable, and errors that are waited for.
 */
export function createRunFolder(folder: RunFolder, { isBegun = false } = {}): void {
  inHome(`making the run folder ${folder.path}`, () => {
    mkdirSync(dirname(folder.path), { recursive: true, mode: 0o700 });
    if (!isBegun || !lstatSync(folder.path, { throwIfNoEntry: false })?.isDirectory())
      mkdirSync(folder.path, { mode: 0o700 });
    mkdirSync(folder.temp, { recursive: true, mode: 0o700 });
    writeStartFile(folder.wrapper, wrapperScript);
  });
}

/**
 * Writes a file (0600) that only this start of the run reads: a wrapper sees the old text or the new one. Not synced: no run survives a power failure, so the
 * file is not used after one; it may be empty then. Throws home_unusable, and errors that are waited for.
 */
export function writeStartFile(path: string, text: string | Uint8Array): void {
  inHome(`writing ${path}`, () => replaceFile(path, text, { mode: 0o600 }));
}

/**
 * Writes a file of the folder (0600) whole or not at all: fsync, then rename. It survives a power failure as the old or the new text, and a wrapper that is
 * reading the old one keeps it.
 */
export function writeRunFile(path: string, text: string): void {
  inHome(`writing ${path}`, () => replaceFile(path, text, { mode: 0o600, isSynced: true }));
}

/** As `writeRunFile`, but asynchronous: nothing else in this process waits for the disk. */
export async function writeRunFileAsync(path: string, text: string): Promise<void> {
  try {
    await replaceFileSynced(path, text, 0o600);
  } catch (cause) {
    throw homeError(`writing ${path}`, cause);
  }
}

/** Whether the folder is away together with its home. */
export function isAwayWithHome({ path }: Pick<RunFolder, 'path'>): boolean {
  const runs = dirname(path);
  return !existsSync(runs) && isHomeAway(dirname(runs));
}

/** The claim of the run; null: none yet, so a wrapper may still claim it. */
export function readClaim(folder: RunFolder): Claim | null {
  const text = readIfThere(folder.claim);
  if (text === null) return null;
  if (text === VOID) return { kind: 'void' };
  return { kind: 'wrapper', wrapper: parseIdentity(text) ?? nobody };
}

/** The pipe into which that wrapper's agent writes. It exists while its data is copied into the log. */
export function outputPipe({ path }: RunFolder, wrapper: Identity): string {
  return join(path, `output.${wrapper.pid}`);
}

/** The agent's own process; null until it is about to be started. */
export function readAgent(folder: RunFolder): Identity | null {
  return parseIdentity(readIfThere(folder.pid) ?? '');
}

/** The refusals of a run's proxy, one line each: `host:port reason`. Exists after the first refusal. */
export function refusalsFile({ path }: Pick<RunFolder, 'path'>): string {
  return join(path, 'refused-hosts');
}

/** The secret for this folder's wrapper: one line, never empty. */
export function secretLine({ secret }: RunFolder): string {
  return `${secret ?? '-'}\n`;
}

/**
 * The agent's exit code (128+n for a signal); null: none was written, a power failure emptied the file, or it lacks the run's secret, so the wrapper did not
 * write it.
 */
export function readExit(folder: RunFolder): number | null {
  const [, code, secret] = /^(\d{1,3})(?: (\S+))?\n$/.exec(readIfThere(folder.exit) ?? '') ?? [];
  const isOther = folder.secret !== null && folder.secret !== secret;
  return code === undefined || isOther ? null : Number(code);
}

/**
 * Decides whether this run was started; the first step of an engine that adopts, stops or gives up a run. `void`: nothing was started from this folder, and
 * nothing will be. Otherwise a wrapper was first. No fsync: a power failure that loses the void also ends every wrapper. Throws home_unusable, and errors that are waited for.
 */
export function voidOrAdopt(folder: RunFolder): Adoption {
  const claim = linkVoid(folder);
  if (claim.kind === 'void') return claim;
  const code = readExit(folder);
  return code === null ? { kind: 'claimed', wrapper: claim.wrapper } : { kind: 'ended', code };
}

/**
 * Makes a known claim survive a power failure: otherwise the next engine would find no claim after the reboot, and consider a run that was recorded as
 * started as never started.
 */
export async function syncClaim(folder: RunFolder): Promise<void> {
  try {
    await Promise.all([folder.claim, folder.path].map(syncFile));
  } catch (cause) {
    throw homeError(`syncing ${folder.claim}`, cause);
  }
}

function linkVoid(folder: RunFolder): Claim {
  return inHome(`claiming ${folder.claim}`, () => {
    const own = `${folder.claim}.${process.pid}-${randomBytes(6).toString('hex')}`;
    writeFileSync(own, VOID, { flag: 'wx', mode: 0o600 });
    try {
      linkSync(own, folder.claim);
      return { kind: 'void' };
    } catch (error) {
      const claim = readClaim(folder);
      if (claim === null) throw error;
      return claim;
    } finally {
      unlinkSync(own);
    }
  });
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null; // fs throws only system errors
    throw error;
  }
}

function inHome<T>(doing: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw homeError(doing, cause);
  }
}

function homeError(doing: string, cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause;
  const code = (cause as NodeJS.ErrnoException).code; // fs throws only system errors
  const trouble = environmentFault(cause);
  if (trouble !== null) return new EngineError(trouble.code, `${trouble.message}, ${doing}`, trouble.hint, { cause });
  return new EngineError(
    'home_unusable',
    `${code ?? 'error'}, ${doing}`,
    'check that the folder exists, belongs to you and is on a file system with hard links',
    { cause },
  );
}

/** The digest of the last home: a process works in one home. */
let last = { home: '', mark: '' };

/** A run's id on this machine: STATOR_RUN of its processes, by which leftovers are found. It contains the home, because two homes may have the same project and plan; by a link to it the id is the same. */
export function runIdOf(home: string, key: string): string {
  if (last.home !== home) last = { home, mark: textDigest(realPathOrNull(home) ?? home).slice(0, 8) };
  return `${key}@${last.mark}`;
}

/** The lines that stator itself writes into a run's log, for people; they are not the agent's output. */
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
