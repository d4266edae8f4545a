/** Prints an agent's output as it is written: over rotations of its log, over its attempts, and with or without an engine. */

import { EngineError, onOneLine } from '../../machines/vocabulary/errors.ts';
import { isTitleIn, taskIn } from '../../machines/vocabulary/ids.ts';
import { isOver } from '../../machines/vocabulary/plan-status.ts';
import { isFinal } from '../../machines/vocabulary/run-state.ts';
import type { Client, InstanceEntry, PlanEntry } from '../../runtime/api/client/client.ts';
import { createLogTail, type LogTail } from '../../runtime/base/platform/log-tail.ts';
import { pause } from '../../runtime/base/platform/pause.ts';
import { isAbsence, waitsForStore } from '../absence.ts';
import type { Call } from '../command.ts';
import { namedAgent } from '../named-agent.ts';
import { withClient } from '../session.ts';
import { plainLines } from '../text.ts';

/** Fast enough for a reader, and slow enough to cost nothing. */
const lookMs = 500;
/** Each reading of another host's log is a request through the shared store. */
const distantLookMs = 2_000;
/** Reading begins this far before the end of the log, as in `agent logs` without `-f`. */
const firstBytes = 64 * 1024;

/** One line of `--json`. */
export interface LogPiece {
  readonly title: string;
  readonly run: string;
  readonly attempt: number;
  readonly text: string;
}

export interface Followed {
  readonly project: string;
  readonly title: string;
  /** Called at each reading, after its output. */
  looked?(client: Client, entry: InstanceEntry): Promise<void>;
  /** Aborted when the person leaves. */
  readonly left?: AbortSignal;
}

interface Follower extends Followed {
  readonly call: Call;
  /** The run whose log is read, and the position in it. */
  reading: { entry: InstanceEntry; tail: LogTail | null; distant: DistantTail | null } | null;
  isWaitShown: boolean;
}

/**
 * Follows until the agent is final, and returns its entry; null: the person left. Throws `not_found` if the project has no agent with that title and
 * never will have one.
 */
export async function followLog(call: Call, followed: Followed): Promise<InstanceEntry | null> {
  const follower: Follower = { ...followed, call, reading: null, isWaitShown: false };
  // The engine may end while its agent continues: then the log is read from disk.
  while (!(await readAlong(follower))) await pause(lookMs, follower.left);
  return isLeft(follower) ? null : (follower.reading?.entry ?? null);
}

function isLeft({ left }: Follower): boolean {
  return left?.aborted === true;
}

/** true: all output is printed, or the person left; false: the engine ended meanwhile. */
function readAlong(follower: Follower): Promise<boolean> {
  return withClient(follower.call, 'read', async (client) => {
    try {
      while (!isLeft(follower) && !(await look(follower, client)))
        await pause(follower.reading?.distant == null ? lookMs : distantLookMs, follower.left);
      return true;
    } catch (thrown) {
      if (isAbsence(thrown)) return false;
      if (waitsForStore(thrown)) {
        follower.call.out.noteOnce(`${onOneLine(thrown.message)}; the log is read again when it does`);
        return false;
      }
      throw thrown;
    }
  });
}

/**
 * true: the agent is final and all of its output is printed. The state is read before the log, so that output which is written in between is not
 * missed.
 */
async function look(follower: Follower, client: Client): Promise<boolean> {
  const { project, title } = follower;
  const [entry] = await client.instances({ project, title });
  if (entry === undefined) {
    await mayCome(follower, client);
    return false;
  }
  if (follower.reading !== null && follower.reading.entry.run !== entry.run) {
    // On another host only the log of the newest run can be read, and this run is no longer the newest.
    if (follower.reading.distant === null) await say(follower, client, { rest: true });
    follower.reading.tail?.close();
    follower.reading = null;
    follower.call.out.note(`attempt ${entry.attempt} of ${title} begins`);
  }
  const tail =
    follower.reading?.tail ?? (entry.log === null ? null : createLogTail(entry.log, { lastBytes: firstBytes }));
  const distant =
    follower.reading?.distant ?? (entry.host === undefined ? null : createDistantTail(project, title, entry.attempt));
  follower.reading = { entry, tail, distant };
  if (entry.state === 'queued') printWaiting(follower, `${title} is queued; waiting for it to start`);
  await say(follower, client, { rest: isFinal(entry) });
  await follower.looked?.(client, entry);
  return isFinal(entry);
}

