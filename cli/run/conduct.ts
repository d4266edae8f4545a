/**
 * `run` from its start to its exit code. It attaches to the running engine, or owns one itself. If the engine that it is attached to ends, it takes
 * over.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, DeliveryEntry, PlanShow } from '../../runtime/api/client/client.ts';
import { durationText } from '../../runtime/base/config/duration.ts';
import { goesOnText } from '../../runtime/base/platform/home-engine.ts';
import { pause } from '../../runtime/base/platform/pause.ts';
import { isAbsence } from '../absence.ts';
import type { Call } from '../command.ts';
import { differsFromFile } from '../file-binding.ts';
import { type Output, tableWidth } from '../output.ts';
import { tasksLeftOut, withoutText } from '../plan/merging.ts';
import { brief, plain } from '../text.ts';
import { broken } from '../typed.ts';
import { verdictMs } from '../verdict.ts';
import { createDisplay, type Display, showStart } from './display.ts';
import { goOnWithOthers, leftText } from './others.ts';
import { outcomeOf } from './outcome.ts';
import type { RunRequest } from './prepare.ts';
import { type Result, resultLines, resultOf, tookText } from './result.ts';
import { runCommand, type WorkEnding, work } from './work.ts';

/** The functions of an engine that a run uses. */
export interface OwnEngine {
  readonly client: Client;
  /** The plans, each as `<project>/<plan>`, that other runs handed to this engine and no longer watch. */
  unwatched(): readonly string[];
  stop(options: { agents: 'leave' | 'stop' }): Promise<void>;
}

export interface Conducting {
  readonly call: Call;
  readonly request: RunRequest;
  /** The repo and the home are temporary: no command that needs them is printed. */
  readonly isThrowAway?: boolean;
  /** Becomes the owner. Throws `owner_taken`. */
  own(): Promise<OwnEngine>;
  /** The running engine; null: none. */
  attach(): Promise<Client | null>;
  /** Whether the daemon is about to be restarted. */
  isRestarting(): boolean;
}

/** A verb that owns the home leaves it within this time. */
const takenMs = 10_000;
/** TERM, then KILL, then a check that the last process has ended. */
const stoppingMs = 45_000;

interface Conduct extends Conducting {
  readonly display: Display;
  readonly interrupted: AbortSignal;
  readonly startedMs: number;
}

/** Returns the exit code: 0 done, 1 a person is needed, 130 after Ctrl-C. */
export async function conduct(conducting: Conducting): Promise<number> {
  const startedMs = Date.now();
  const interrupt = await listenForInterrupt();
  showStart(conducting.call.out, conducting.request.file);
  const display = await createDisplay(conducting.call.out, startedMs);
  try {
    return await tryUntilOver({ ...conducting, display, interrupted: interrupt.signal, startedMs });
  } finally {
    display.close();
    interrupt.release();
  }
}

async function tryUntilOver(run: Conduct): Promise<number> {
  let since = 0;
  let untilMs = performance.now() + takenMs;
  let printed: string | null = null;
  /** Since when the engine has been unable to work. */
  let waitsSinceMs: number | null = null;
  for (;;) {
    const attached = await run.attach();
    if (run.interrupted.aborted) return leave(run, 'nothing was started');
    const result = attached === null ? await asOwner(run, since, untilMs) : await asGuest(run, attached, since);
    if (typeof result === 'number') return result;
    if (result.kind === 'gone') {
      since = result.since;
      untilMs = performance.now() + takenMs;
      if (attached?.stays === true && (await comesBack(run))) {
        run.display.say('connected to the daemon again; going on');
        continue;
      }
      if (!run.interrupted.aborted) run.display.say('the engine went away; taking over');
    }
    waitsSinceMs = result.kind === 'waiting' ? (waitsSinceMs ?? performance.now()) : null;
    if (result.kind === 'waiting') {
      since = result.since;
      refuseToWait(run, waitsSinceMs ?? 0, result.why);
      // Waits without a limit, and prints the reason once.
      if (result.why !== printed) run.display.say(result.why);
      printed = result.why;
    }
    await pause(result.kind === 'waiting' ? waitingMs : 100, run.interrupted);
  }
}

