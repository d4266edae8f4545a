/** Ends, freezes and thaws whole runs. Every signal goes to one verified process; no group is ever signalled. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../machines/errors.ts';
import { type Identity, isAlive, isSame, signalProcess } from './process-table.ts';
import { findTree } from './process-tree.ts';
import { type RunFolder, readAgent, voidOrAdopt } from './run-folder.ts';

export interface StopOptions {
  /** From TERM to KILL. */
  readonly graceMs?: number;
  /** Ends the stopping where it is, with the signal's reason thrown; whoever comes next simply stops again. */
  readonly abort?: AbortSignal | undefined;
}

export interface SweepOptions extends StopOptions {
  /** What leftovers get to end by themselves, before the TERM. */
  readonly waitMs?: number;
}

export const GRACE_MS = 10_000;
export const LEFTOVER_WAIT_MS = 10_000;
/** The kernel ends a killed process at once, unless a device or a network file system holds it. */
const KILL_LIMIT_MS = 30_000;
/** A wrapper without an agent needs some milliseconds to write the exit code. */
const WRAPPER_LIMIT_MS = 5000;
/** Between two whole looks at the process table; in between only those already known are asked. */
const LOOK_MS = 1000;
/** Short, because a slot waits for it, and cheap: one file a process. */
const ALIVE_POLL_MS = 25;
const FREEZE_ROUNDS = 100;

/**
 * Ends a run: TERM and CONT to its whole tree, KILL after `graceMs`; resolves when the last process has gone. A run that was not started yet never will be
 * (it is voided). The wrapper is let write the exit code, so read that afterwards. Throws unavailable where a process outlives KILL: the slot is then not free.
 */
export async function stopTree(
  folder: RunFolder,
  runId: string,
  { graceMs = GRACE_MS, abort }: StopOptions = {},
): Promise<void> {
  if (voidOrAdopt(folder).kind === 'void') return;
  const startMs = performance.now();
  const killAtMs = startMs + graceMs;
  const told: Identity[] = [];
  let seen: readonly Identity[] = [];
  let aloneSinceMs: number | null = null;
  for (;;) {
    const { wrapper, members } = findTree(folder, runId, seen);
    seen = members;
    if (wrapper === null && members.length === 0) return;
    const nowMs = performance.now();
    if (nowMs > killAtMs + KILL_LIMIT_MS) throw outlived(folder, runId, wrapper ? [wrapper, ...members] : members);
    if (wrapper) signalProcess(wrapper, 'SIGCONT');
    if (nowMs >= killAtMs) for (const member of members) signalProcess(member, 'SIGKILL');
    else askToEnd(folder, members, told);
    aloneSinceMs = members.length > 0 ? null : (aloneSinceMs ?? nowMs);
    if (wrapper && aloneSinceMs !== null && nowMs - aloneSinceMs > WRAPPER_LIMIT_MS) signalProcess(wrapper, 'SIGKILL');
    const lookAtMs = nowMs < killAtMs ? Math.min(killAtMs, nowMs + LOOK_MS) : nowMs + LOOK_MS;
    await untilGone(members.length > 0 || wrapper === null ? members : [wrapper], { limitAtMs: lookAtMs, abort });
  }
}

/**
 * After the main process has ended: what it left gets `waitMs` to end by itself, then it is stopped. Resolves when the last process has gone;
 * throws as `stopTree` does.
 */
export async function sweepLeftovers(folder: RunFolder, runId: string, options: SweepOptions = {}): Promise<void> {
  const { waitMs = LEFTOVER_WAIT_MS, graceMs = GRACE_MS, abort } = options;
  const stopAtMs = performance.now() + waitMs;
  let seen: readonly Identity[] = [];
  while (performance.now() < stopAtMs) {
    const { wrapper, members } = findTree(folder, runId, seen);
    if (wrapper === null && members.length === 0) return;
    seen = members;
    const limitAtMs = Math.min(stopAtMs, performance.now() + LOOK_MS);
    await untilGone(wrapper ? [wrapper, ...members] : members, { limitAtMs, abort });
  }
  await stopTree(folder, runId, { graceMs, abort });
}

/**
 * Stops the clock of a run: STOP to its whole tree, again until nothing new appears (the wrapper only waits, and is left). A process in an
 * uninterruptible call stops when it returns from it.
 */
export async function freezeTree(folder: RunFolder, runId: string): Promise<void> {
  for (let round = 0; round < FREEZE_ROUNDS; round++) {
    const moving = findTree(folder, runId).rows.filter((row) => row.state !== 'T' && row.state !== 't');
    if (moving.length === 0) return;
    for (const row of moving) signalProcess(row.identity, 'SIGSTOP');
    await sleep(ALIVE_POLL_MS);
  }
}

/** CONT to the whole tree; one look is enough, since nothing frozen can have forked. */
export function thawTree(folder: RunFolder, runId: string): void {
  const { wrapper, members } = findTree(folder, runId);
  if (wrapper) signalProcess(wrapper, 'SIGCONT');
  for (const member of members) signalProcess(member, 'SIGCONT');
}

/**
 * TERM goes once to everyone who lives at the first look. Who is born later is an agent's own tidying up and left alone, unless it is the agent
 * itself, still being started, or the agent has gone.
 */
function askToEnd(folder: RunFolder, members: readonly Identity[], told: Identity[]): void {
  const agent = readAgent(folder);
  const agentLives = agent !== null && isAlive(agent);
  const isFirst = told.length === 0;
  for (const member of members) {
    if (told.some((each) => isSame(each, member))) continue;
    if (!isFirst && agentLives && !isSame(member, agent)) continue;
    told.push(member);
    signalProcess(member, 'SIGTERM');
    signalProcess(member, 'SIGCONT'); // a frozen process acts on no TERM
  }
}

async function untilGone(
  identities: readonly Identity[],
  until: { limitAtMs: number; abort: AbortSignal | undefined },
): Promise<void> {
  while (performance.now() < until.limitAtMs && identities.some(isAlive)) {
    until.abort?.throwIfAborted();
    await sleep(ALIVE_POLL_MS);
  }
}

function outlived(folder: RunFolder, runId: string, left: readonly Identity[]): EngineError {
  const pids = left.map((identity) => identity.pid).join(', ');
  return new EngineError(
    'unavailable',
    `${left.length} processes of run ${runId} outlived KILL by ${KILL_LIMIT_MS / 1000} s: ${pids}`,
    `look at them with \`ps -o pid,stat,wchan,user,args -p ${pids.replaceAll(' ', '')}\`: a file system that hangs or another user's process; the run's log is ${folder.log}`,
  );
}
