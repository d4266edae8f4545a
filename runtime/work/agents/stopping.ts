/** Ends, freezes and thaws whole runs. Every signal goes to one verified process; no group is ever signalled. */
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Identity, isAlive, isSame, type ProcessRow, signalProcess } from '../../base/platform/process-table.ts';
import { dropSpecialBits } from '../../base/platform/special-bits.ts';
import { findTree, type RunTree } from './process-tree.ts';
import { writtenFolders } from './resource-watch.ts';
import { type RunFolder, readAgent, readClaim, voidOrAdopt } from './run-folder.ts';

export interface StopOptions {
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  /** Ends the stopping where it is, with the signal's reason thrown; whoever comes next simply stops again. */
  readonly abort?: AbortSignal | undefined;
  /** The wrapper as the store knows it: of a run whose folder is gone. */
  readonly known?: Identity | null;
}

export interface SweepOptions extends StopOptions {
  /** What leftovers get to end by themselves, before the TERM. */
  readonly waitMs?: number;
}

const GRACE_MS = 10_000;
const LEFTOVER_WAIT_MS = 10_000;
/** The kernel ends a killed process at once, unless a device or a network file system holds it. */
const KILL_LIMIT_MS = 30_000;
/** So long a sweep waits for the wrapper alone, before it looks who else is there. */
const WRAPPER_END_MS = 25;
/** A wrapper without an agent needs some milliseconds to write the exit code. */
const WRAPPER_LIMIT_MS = 5000;
/** Between two whole looks at the process table; in between only those already known are asked. */
const LOOK_MS = 1000;
/** Short, because a slot waits for it, and cheap: one file a process. */
const ALIVE_POLL_MS = 25;
/** The first pause; each next one is twice as long. A wrapper that has written the exit code has a millisecond to go. */
const FIRST_ALIVE_POLL_MS = 1;
/** Holding a tree still before it is killed takes milliseconds; who does not stand still by then is killed as it is. */
const HOLD_LIMIT_MS = 1000;
const FREEZE_LIMIT_MS = 2500;
/** The name under which both processes of bubblewrap run: the one outside, and the first one inside. */
export const wallsName = 'bwrap';

/**
 * Ends a run: TERM and CONT to its whole tree, KILL after `graceMs`; resolves when the last process has gone, and no file of the run acts with its owner's
 * rights. A run that was not started yet never will be
 * (it is voided). The wrapper is let write the exit code, so read that afterwards. Throws unavailable where a process outlives KILL: the slot is then not free.
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
  const told: Identity[] = [];
  let seen: readonly Identity[] = [];
  let aloneSinceMs: number | null = null;
  for (;;) {
    const look = () => findTree(folder, runId, { seen, known });
    const nowMs = performance.now();
    const isToKill = nowMs >= killAtMs;
    const tree = isToKill ? await hold(look, HOLD_LIMIT_MS) : look();
    const { wrapper, members } = tree;
    seen = members;
    if (wrapper === null && members.length === 0) return;
    if (nowMs > killAtMs + KILL_LIMIT_MS)
      throw stillRunningError(folder, runId, wrapper ? [wrapper, ...members] : members);
    if (wrapper) signalProcess(wrapper, 'SIGCONT');
    if (isToKill) for (const member of members) signalProcess(member, 'SIGKILL');
    else askToEnd(folder, tree, told);
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
  // The wrapper ends a moment after the exit code: one file is read for that, and the whole table once.
  const claim = readClaim(folder);
  const limitAtMs = Math.min(stopAtMs, performance.now() + WRAPPER_END_MS);
  if (claim?.kind === 'wrapper') await untilGone([claim.wrapper], { limitAtMs, abort });
  while (performance.now() < stopAtMs) {
    const { wrapper, members } = findTree(folder, runId, { seen });
    if (wrapper === null && members.length === 0) return closeFiles(folder);
    seen = members;
    const limitAtMs = Math.min(stopAtMs, performance.now() + LOOK_MS);
    await untilGone(wrapper ? [wrapper, ...members] : members, { limitAtMs, abort });
  }
  await stopTree(folder, runId, { graceMs, abort });
}

/** An agent may leave a shell with the setuid bit of who runs stator: another user of the machine who reaches it would have those rights. */
async function closeFiles(folder: RunFolder): Promise<void> {
  for (const place of writtenFolders(folder)) await dropSpecialBits(place);
}

