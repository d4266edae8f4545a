/** Ends, freezes and thaws whole runs. Every process signal goes to one verified process, never to a group. */
import { chmodSync, closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { onlyPath } from '../../base/platform/open-to-owner.ts';
import {
  hasProc,
  type Identity,
  isAlive,
  isSame,
  isStopped,
  type ProcessRow,
  signalProcess,
} from '../../base/platform/process-table.ts';
import { walkTree } from '../../base/platform/walk-tree.ts';
import { noteFrozen, noteThawed } from './frozen.ts';
import { findTree, type RunTree } from './process-tree.ts';
import { writtenFolders } from './resource-watch.ts';
import { type RunFolder, readAgent, readClaim, voidOrAdopt } from './run-folder.ts';

export interface StopOptions {
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  /** Interrupts the stopping, and throws the signal's reason; the next call simply stops again. */
  readonly abort?: AbortSignal | undefined;
  /** The stored identity of the wrapper, for a run whose folder is gone. */
  readonly known?: Identity | null;
}

export interface SweepOptions extends StopOptions {
  /** The time for leftovers to end by themselves, before the TERM. */
  readonly waitMs?: number;
}

const GRACE_MS = 10_000;
const LEFTOVER_WAIT_MS = 10_000;
/** The kernel ends a killed process at once, unless a device or a network file system holds it. */
const KILL_LIMIT_MS = 30_000;
/** How long a sweep waits only for the wrapper, before it searches other processes. */
const WRAPPER_END_MS = 25;
/** A wrapper without an agent needs some milliseconds to write the exit code. */
const WRAPPER_LIMIT_MS = 5000;
/** The time between two readings of the process table; in between only known processes are checked. */
const LOOK_MS = 1000;
/** Short, because a slot waits for it, and cheap: one file for each process. */
const ALIVE_POLL_MS = 25;
/** The first pause; each next one is twice as long. A wrapper that has written the exit code has a millisecond to go. */
const FIRST_ALIVE_POLL_MS = 1;
/** Freezing a tree before the kill takes milliseconds; a process that is not frozen by then is killed anyway. */
const HOLD_LIMIT_MS = 1000;
const FREEZE_LIMIT_MS = 2500;
/** The name under which both processes of bubblewrap run: the one outside, and the first one inside. */
export const wallsName = 'bwrap';

/**
 * Ends a run: TERM and CONT to its whole tree, KILL after `graceMs`. Resolves when the last process has gone and the run has no setuid file. A run that was
 * not started yet is voided, so it never will be. The wrapper still writes the exit code, so read that afterwards. Throws unavailable if a process survives
 * KILL: the slot is then not free.
 */
export async function stopTree(folder: RunFolder, runId: string, options: StopOptions = {}): Promise<void> {
  await endTree(folder, runId, options);
  await closeFiles(folder);
}

async function endTree(
  folder: RunFolder,
  runId: string,
  { graceMs = GRACE_MS, abort, known = null }: StopOptions,
): Promise<void> {
  if (existsSync(folder.path) && voidOrAdopt(folder).kind === 'void' && known === null) return;
  const startMs = performance.now();
  const killAtMs = startMs + graceMs;
  const asked: Identity[] = [];
  let seen: readonly Identity[] = [];
  let aloneSinceMs: number | null = null;
  let kills = 0;
  for (;;) {
    const look = () => findTree(folder, runId, { seen, known });
    const nowMs = performance.now();
    const isToKill = nowMs >= killAtMs;
    const tree = isToKill ? await hold(look, HOLD_LIMIT_MS) : look();
    const { wrapper, members } = tree;
    seen = members;
    if (hasGone(tree)) return;
    if (nowMs > killAtMs + KILL_LIMIT_MS)
      throw stillRunningError(folder, runId, wrapper ? [wrapper, ...members] : members);
    if (wrapper) signalProcess(wrapper, 'SIGCONT');
    if (isToKill) {
      kills += 1;
      for (const member of members) signalProcess(member, 'SIGKILL');
      // Without its folder it would wait a minute to write the exit code, and start a program each second. Not at once: while it lives, its session is the run's.
      if (wrapper && kills > 2 && !existsSync(folder.path)) signalProcess(wrapper, 'SIGKILL');
    } else askToEnd(folder, tree, asked);
    aloneSinceMs = members.length > 0 ? null : (aloneSinceMs ?? nowMs);
    if (wrapper && aloneSinceMs !== null && nowMs - aloneSinceMs > WRAPPER_LIMIT_MS) signalProcess(wrapper, 'SIGKILL');
    const lookAtMs = nowMs < killAtMs ? Math.min(killAtMs, nowMs + LOOK_MS) : nowMs + LOOK_MS;
    await untilGone(members.length > 0 || wrapper === null ? members : [wrapper], { limitAtMs: lookAtMs, abort });
  }
}

/**
 * Call it after the main process has ended: leftovers get `waitMs` to end by themselves, and are then stopped. Resolves when the last process has gone;
 * throws as `stopTree`.
 */
export async function sweepLeftovers(folder: RunFolder, runId: string, options: SweepOptions = {}): Promise<void> {
  const { waitMs = LEFTOVER_WAIT_MS, graceMs = GRACE_MS, abort } = options;
  const stopAtMs = performance.now() + waitMs;
  let seen: readonly Identity[] = [];
  // The wrapper ends a moment after the exit code: one file is read for that, and the whole table once.
  const claim = readClaim(folder);
  const limitAtMs = Math.min(stopAtMs, performance.now() + WRAPPER_END_MS);
  if (claim?.kind === 'wrapper') await untilGone([claim.wrapper], { limitAtMs, abort });
  while (performance.now() < stopAtMs) {
    const tree = findTree(folder, runId, { seen });
    const { wrapper, members } = tree;
    if (hasGone(tree)) return closeFiles(folder);
    seen = members;
    const limitAtMs = Math.min(stopAtMs, performance.now() + LOOK_MS);
    await untilGone(wrapper ? [wrapper, ...members] : members, { limitAtMs, abort });
  }
  await stopTree(folder, runId, { graceMs, abort });
}

function hasGone({ wrapper, members, isSure }: RunTree): boolean {
  return wrapper === null && members.length === 0 && isSure;
}

/** An agent may leave a setuid shell of stator's user: another user of the machine who can reach it would get that user's rights. */
async function closeFiles(folder: RunFolder): Promise<void> {
  for (const place of writtenFolders(folder)) await dropSpecialBits(place);
}

/**
 * Freezes a run: STOP to its whole tree, repeated until no new process appears (the wrapper only waits, and is left alone). A process in an uninterruptible
 * call stops when it returns from it.
 */
export async function freezeTree(folder: RunFolder, runId: string): Promise<void> {
  noteFrozen(folder);
  await hold(() => findTree(folder, runId), FREEZE_LIMIT_MS);
}

/**
 * Sends STOP to all processes, and again at once while new ones appear: a chain of processes that each start the next and end is caught at one of them, and a
 * stopped process starts no other. Returns the last reading.
 */
async function hold(look: () => RunTree, limitMs: number): Promise<RunTree> {
  const untilMs = performance.now() + limitMs;
  let stopped: readonly Identity[] = [];
  for (;;) {
    const tree = look();
    const moving = tree.rows.filter((row) => !isBlockedByChild(row, tree)).map((row) => row.identity);
    if ((moving.length === 0 && tree.isSure) || performance.now() > untilMs) return tree;
    for (const identity of moving) signalProcess(identity, 'SIGSTOP');
    const isAnyNew = moving.some((identity) => !stopped.some((each) => isSame(each, identity)));
    stopped = moving;
    await (isAnyNew || moving.length === 0 ? nextTurn() : sleep(ALIVE_POLL_MS));
  }
}

/** After vfork(2) a parent stays in state D, whatever signal it gets, until its child calls exec: while the child is stopped, so is the parent. */
function isBlockedByChild(row: ProcessRow, { rows }: RunTree): boolean {
  return (
    isStopped(row) || (row.state === 'D' && rows.some((each) => each.parent === row.identity.pid && isStopped(each)))
  );
}

/** CONT to the whole tree; one reading is enough, because a frozen process cannot fork. */
export function thawTree(folder: RunFolder, runId: string): void {
  const { wrapper, members } = findTree(folder, runId);
  if (wrapper) signalProcess(wrapper, 'SIGCONT');
  for (const member of members) signalProcess(member, 'SIGCONT');
  noteThawed(folder);
}

/**
 * TERM goes once to every process of the first reading. A later process is the agent's own cleanup and is left alone, unless it is the agent itself, still
 * being started, or the agent has gone. bubblewrap gets no TERM: it ends with the processes inside, and ending it first would kill them all.
 */
function askToEnd(folder: RunFolder, { rows }: RunTree, asked: Identity[]): void {
  const agent = readAgent(folder);
  const agentLives = agent !== null && isAlive(agent);
  const isFirst = asked.length === 0;
  for (const { identity: member, name } of rows) {
    if (name === wallsName) continue;
    if (asked.some((each) => isSame(each, member))) continue;
    if (!isFirst && agentLives && !isSame(member, agent)) continue;
    asked.push(member);
    signalProcess(member, 'SIGTERM');
    signalProcess(member, 'SIGCONT'); // a frozen process acts on no TERM
  }
}

async function untilGone(
  identities: readonly Identity[],
  until: { limitAtMs: number; abort: AbortSignal | undefined },
): Promise<void> {
  await nextTurn(); // no process of the reading lives any more, so other work gets a turn before the next one
  until.abort?.throwIfAborted();
  let pollMs = FIRST_ALIVE_POLL_MS;
  while (performance.now() < until.limitAtMs && identities.some(isAlive)) {
    await sleep(pollMs);
    until.abort?.throwIfAborted();
    pollMs = Math.min(2 * pollMs, ALIVE_POLL_MS);
  }
}

function stillRunningError(folder: RunFolder, runId: string, left: readonly Identity[]): EngineError {
  if (left.length === 0)
    return new EngineError(
      'unavailable',
      `processes end before it can be read whether they belong to run ${runId}, for ${KILL_LIMIT_MS / 1000} s after KILL`,
      `look with \`ps\` for a program that starts the next one and ends, again and again, and end it; the run's log is ${folder.log}`,
    );
  const pids = left.map((identity) => identity.pid).join(', ');
  return new EngineError(
    'unavailable',
    `${left.length} processes of run ${runId} outlived KILL by ${KILL_LIMIT_MS / 1000} s: ${pids}`,
    `look at them with \`ps -o pid,stat,wchan,user,args -p ${pids.replaceAll(' ', '')}\`: a file system that hangs or another user's process; the run's log is ${folder.log}`,
  );
}

const specialBits = 0o6000;
const permissionBits = 0o1777;

/**
 * Removes these bits from all files in a folder, links not followed. Folders keep theirs: there they only determine the group of new files. Unreadable files,
 * and files that disappear meanwhile, are skipped. On Linux only.
 */
export async function dropSpecialBits(folder: string): Promise<void> {
  if (!hasProc) return;
  for await (const { path, found } of walkTree(folder, { opens: true }))
    if (found.isFile() && (found.mode & specialBits) !== 0) dropFrom(path);
}

/** Works on the descriptor, because another program may exchange the path at this moment. */
function dropFrom(path: Buffer): void {
  let file: number | null = null;
  try {
    file = openSync(path, onlyPath | constants.O_NOFOLLOW);
    const { mode } = fstatSync(file);
    chmodSync(`/proc/self/fd/${file}`, mode & permissionBits);
  } catch {
    // It went, or is another user's.
  } finally {
    if (file !== null) closeSync(file);
  }
}
