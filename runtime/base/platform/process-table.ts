/**
 * The processes of this machine: identities that stay unique although process ids are reused, one snapshot of all processes, and the one function that sends
 * signals. Linux has /proc; elsewhere `ps` is called, with less precise results (start times to the second, the group in place of the session).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { throwIfHidden } from './environment-fault.ts';
import type { Identity, ProcessRow, ProcessTable } from './process-identity.ts';
import { readBootFromSysctl, readTableFromPs } from './process-ps.ts';
import { linkOrNull } from './quiet-look.ts';

export type { Identity, ProcessRow, ProcessTable } from './process-identity.ts';

export const hasProc = process.platform === 'linux';
/** USER_HZ, which the kernel keeps at 100 towards programs whatever its own tick is. */
const MS_PER_TICK = 10;

/** One line, `<boot> <pid> <start>`, as the wrapper writes it. */
export function formatIdentity(identity: Identity): string {
  return `${identity.boot} ${identity.pid} ${identity.start}\n`;
}

/** The identity on the first line of a text; null: the line is incomplete, or holds no identity. */
export function parseIdentity(text: string): Identity | null {
  const match = /^(\S+) (\d+) ([^\n]+)\n/.exec(text);
  if (!match) return null;
  const [, boot = '', pid = '', start = ''] = match;
  return { boot, pid: Number(pid), start };
}

/** Which start of the machine this is. */
export function readBoot(): string {
  return hasProc ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : readBootFromSysctl();
}

/** The most repeated readings for processes that started during the last one; on a machine that starts them faster, the last reading counts. */
const MAX_LOOKS = 50;
/** A program replaces another within microseconds, unless the processor is taken from it meanwhile, or a disk must be read. */
const EXEC_LOOKS = 100;
const EXEC_LOOK_MS = 1;

/** Every process of this machine (of this pid namespace), including ended ones that are not reaped yet. */
export function readProcessTable(): ProcessTable {
  const boot = readBoot();
  if (!hasProc) return readTableFromPs(boot);
  const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
  const bootedAtMs = Date.now() - uptimeMs;
  const { rows, runs } = readRows(boot);
  return {
    boot,
    rows,
    startedAtMs: (start) => bootedAtMs + Number(start) * MS_PER_TICK,
    runOf: (pid) => runs.get(pid) ?? runOf(pid),
    argumentsOf: (pid) => readQuietly(`/proc/${pid}/cmdline`)?.split('\0') ?? [],
    outputsOf: (pid) => [1, 2].map((fd) => linkOrNull(`/proc/${pid}/fd/${fd}`)).filter((path) => path !== null),
  };
}

/** What only measures a run, at intervals of seconds, needs no newer one. */
const recentMs = 500;
let recent: { readonly atMs: number; readonly table: ProcessTable } | null = null;

/** A table that is at most half a second old, for the watches of all runs together: to read one of 170 processes takes 2.4 ms. It reads each run once. */
export function recentProcessTable(): ProcessTable {
  if (recent !== null && performance.now() - recent.atMs <= recentMs) return recent.table;
  const table = readProcessTable();
  const runs = new Map<number, string | null | undefined>();
  const runOf = (pid: number) => {
    if (!runs.has(pid)) runs.set(pid, table.runOf(pid));
    return runs.get(pid);
  };
  recent = { table: { ...table, runOf }, atMs: performance.now() };
  return recent.table;
}

/** The row of exactly this process; null when it has gone, also where its number now belongs to another. */
export function findProcess(identity: Identity): ProcessRow | null {
  if (identity.pid <= 1 || identity.boot !== readBoot()) return null;
  const row = processAt(identity.pid, identity.boot);
  return row && isSame(row.identity, identity) && !row.hasEnded ? row : null;
}

/** The process that has this number now, also the first one; null: there is none. Reads one process, while a table reads all. */
export function processAt(pid: number, boot: string): ProcessRow | null {
  if (hasProc) return readRow(pid, boot);
  return readTableFromPs(boot, pid).rows.find((each) => each.identity.pid === pid) ?? null;
}

/** Somebody has stopped it by a signal, or a debugger holds it. */
export function isStopped(row: Pick<ProcessRow, 'state'> | null): boolean {
  return row?.state === 'T' || row?.state === 't';
}