/** Throws `unavailable` if the wait has a limit that is over. */
function refuseToWait({ request: { waitLimitMs, file } }: Conduct, sinceMs: number, why: string): void {
  if (waitLimitMs === null || performance.now() - sinceMs < waitLimitMs) return;
  throw new EngineError(
    'unavailable',
    `${file} has waited for ${durationText(waitLimitMs)}: ${why}`,
    'see what the daemon waits for: stator daemon status; then run the same command again',
  );
}

/** Whether the daemon that went away comes back soon. If it restarts, it must not find its home taken. */
async function comesBack({ attach, isRestarting, interrupted }: Conduct): Promise<boolean> {
  const untilMs = performance.now() + restartMs;
  while ((performance.now() < untilMs || isRestarting()) && !interrupted.aborted) {
    await pause(pollMs, interrupted);
    const client = await attach();
    if (client === null) continue;
    await client.close();
    return true;
  }
  return false;
}

type Again =
  | { readonly kind: 'taken' }
  | { readonly kind: 'gone'; readonly since: number }
  | { readonly kind: 'waiting'; readonly since: number; readonly why: string };

/** A daemon that is restarted without an announcement, as by a service manager, is back within this time. */
const restartMs = 3_000;
const pollMs = 100;
/** The interval at which a daemon that waits for its store is asked again. */
const waitingMs = 1_000;

/** Returns the exit code; or that another process owns the home, which is retried for a while. */
async function asOwner(run: Conduct, since: number, untilMs: number): Promise<number | Again> {
  let engine: OwnEngine;
  try {
    engine = await run.own();
  } catch (thrown) {
    const isTaken = thrown instanceof EngineError && thrown.code === 'owner_taken';
    if (!isTaken || performance.now() > untilMs) throw thrown;
    return { kind: 'taken' };
  }
  // Agents that an earlier engine left running must not be stopped before this run has taken the plan over.
  let agents: 'leave' | 'stop' = 'leave';
  try {
    const footer = 'Ctrl-C pauses the plan and stops its agents; the same command continues it';
    const begun = () => {
      agents = 'stop';
    };
    const ending = await work(run, engine.client, { since, footer, begun });
    if (ending.kind === 'interrupted') return await pauseAndLeave(run, engine, ending);
    if (ending.kind === 'gone') throw new Error('an engine of our own went away');
    if (ending.outcome.kind === 'waited') agents = 'leave';
    const { project } = ending.plan;
    const result = await resultOf(engine.client, ending.plan);
    await waitForDeliveries({ client: engine.client, project, display: run.display, interrupted: run.interrupted });
    const code = end(run, ending, result);
    const { plan } = ending.plan;
    const { waitLimitMs } = run.request;
    const say = (text: string) => run.call.out.note(text);
    await goOnWithOthers({ say, interrupted: run.interrupted, own: { project, plan }, waitLimitMs }, engine);
    return code;
  } finally {
    await engine.stop({ agents });
  }
}

async function asGuest(run: Conduct, client: Client, before: number): Promise<number | Again> {
  // The engine may end at any request. Text that was already shown is not shown again.
  let since = before;
  const onShown = (seq: number) => {
    since = seq;
  };
  try {
    const footer = `Ctrl-C detaches; ${goesOnText('the plan', client.engine)}`;
    const ending = await work(run, client, { since, onShown, footer });
    if (ending.kind === 'gone') return ending;
    if (ending.kind === 'interrupted') return leave(run, await detachedText(client, ending));
    return end(run, ending, await resultOf(client, ending.plan));
  } catch (thrown) {
    if (isWaiting(thrown)) return { kind: 'waiting', since, why: thrown.message };
    if (isAbsence(thrown)) return { kind: 'gone', since };
    throw thrown;
  } finally {
    await client.close();
  }
}

/** The engine answered that it cannot work now. An engine that has ended gives no answer, which is another case. */
function isWaiting(thrown: unknown): thrown is EngineError {
  return thrown instanceof EngineError && thrown.code === 'unavailable' && thrown.cause === undefined;
}

