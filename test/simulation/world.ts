/**
 * The world around the engine: agents' processes, git, checks, hooks, forges. All follow the seed and outlive the engines; only a power failure ends
 * the processes.
 */
import type { AgentRun, Effect, Lane, Workplace } from '../../machines/vocabulary/effect.ts';
import type { Role } from '../../machines/vocabulary/ids.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import type { EffectContext, Handler, Handlers, Outcome } from '../../runtime/core/outbox/handler.ts';
import type { Limits } from '../../runtime/core/outbox/slots.ts';
import type { EffectRow } from '../../runtime/core/store/rows.ts';
import { sha } from '../support/simulation.ts';
import type { Schedule } from './schedule.ts';

export interface Process {
  readonly row: EffectRow;
  readonly effect: AgentRun;
  isFrozen: boolean;
  /** Resolves with the exit code when its last process has ended; null: it disappeared. */
  readonly ended: Promise<number | null>;
  isAlive: boolean;
  end(code: number | null): void;
  freeze(): void;
  thaw(): void;
}

export interface WorldParts {
  readonly schedule: Schedule;
  readonly limits: Limits;
  /** From 0 to below 1; the same for the same text. */
  chanceOf(text: string): number;
  /** A signal of an agent, sent in its own way. */
  says(process: Process, type: SignalType, payload: object): void;
  /** Reports a violation. */
  violated(what: string): void;
}

export type World = ReturnType<typeof createWorld>;

const second = 1_000;
/** The most time for a process to end after it was asked to. */
const endMs = 8 * second;
/** The most tries of a hook. */
const hookTries = 4;

const words: { readonly [role in Role]?: { readonly good: SignalType; readonly bad?: SignalType } } = {
  planner: { good: 'planner_finished' },
  architect: { good: 'elaborator_finished' },
  reviewer: { good: 'review_approved', bad: 'review_changes_requested' },
  verifier: { good: 'verify_approved', bad: 'verify_failed' },
};