export function isAlive(identity: Identity): boolean {
  return findProcess(identity) !== null;
}

export function isSame(one: Identity, other: Identity): boolean {
  return one.pid === other.pid && one.start === other.start && one.boot === other.boot;
}

/**
 * Sends a signal to exactly this process: its identity is read again right before. Never to a group, never to pid 1 or below, never
 * to ourselves. False: it has gone, or belongs to a user whom we may not signal.
 */
export function signalProcess(identity: Identity, signal: NodeJS.Signals): boolean {
  if (identity.pid === process.pid || findProcess(identity) === null) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code; // process.kill throws system errors only
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

/** The fields of proc(5)'s `stat` from the state on, after the last `)`: a program may put spaces and brackets into its name. */
function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readRow(pid: number, boot: string): ProcessRow | null {
  const text = readQuietly(`/proc/${pid}/stat`);
  if (text === null) return null;
  const end = text.lastIndexOf(')');
  const fields = statFields(text);
  const [state = '', parent, , session] = fields;
  const threads = Number(fields[17]);
  return {
    identity: { boot, pid, start: fields[19] ?? '' },
    parent: Number(parent),
    session: Number(session),
    state,
    // A main thread that left its others running is shown as Z too.
    hasEnded: state === 'X' || (state === 'Z' && threads <= 1),
    name: text.slice(text.indexOf('(') + 1, end),
  };
}

/**
 * Repeats until a reading finds no new process. Otherwise a chain of processes, where each starts the next and ends, could pass through between the list of
 * numbers and the reading of the last of them. The run of a process that started meanwhile is read at once: it may live for a few milliseconds.
 */
function readRows(boot: string): { rows: ProcessRow[]; runs: Map<number, string> } {
  const rows = new Map<number, ProcessRow | null>();
  const runs = new Map<number, string>();
  for (let look = 0; look < MAX_LOOKS; look++) {
    const fresh = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => !rows.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh) {
      rows.set(pid, readRow(pid, boot));
      const run = look === 0 ? null : runInEnvironment(readQuietly(`/proc/${pid}/environ`));
      if (run !== null) runs.set(pid, run);
    }
  }
  return { rows: [...rows.values()].filter((row) => row !== null), runs };
}

/**
 * While a process replaces its program, its environment reads as empty. So a value counts only if a second reading confirms it, and an empty one only if the
 * program had the same place for its environment before and after that reading.
 */
function runOf(pid: number): string | null | undefined {
  const file = `/proc/${pid}/environ`;
  let last = readQuietly(file);
  for (let look = 0; look < EXEC_LOOKS && last !== null; look++) {
    const place = last === '' ? environmentPlace(pid) : null;
    const next = readQuietly(file);
    const isWhole = next !== '' || (place !== '0' && place === environmentPlace(pid));
    if (next === last && isWhole) return runInEnvironment(next);
    if (next === '') pauseMs(EXEC_LOOK_MS);
    last = next;
  }
  return last === null ? null : undefined;
}

/** Whether a process may have that text in its environment. One reading, where an empty one counts: the process may be replacing its program. */
export function mayHaveInEnvironment(pid: number, text: string): boolean {
  const environment = hasProc ? readQuietly(`/proc/${pid}/environ`) : '';
  return environment === '' || environment?.includes(text) === true;
}

/** `env_start` of proc(5); '0': the program is being replaced. null: the process has no memory, because it is ending, or is of the kernel. */
function environmentPlace(pid: number): string | null {
  const fields = statFields(readQuietly(`/proc/${pid}/stat`) ?? '');
  const [memory = '0', place = '0'] = [fields[20], fields[47]];
  return memory === '0' ? null : place;
}

/** Blocks this process for a millisecond in the middle of a reading, which no other work may interrupt. */
function pauseMs(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function runInEnvironment(environment: string | null): string | null {
  const entry = environment?.split('\0').find((each) => each.startsWith('STATOR_RUN='));
  return entry === undefined ? null : entry.slice('STATOR_RUN='.length);
}

/** A process may end, or belong to another user, between two readings: both read as nothing. Throws where the process may live: no more open files. */
function readQuietly(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throwIfHidden(thrown);
    return null;
  }
}