async function say(follower: Follower, client: Client, how: { rest: boolean }): Promise<void> {
  const { reading } = follower;
  if (reading === null) return;
  const { out } = follower.call;
  const text = reading.distant === null ? await hereText(reading, how) : await reading.distant.read(client, how);
  if (text === '') return;
  const { run, attempt } = reading.entry;
  if (!out.json) {
    out.stdout.write(how.rest && !text.endsWith('\n') ? `${text}\n` : text);
    return;
  }
  const piece: LogPiece = { title: follower.title, run, attempt, text };
  out.print(JSON.stringify(piece));
}

async function hereText({ entry, tail }: NonNullable<Follower['reading']>, how: { rest: boolean }): Promise<string> {
  const { readableLog } = await import('../../runtime/work/agents/reports/readable-log.ts');
  return readableLog(entry.preset, plainLines(tail?.read(how) ?? ''));
}

function printWaiting(follower: Follower, text: string): void {
  if (follower.isWaitShown) return;
  follower.isWaitShown = true;
  follower.call.out.note(text);
}

/** Throws `not_found` for a title that no plan will ever have, or whose plan has ended without it. */
async function mayCome(follower: Follower, client: Client): Promise<void> {
  const { project, title } = follower;
  const plan = (await client.plans(project)).find((candidate) => isTitleIn(candidate.plan, title));
  if (plan === undefined || !(await hasTask(client, plan, title))) {
    await namedAgent(client, { project, title });
    return;
  }
  if (isOver(plan.status)) {
    const hint = `see what happened with: stator plan history ${plan.plan}`;
    throw new EngineError('not_found', `${title} never ran: ${plan.plan} is ${plan.status}`, hint);
  }
  printWaiting(follower, `${title} has not started yet; waiting for it`);
}

async function hasTask(client: Client, { project, plan }: PlanEntry, title: string): Promise<boolean> {
  const of = taskIn(title);
  if (of === null) return true;
  const { tasks_by_wave: waves } = await client.plan(project, plan);
  const wave = waves.find(({ number }) => number === of.wave);
  return wave?.tasks.some(({ number }) => number === of.task) === true;
}

/** The length of new text that is searched for in the old text, to find where it continues. */
const markChars = 1_000;

interface DistantTail {
  /** The new text in whole lines, safe to print. `rest`: also an unfinished line. */
  read(client: Pick<Client, 'runLogs'>, options: { readonly rest: boolean }): Promise<string>;
}

export function createDistantTail(project: string, title: string, attempt: number): DistantTail {
  let before = '';
  return {
    async read(client, { rest }) {
      // The newest run. Its id comes from the other host, which reads its own home.
      const log = (await client.runLogs({ project, title })).at(-1);
      const text = log?.attempt === attempt ? log.text : '';
      const end = rest ? text : text.slice(0, text.lastIndexOf('\n') + 1);
      const fresh = newPart(before, end);
      if (fresh !== '') before = end;
      return fresh;
    },
  };
}

/** The part of a log's end that an earlier end did not contain; all of it, if they have nothing in common. */
export function newPart(before: string, end: string): string {
  if (end.startsWith(before)) return end.slice(before.length);
  // The log's last 64 KiB are read, so the first line may be incomplete.
  const lines = end.slice(end.indexOf('\n') + 1);
  const mark = lines.slice(0, markChars);
  for (let at = before.indexOf(mark); at >= 0 && mark !== ''; at = before.indexOf(mark, at + 1)) {
    const common = before.slice(at);
    if (lines.startsWith(common)) return lines.slice(common.length);
  }
  return end;
}