async function pauseAndLeave(run: Conduct, engine: OwnEngine, { of }: WorkEnding): Promise<number> {
  const { client } = engine;
  if (of === undefined) return leave(run, 'nothing was started');
  const { project, plan } = of;
  run.display.say('pausing: stopping the agents (Ctrl-C again leaves at once)');
  await client.send({ project, plan, type: 'pause', waitMs: verdictMs });
  const untilMs = performance.now() + stoppingMs;
  const stopped = new Set<string>();
  for (;;) {
    const instances = await client.instances({ project, plan });
    // What waits for a slot is withdrawn, and had nothing to stop.
    for (const { title, live, started_at: begun } of instances) if (live && begun !== null) stopped.add(title);
    if (!instances.some(({ live }) => live) || performance.now() > untilMs) break;
    run.display.show({ plan: await client.plan(project, plan), instances, facts: [], footer: 'stopping the agents' });
    await pause(200);
  }
  for (const text of await leftText(engine, { project, plan })) run.display.say(text);
  const agents = stopped.size === 0 ? '' : `; ${counted(stopped.size, 'agent')} stopped, no attempt spent`;
  const left = await client.plan(project, plan);
  run.display.finish(finishedOf(left, Date.now() - run.startedMs, await resultOf(client, left)));
  return leave(run, `${plan} is paused${agents}`, run.isThrowAway ? undefined : runCommand(run.request));
}

function leave({ display, call }: Conduct, text: string, step?: string): number {
  display.close();
  call.out.note(step === undefined ? text : `${text}; go on with: ${step}`);
  return 130;
}

function end(run: Conduct, { outcome, plan, of }: WorkEnding & { kind: 'over' }, result: Result): number {
  const { out } = run.call;
  run.display.close({ isEnd: true });
  const isDone = outcome.kind === 'done' || outcome.kind === 'planned';
  const without = outcome.kind === 'done' ? withoutText(plan) : '';
  if (!out.json) {
    const tone = isDone ? 'good' : 'attention';
    const took = tookText(plan, { startedMs: run.startedMs, nowMs: Date.now() });
    const lines = [
      ...(of === undefined || out.quiet
        ? []
        : resultLines(result, { plan: plan.plan, cycle: plan.review_cycle, width: tableWidth(out) })),
      ...rowsOf(outcome.text, out).map((row) => out.paint(tone, row)),
      // A plan that had ended before has used nothing in this run.
      ...(of === undefined || took === '' ? [] : [out.paint('dim', `took ${took}`)]),
      ...(run.isThrowAway ? [] : outcome.steps.map((step) => `  ${step}`)),
      ...planned(plan),
      ...(without === '' ? [] : [out.paint('attention', plain(without))]),
    ];
    if (!out.quiet || !isDone || without !== '') out.print(...lines);
    const setAside = plan.set_aside.map((line) => `set aside: ${line}`);
    for (const line of [...setAside, ...plan.left_undone, ...(of === undefined ? [] : result.notes)])
      out.warn(`note: ${plain(line)}`);
  } else if (!isDone) {
    out.error({ error: outcome.text, code: 'refused', hint: outcome.steps.join('; ') });
  }
  run.display.finish(finishedOf(plan, Date.now() - run.startedMs, result));
  // A caller that reads only the exit code must not take an incomplete plan for a complete one.
  return isDone && (without === '' || run.request.yes) ? 0 : 1;
}

/** The text, wrapped at words on a terminal. */
function rowsOf(text: string, out: Output): string[] {
  return broken(text, tableWidth(out) ?? Number.POSITIVE_INFINITY).map((row) => row.trimEnd());
}

/** The planner's document is not in any file yet. */
function planned(plan: PlanShow): string[] {
  const isOver = plan.status === 'done' || plan.status === 'ready';
  if (!isOver || !differsFromFile(plan)) return [];
  return [
    `the planned document is not in ${plan.file} yet; this writes it there:`,
    `  stator plan export ${shellWord(plan.plan)} --write`,
  ];
}