export function createWorld({ schedule, limits, chanceOf, says, violated }: WorldParts) {
  const { clock } = schedule;
  const processes = new Map<string, Process>();
  /** Finished work by its key: a repeated request finds it done. */
  const done = new Map<string, Outcome>();
  /** The errors that the next handlers throw. */
  const throwing: ('disk' | 'world' | 'bug')[] = [];
  /** The running work by engine: the effect and its exclusive resource. */
  const atWork = new Map<number, Map<string, EffectRow>>();
  /** The last delivery of each hook for each plan. */
  const told = new Map<string, number>();
  let deafUntilMs = 0;
  let commits = 0;
  /** The head of each branch of each repo. */
  const heads = new Map<string, string>();
  /** Whether everything succeeds from here on. */
  let isCalm = false;
  const luckOf = (text: string) => (isCalm ? 0.9 : chanceOf(text));

  const living = () => [...processes.values()].filter(({ isAlive }) => isAlive);

  function spawn(row: EffectRow, effect: AgentRun): Process {
    if (processes.has(row.key)) violated(`${row.key} was started twice`);
    let reportEnd: (code: number | null) => void = () => {};
    const ended = new Promise<number | null>((resolve) => {
      reportEnd = resolve;
    });
    const chance = luckOf(`${row.key} goes`);
    let cancel = () => {};
    let leftMs = (1 + Math.floor(chanceOf(`${row.key} takes`) * 60)) * second;
    let sinceMs = 0;
    const process: Process = {
      row,
      effect,
      ended,
      isAlive: true,
      isFrozen: false,
      end(code) {
        if (!process.isAlive) return;
        process.isAlive = false;
        cancel();
        reportEnd(code);
      },
      freeze() {
        process.isFrozen = true;
        cancel();
        leftMs = Math.max(second, leftMs - (clock.nowMs() - sinceMs));
      },
      thaw() {
        process.isFrozen = false;
        cancel();
        sinceMs = clock.nowMs();
        if (process.isAlive && chance >= 0.04) cancel = clock.after(leftMs, () => finish(process, chance));
      },
    };
    processes.set(row.key, process);
    checkLimits(process);
    process.thaw();
    return process;
  }

  /** 4 % never end by themselves. */
  function finish(process: Process, chance: number): void {
    const word = words[process.effect.role];
    if (chance < 0.08) process.end(null);
    else if (chance < 0.14) process.end(1);
    else {
      if (chance < 0.18) says(process, 'needs_decision', { reason: 'tabs or spaces?' });
      else if (word !== undefined) says(process, (chance < 0.3 ? word.bad : undefined) ?? word.good, {});
      cancelable(process, 2 * second);
    }
  }

  /** The agent's signal usually arrives before its end. */
  function cancelable(process: Process, ms: number): void {
    const code = luckOf(`${process.row.key} code`) < 0.1 ? 7 : 0;
    clock.after(ms, () => process.end(code));
  }

  function checkLimits(process: Process): void {
    const { lane, project, key } = process.row;
    const same = living().filter(({ row }) => row.lane === lane);
    const most: Partial<Record<Lane, number>> = { worker: limits.workers, coordinator: limits.coordinators };
    const limit = most[lane] ?? Number.POSITIVE_INFINITY;
    if (same.length > limit) violated(`${same.length} of lane ${lane} run, and ${limit} may: ${key}`);
    const here = same.filter(({ row }) => row.project === project).length;
    const { workersPerRepo } = limits;
    if (lane === 'worker' && workersPerRepo > 0 && here > workersPerRepo)
      violated(`${here} workers of repo ${project} run, and ${workersPerRepo} may: ${key}`);
  }

  /** Each engine has one handler for a request, and one request for a resource. */
  function enter(life: number, row: EffectRow): () => void {
    const busy = atWork.get(life) ?? new Map<string, EffectRow>();
    atWork.set(life, busy);
    if (busy.has(row.key)) violated(`${row.key} is carried out twice at once`);
    for (const other of busy.values())
      if (other.project === row.project && other.resource === row.resource && other.key !== row.key)
        violated(`${row.key} and ${other.key} have ${row.resource} at once`);
    const alive = living().find(
      ({ row: other }) => other.project === row.project && other.resource === row.resource && other.key !== row.key,
    );
    if (alive !== undefined) violated(`${row.key} begins in ${row.resource}, where ${alive.row.key} still runs`);
    busy.set(row.key, row);
    return () => void busy.delete(row.key);
  }

  const headOf = ({ project }: EffectRow, branch: string) => heads.get(`${project} ${branch}`) ?? sha(0);

  function commitOn({ project }: EffectRow, branch: string): string {
    commits += 1;
    heads.set(`${project} ${branch}`, sha(commits));
    return sha(commits);
  }

  async function run(effect: AgentRun, context: EffectContext, life: number): Promise<Outcome> {
    const { row, stop, abort } = context;
    let process = processes.get(row.key);
    if (process === undefined) {
      if (stop.aborted) return { type: 'run_exited', payload: { code: null, cause: 'stopped', detail: '' } };
      if (luckOf(`${row.key} starts`) < 0.02)
        return { type: 'run_exited', payload: { code: null, cause: 'start-failed', detail: 'no such program' } };
      process = spawn(row, effect);
    }
    context.began();
    context.report('started', 'run_started', { base: headOf(row, effect.place.from) });
    const { ended } = process;
    const own = process;
    const onStop = () => void clock.after(Math.ceil(chanceOf(`${row.key} ends`) * endMs), () => own.end(143));
    if (stop.aborted) onStop();
    stop.addEventListener('abort', onStop, { once: true });
    const code = await Promise.race([ended, aborted(abort)]);
    if (abort.aborted) throw new Error('the engine stops');
    await schedule.gate(life, `sees the end of ${row.key}`, () => {});
    if (stop.aborted) return { type: 'run_exited', payload: { code, cause: 'stopped', detail: '' } };
    if (code === null) return { type: 'run_lost', payload: { detail: 'it vanished' } };
    return { type: 'run_exited', payload: { code, cause: 'exit', detail: '' } };
  }

  /** The outcome of work without a process; a repetition has the same outcome. */
  function outcomeOf(effect: Effect, row: EffectRow): Outcome {
    const chance = luckOf(`${row.key} ends`);
    const failed: Outcome = { type: 'effect_failed', payload: { detail: 'locked' } };
    switch (effect.kind) {
      case 'work.commit':
        if (effect.aside) return { type: null };
        if (chance < 0.03) return failed;
        return workCommitted(row, effect.place, chance > 0.1);
      case 'work.check':
        return chance < 0.15
          ? { type: 'check_failed', payload: { detail: '1 failed' } }
          : { type: 'check_passed', payload: {} };
      case 'work.merge':
        if (chance < 0.03) return failed;
        return chance < 0.15
          ? { type: 'work_conflicted', payload: { files: ['a.txt'] } }
          : { type: 'work_merged', payload: { head: commitOn(row, effect.place.from) } };
      case 'branch.archive':
        return chance < 0.05 ? failed : { type: 'branch_archived', payload: { head: commitOn(row, effect.branch) } };
      case 'branch.base':
        return chance < 0.05 ? failed : { type: 'branch_based', payload: { head: commitOn(row, effect.branch) } };
      case 'plan.merge':
        return chance < 0.3
          ? { type: 'merge_refused', payload: { why: 'overlap', into: 'main', files: ['a.txt'], detail: 'a.txt' } }
          : {
              type: 'plan_merged',
              payload: { head: commitOn(row, 'main'), into: 'main', tip: headOf(row, effect.branch) },
            };
      case 'plan.pull':
        return chance < 0.3
          ? { type: 'pr_failed', payload: { detail: 'no token' } }
          : {
              type: 'pr_opened',
              payload: {
                number: 1,
                url: 'https://forge.test/1',
                server: 'forge.test',
                head: headOf(row, effect.branch),
              },
            };
      case 'pull.merge':
        if (effect.act === 'withdraw') return { type: null };
        return effect.act === 'schedule'
          ? { type: 'pr_merge_scheduled', payload: { by: 'stator' } }
          : { type: 'pr_merged', payload: { head: commitOn(row, 'main'), into: 'main' } };
      default:
        return { type: null };
    }
  }

  function workCommitted(row: EffectRow, { branch, from }: Workplace, changed: boolean): Outcome {
    const base = heads.get(`${row.project} ${branch}`) ?? headOf(row, from);
    return { type: 'work_committed', payload: { head: changed ? commitOn(row, branch) : base, base, changed } };
  }

  async function work(effect: Effect, { row, abort }: EffectContext): Promise<Outcome> {
    const takesMs = Math.floor(chanceOf(`${row.key} takes`) ** 3 * 5 * second);
    if (takesMs > 0)
      await Promise.race([new Promise<void>((resolve) => clock.after(takesMs, resolve)), aborted(abort)]);
    if (abort.aborted) throw new Error('the engine stops');
    const outcome = done.get(row.key) ?? outcomeOf(effect, row);
    done.set(row.key, outcome);
    if (effect.kind === 'agent.freeze') processes.get(processKey(row, effect.run))?.freeze();
    if (effect.kind === 'agent.thaw') processes.get(processKey(row, effect.run))?.thaw();
    return outcome;
  }

  function processKey(row: EffectRow, run: string): string {
    return `${row.tree}/${run}`;
  }

  function deliver(effect: Extract<Effect, { kind: 'hook.deliver' }>, { row }: EffectContext): Outcome {
    const { project } = row;
    const name = `${project} ${effect.plan} ${effect.hook}`;
    const isHeard = clock.nowMs() >= deafUntilMs && chanceOf(`${name} ${effect.sequence}/${row.attempts}`) > 0.1;
    const noted = { do: 'hook.note-result', project, hook: effect.hook, isDelivered: isHeard, at: effect.at } as const;
    const last = told.get(name) ?? 0;
    const isNext = effect.sequence === last || effect.sequence === last + 1;
    if (!isNext) violated(`hook ${name} is told of ${effect.sequence} after ${last}`);
    if (!isHeard && row.attempts < hookTries)
      return { type: 'again', afterMs: 5 * second, error: 'nobody answers', result: '{}', changes: [noted] };
    // A delivery without a receiver is dead; the next one is sent anyway.
    told.set(name, effect.sequence);
    const error = isHeard ? null : 'nobody answers';
    return { type: 'kept', status: isHeard ? 'done' : 'failed', error, result: '{}', changes: [noted] };
  }

  function mustThrow(): void {
    const what = throwing.shift();
    if (what === 'disk') throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    if (what !== undefined) throw new Error(what === 'bug' ? 'undefined is not a function' : 'the index is locked');
  }

  /** Carries out the effects of one engine. */
  function handlersOf(life: number): Handlers {
    const handle: Handler<Effect> = async (effect, context) => {
      const leave = enter(life, context.row);
      try {
        await schedule.gate(life, `begins ${effect.kind}`, mustThrow);
        if (effect.kind === 'agent.run') return await run(effect, context, life);
        if (effect.kind === 'hook.deliver') return deliver(effect, context);
        return await work(effect, context);
      } catch (thrown) {
        // As in the real handler: running work keeps its slot.
        if (processes.get(context.row.key)?.isAlive === true) context.began();
        throw thrown;
      } finally {
        leave();
      }
    };
    // All kinds share one handler, which checks the kind itself.
    return new Proxy({}, { get: () => handle }) as Handlers;
  }

  return {
    processes,
    living,
    throwing,
    /** The number of processes that are not frozen. */
    working: () => living().filter(({ isFrozen }) => !isFrozen).length,
    handlersOf,
    deafen(forMs: number): void {
      deafUntilMs = clock.nowMs() + forMs;
    },
    /** Everything that begins from here on succeeds. */
    calm(): void {
      isCalm = true;
      throwing.splice(0);
    },
    /** Ends all processes. */
    losePower(): void {
      for (const process of living()) process.end(null);
    },
  };
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