/**
 * Stops the clock of a run: STOP to its whole tree, again until nothing new appears (the wrapper only waits, and is left). A process in an
 * uninterruptible call stops when it returns from it.
 */
export async function freezeTree(folder: RunFolder, runId: string): Promise<void> {
  await hold(() => findTree(folder, runId), FREEZE_LIMIT_MS);
}

/**
 * STOP to everyone, again at once while new ones come: a chain whose links start the next and end is caught at one of them, and nothing that stands
 * still starts another. Answers the last look.
 */
async function hold(look: () => RunTree, limitMs: number): Promise<RunTree> {
  const untilMs = performance.now() + limitMs;
  let told: readonly Identity[] = [];
  for (;;) {
    const tree = look();
    const moving = tree.rows.filter((row) => !isBlockedByChild(row, tree)).map((row) => row.identity);
    if (moving.length === 0 || performance.now() > untilMs) return tree;
    for (const identity of moving) signalProcess(identity, 'SIGSTOP');
    const isAnyNew = moving.some((identity) => !told.some((each) => isSame(each, identity)));
    told = moving;
    await (isAnyNew ? nextTurn() : sleep(ALIVE_POLL_MS));
  }
}

/** A parent by vfork(2) is D, whatever it was sent, until its child has called exec: while the child stands still, so does it. */
function isBlockedByChild(row: ProcessRow, { rows }: RunTree): boolean {
  const isStopped = ({ state }: ProcessRow) => state === 'T' || state === 't';
  return (
    isStopped(row) || (row.state === 'D' && rows.some((each) => each.parent === row.identity.pid && isStopped(each)))
  );
}

/** CONT to the whole tree; one look is enough, since nothing frozen can have forked. */
export function thawTree(folder: RunFolder, runId: string): void {
  const { wrapper, members } = findTree(folder, runId);
  if (wrapper) signalProcess(wrapper, 'SIGCONT');
  for (const member of members) signalProcess(member, 'SIGCONT');
}

/**
 * TERM goes once to everyone who lives at the first look. Who is born later is an agent's own tidying up and left alone, unless it is the agent
 * itself, still being started, or the agent has gone. Walls are not asked: they end with who is inside, and whoever ends them first kills everybody in there.
 */
function askToEnd(folder: RunFolder, { rows }: RunTree, told: Identity[]): void {
  const agent = readAgent(folder);
  const agentLives = agent !== null && isAlive(agent);
  const isFirst = told.length === 0;
  for (const { identity: member, name } of rows) {
    if (name === wallsName) continue;
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
  await nextTurn(); // of a chain nobody who was seen lives any more: others have their turn before the next look
  let pollMs = FIRST_ALIVE_POLL_MS;
  while (performance.now() < until.limitAtMs && identities.some(isAlive)) {
    until.abort?.throwIfAborted();
    await sleep(pollMs);
    pollMs = Math.min(2 * pollMs, ALIVE_POLL_MS);
  }
}

function stillRunningError(folder: RunFolder, runId: string, left: readonly Identity[]): EngineError {
  const pids = left.map((identity) => identity.pid).join(', ');
  return new EngineError(
    'unavailable',
    `${left.length} processes of run ${runId} outlived KILL by ${KILL_LIMIT_MS / 1000} s: ${pids}`,
    `look at them with \`ps -o pid,stat,wchan,user,args -p ${pids.replaceAll(' ', '')}\`: a file system that hangs or another user's process; the run's log is ${folder.log}`,
  );
}