function finishedOf(plan: PlanShow, durationMs: number, { diff, review, verification }: Result) {
  const tasks = plan.tasks_by_wave.flatMap((wave) => wave.tasks);
  return {
    type: 'run_finished' as const,
    plan: plan.plan,
    status: plan.status,
    tasks_done: plan.tasks_done,
    tasks_failed: tasks.filter((task) => task.status === 'failed').length,
    runs: plan.runs,
    waves: plan.waves,
    duration_ms: durationMs,
    usage: plan.usage,
    left_out: plan.status === 'done' ? tasksLeftOut(plan) : [],
    left_undone: plan.left_undone,
    set_aside: plan.set_aside,
    diff: diff === null ? null : diff.total,
    review,
    verification,
  };
}

interface Interrupt {
  readonly signal: AbortSignal;
  /** Hands the signals back to the earlier listener. */
  release(): void;
}

const words = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes the signals over from `main`, which would exit at the first. */
async function listenForInterrupt(): Promise<Interrupt> {
  // A signal that arrived during synchronous work such as git still goes to the old listener, and would be lost with it. The event loop delivers
  // pending signals by the second `setImmediate`; the first one may belong to the current iteration.
  await immediate();
  await immediate();
  const abort = new AbortController();
  // Node takes a hang-up under `nohup` too: it ends only a run that has a terminal to lose.
  const hasTerminal = [0, 1, 2].some((file) => isatty(file));
  const heard = (word: NodeJS.Signals) => {
    if (word === 'SIGHUP' && !hasTerminal) return;
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  };
  for (const word of words) {
    process.removeAllListeners(word);
    process.on(word, heard);
  }
  return {
    signal: abort.signal,
    release() {
      for (const word of words) process.removeListener(word, heard);
    },
  };
}

/** The text for a person who stops watching a plan of another engine. The state is read at that moment. */
async function detachedText(client: Client, { of }: WorkEnding): Promise<string> {
  if (of === undefined) return 'detached; nothing was started';
  const look = `stator plan show ${shellWord(of.plan)}`;
  try {
    const shown = await client.plan(of.project, of.plan);
    return `detached; ${stateText(shown, client)}; look at it with: ${look}`;
  } catch (thrown) {
    if (!isAbsence(thrown)) throw thrown;
    return `detached; its engine does not answer now: ${look}`;
  }
}

function stateText(shown: PlanShow, { engine }: Client): string {
  const outcome = outcomeOf(shown, []);
  if (outcome.kind !== 'goes-on') return outcome.text;
  const { waiting_for: waiting } = shown;
  const waits = waiting === null || waiting.kind === 'agent' ? '' : `; it waits: ${brief(waiting.detail)}`;
  return `${goesOnText(shown.plan, engine)}${waits}`;
}

interface DeliveryWait {
  readonly client: Client;
  readonly project: string;
  readonly display: Pick<Display, 'say'>;
  readonly interrupted: AbortSignal;
}

const limitMs = 30_000;
const hooksPollMs = 50;
const shownLimit = 10;

/** Resolves when no delivery can be made now, after 30 s, or at Ctrl-C. Prints the deliveries that are left for the next engine. */
async function waitForDeliveries({ client, project, display, interrupted }: DeliveryWait): Promise<void> {
  const untilMs = performance.now() + limitMs;
  const pending = () => client.deliveries({ project, state: 'pending' });
  let left = await pending();
  while (left.length > 0 && mayGoNow(left) && performance.now() < untilMs && !interrupted.aborted) {
    await pause(hooksPollMs, interrupted);
    left = await pending();
  }
  if (left.length === 0) return;
  display.say(
    `${counted(left.length, 'hook')} not delivered yet; the next engine goes on (stator daemon start, or run):`,
  );
  for (const { hook, plan, event, last_error: error } of left.toReversed().slice(0, shownLimit))
    display.say(`  ${hook}: ${event} of ${plan}${error === null ? '' : `, ${error}`}`);
  if (left.length > shownLimit) display.say('  all of them: stator hook deliveries --state pending');
}

/**
 * Whether at least one delivery can be made now: it does not wait for a retry, and no earlier delivery of its plan to the same hook does, since these
 * go in order. `deliveries`: newest first.
 */
function mayGoNow(deliveries: readonly DeliveryEntry[]): boolean {
  const first = new Map(deliveries.map((entry) => [JSON.stringify([entry.plan, entry.hook]), entry]));
  return [...first.values()].some((entry) => entry.next_at === null);
}
