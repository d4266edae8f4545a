/**
 * A world without a disk in which anything may happen in any order: signals of people, agents and files, late, repeated or bad results, timers,
 * restarts. Its invariants are checked after each step.
 */
import type { AnyActorRef } from 'xstate';
import { actorsOf, childrenOf, snapshotOf } from '../../actors/addressee.ts';
import { stateText } from '../../actors/recorder.ts';
import { holdsOf, openQuestions } from '../../actors/refusal.ts';
import type { Step, Tree } from '../../actors/tree.ts';
import { attentionOf, nextWave, type PlanContext } from '../../machines/plan/context.ts';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import { effectKey, planTree, repoTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { AnySignal, Origin, Signal, SignalType } from '../../machines/vocabulary/signal.ts';
import { sha } from './simulation.ts';
import { trees as everyWorlds } from './trees.ts';

export interface Row {
  readonly key: string;
  readonly tree: TreeAddress;
  readonly effect: Effect;
  /** `settled`: its result is pending; `closed`: the tree has handled it. */
  state: 'queued' | 'running' | 'settled' | 'closed';
  isStopped: boolean;
  /** Whether its process was started. */
  isBegun: boolean;
}

interface Mail {
  readonly tree: TreeAddress;
  readonly type: SignalType;
  readonly payload: object;
  readonly origin: Origin;
  readonly run: string | null;
}

export interface Timer {
  readonly tree: TreeAddress;
  readonly id: string;
  readonly dueAt: number;
}

/** States of an agent with a run that must be settled. */
const withRun = new Set(['queued', 'starting', 'running', 'waiting.permission', 'paused', 'stopping']);
const withTimer = new Set(['running', 'waiting.permission', 'waiting.rateLimit', 'backingOff']);
/** Signals of the engine that a plan may refuse: they are requests, not reports. */
export const askingWords = new Set<SignalType>([
  'run_waiting',
  'verification_stale',
  'pr_wanted',
  'pr_changes_requested',
  'pr_merged',
  'pr_closed',
]);

export const plan = planTree('demo', 'hello');
export const repo = repoTree('demo');

export type World = ReturnType<typeof createWorld>;

interface WorldOptions {
  readonly policy: Policy;
  readonly content: string;
  /** Signals that may send a done plan back to work, besides an outdated verification and a person. */
  readonly reopening?: readonly SignalType[];
  readonly onStep?: (tree: TreeAddress, step: Step) => void;
}

export function createWorld(options: WorldOptions) {
  // A test can replace a function here to observe this world's steps.
  const trees = { ...everyWorlds };
  const live = new Map<TreeAddress, Tree>();
  const journal = new Map<TreeAddress, AnySignal[]>();
  const rows = new Map<string, Row>();
  const timers: Timer[] = [];
  const inbox: Mail[] = [];
  const results: Mail[] = [];
  const timerKeys = new Set<string>();
  let held: Mail[] = [];
  let policy = options.policy;
  let clock = 1_000_000;
  let shas = 0;
  let isChecking = true;

  function post(
    tree: TreeAddress,
    type: SignalType,
    payload: object = {},
    how: { origin?: Origin; run?: string | null } = {},
  ) {
    const mail = { tree, type, payload, origin: how.origin ?? 'engine', run: how.run ?? null };
    inbox.push(mail);
    return mail;
  }

  /** The result of an effect or run, which is stored because it may arrive twice. */
  function report(row: Row, type: SignalType, payload: object = {}): void {
    row.state = 'settled';
    results.push(post(row.tree, type, payload, { run: row.effect.id }));
  }

  function root(address: TreeAddress): AnyActorRef {
    const tree = live.get(address);
    if (tree === undefined) throw new Error(`no tree ${address}`);
    return tree.root;
  }

  function handle(mail: Mail): Step | null {
    const address = mail.tree;
    clock += 1;
    const { type, payload, origin, run } = mail;
    const signal = { type, payload, origin, run, actor: '', at: clock } as Signal;
    const tree = live.get(address);
    if (tree === undefined) {
      if (!trees.isBirth(address, signal)) return null;
      const born = trees.create(address, signal);
      live.set(address, born.tree);
      absorb(address, born.step);
      return born.step;
    }
    const before = standOf(address === plan ? tree.root : null);
    const step = trees.step(tree, signal, address === 'supervisor' ? {} : { policy });
    if (step.verdict.status === 'held') held.push(mail);
    closeRow(mail);
    absorb(address, step);
    if (isChecking) {
      if (step.verdict.status === 'refused' && origin === 'engine' && !askingWords.has(type))
        throw new Error(`${type} was refused in ${step.verdict.refusal.state}, by ${step.verdict.refusal.by}`);
      checkFinal(mail, before.status);
      checkFinished(mail, before.lifecycle);
      checkRows();
    }
    return step;
  }

  function closeRow({ tree, type, run }: Mail): void {
    if (!['run_exited', 'run_lost', 'effect_failed'].includes(type) || run === null) return;
    const row = rows.get(effectKey(tree, run));
    if (row !== undefined) row.state = 'closed';
  }

  function absorb(address: TreeAddress, step: Step): void {
    options.onStep?.(address, step);
    journal.set(address, [...(journal.get(address) ?? []), ...step.inputs.map((input) => input.signal)]);
    for (const effect of step.requests.effects) {
      const key = effectKey(address, effect.id);
      if (rows.has(key)) throw new Error(`effect ${key} was asked for twice`);
      rows.set(key, { key, tree: address, effect, state: 'queued', isStopped: false, isBegun: false });
    }
    for (const { id, dueAt } of step.requests.timers) {
      const key = `timer ${address}/${id}`;
      if (timerKeys.has(key)) throw new Error(`${key} was asked for twice`);
      timerKeys.add(key);
      timers.push({ tree: address, id, dueAt });
    }
    for (const { tree, type, payload } of step.requests.signals) post(tree, type as SignalType, payload);
    for (const { run } of step.requests.stops) {
      const row = rows.get(effectKey(address, run));
      if (row === undefined) throw new Error(`a run that nobody asked for is to be stopped: ${run}`);
      row.isStopped = true;
      if (row.state === 'queued') report(row, 'run_exited', { code: null, cause: 'withdrawn', detail: '' });
    }
    if (step.released) {
      inbox.unshift(...held.filter((mail) => mail.tree === address));
      held = held.filter((mail) => mail.tree !== address);
    }
  }

  function checkFinal({ type, origin }: Mail, before: string): void {
    const after = standOf(root(plan)).status;
    const isFinal = before === 'done' || before === 'cancelled';
    const mayReopen =
      origin === 'person' || type === 'verification_stale' || options.reopening?.includes(type) === true;
    if (isFinal && after !== before && !mayReopen)
      throw new Error(`a ${before} plan became ${after} by ${type} of ${origin}`);
  }

  /** Waves and a single coder lead to a review only if no task is left, apart from skipped ones. */
  function checkFinished({ origin }: Mail, before: string): void {
    const wasAtWork = /implementing\.(wave|single|requesting)/.test(before);
    const after = standOf(root(plan));
    if (!wasAtWork || origin !== 'engine' || !['reviewing', 'verifying', 'done'].includes(after.status)) return;
    const left = nextWave(snapshotOf(root(plan)).context);
    if (left !== null)
      throw new Error(`the plan went from ${before} to ${after.lifecycle}, and wave ${left} is not done`);
  }

  /** Every run belongs to exactly one agent with a run, and every such agent has a row; the same holds for git effects and timers. */
  function checkRows(): void {
    const open = new Set([...rows.values()].filter((row) => row.state !== 'closed').map((row) => row.effect.id));
    const due = new Set([...timers.map((timer) => timer.id), ...inbox.map((mail) => mail.run)]);
    const owned = new Set<string>();
    const asking: string[] = [];
    for (const actor of actorsOf(root(plan))) {
      const { machine, value, context, status } = snapshotOf(actor);
      const state = stateText(value);
      const what = `${machine.id} ${context.path} in ${state}`;
      if (status !== 'active') throw new Error(`${what} is final and was not forgotten`);
      if (machine.id === 'agent' && withRun.has(state)) {
        if (!open.has(context.run)) throw new Error(`${what} has no open run ${context.run}`);
        owned.add(context.run);
      }
      if (machine.id === 'agent' && withTimer.has(state) && !due.has(context.timer))
        throw new Error(`${what} waits for a timer that nobody set`);
      const asks =
        state === 'waiting.decision' ||
        (state === 'stopping' && context.ending === 'decision' && context.answer === null);
      if (machine.id === 'agent' && asks) asking.push(context.run);
      if (machine.id === 'task' && state === 'asking') asking.push(context.run);
      if (machine.id === 'task' && ['committing', 'checking', 'merging'].includes(state) && !isOpenWork(context.work))
        throw new Error(`${what} waits for work that nobody does: ${context.work}`);
      if (machine.id === 'wave' && state === 'running' && context.started.length === 0)
        throw new Error(`${what} has nothing that runs`);
    }
    for (const row of rows.values()) {
      const isOurs = row.tree === plan && row.effect.kind === 'agent.run';
      if (isOurs && row.state !== 'closed' && !owned.has(row.effect.id))
        throw new Error(`run ${row.effect.id} belongs to nobody`);
    }
    const asked = [...openQuestions(root(plan))];
    if (asking.sort().join() !== asked.sort().join())
      throw new Error(`the runs ${asking} asked, and questions of ${asked} are open`);
    checkPlan();
  }

  function isOpenWork(id: string | null): boolean {
    return id !== null && rows.get(effectKey(plan, id))?.state !== undefined;
  }

  function checkPlan(): void {
    const { value, context } = snapshotOf(root(plan));
    const { activeChildId, liveChildren, work, timer, blocked, drafts = [] } = context as PlanContext;
    const lifecycle = stateText((value as Record<string, string>).lifecycle ?? '');
    const mustHaveChild = ['.working', 'wave.running', '.selecting', '.mending'].some((end) => lifecycle.endsWith(end));
    if (mustHaveChild && (activeChildId === null || liveChildren[activeChildId] === undefined))
      throw new Error(`the plan is in ${lifecycle}, and no child is active`);
    if (!mustHaveChild && !lifecycle.endsWith('wave.waiting') && activeChildId !== null)
      throw new Error(`the plan is in ${lifecycle}, and ${activeChildId} is active`);
    if (work !== null && !isOpenWork(work)) throw new Error(`the plan waits for ${work}, which nobody does`);
    const attention = (value as Record<string, string>).attention;
    if (attention !== attentionOf(context as PlanContext))
      throw new Error(`attention is ${attention}, the block ${JSON.stringify(blocked)}`);
    if (timer !== null && lifecycle !== 'done' && lifecycle !== 'cancelled.ended')
      throw new Error(`the plan is in ${lifecycle}, and waits for its worktree to go`);
    const writers = drafts.flatMap(({ state, childId }) => (state === 'writing' ? [childId] : []));
    checkDismissed(lifecycle === 'planning.drafting' ? writers : [activeChildId]);
    const ids = snapshotOf(root(plan)).children;
    if (Object.keys(ids).sort().join() !== Object.keys(liveChildren).sort().join())
      throw new Error(`children ${Object.keys(ids)} are not the living ${Object.keys(liveChildren)}`);
  }

  /** A child that is no longer active only ends; it starts nothing new. */
  function checkDismissed(atWork: readonly (string | null)[]): void {
    for (const child of childrenOf(root(plan))) {
      const state = stateText(snapshotOf(child).value);
      if (!atWork.includes(child.id) && !['stopping', 'ending', 'merging'].includes(state))
        throw new Error(`${child.id} is no longer active, and is ${state}`);
    }
  }

  function drain(limit = 1_000): void {
    for (let n = 0; n < limit; n += 1) {
      const mail = inbox.shift();
      if (mail === undefined) return;
      handle(mail);
    }
    throw new Error(`more than ${limit} signals without an end: ${inbox.map((mail) => mail.type)}`);
  }

  /** When all signals have arrived, the repo and the plan agree on who may implement. */
  function checkGrant(): void {
    const { context } = snapshotOf(root(plan));
    const books = snapshotOf(root(repo)).context;
    const isGranted = Object.hasOwn(books.granted, 'hello');
    if (context.granted !== isGranted) throw new Error(`the plan believes ${context.granted}, the repo ${isGranted}`);
    const isWaiting = books.waiting.some((applicant: { plan: string }) => applicant.plan === 'hello');
    const lifecycle = stateText(snapshotOf(root(plan)).value.lifecycle ?? '');
    if (lifecycle.endsWith('.requesting') && !isGranted && !isWaiting)
      throw new Error('the plan waits for the repo, and the repo does not know about that');
    const isDone = books.done.includes('hello');
    if (isDone !== (lifecycle === 'done')) throw new Error(`${lifecycle}: the repo believes done is ${isDone}`);
  }

  /** Discards every live tree and restores it from its row; the rows must not change. */
  function restart(): void {
    for (const [address, tree] of live) {
      const row = JSON.stringify(trees.persist(tree));
      const restored = trees.restore(address, JSON.parse(row));
      const again = JSON.stringify(trees.persist(restored));
      if (again !== row) throw new Error(`restoring ${address} changed it:\n${row}\n${again}`);
      live.set(address, restored);
    }
  }

  /** A new tree that replays the journal reaches the stored state. */
  function checkReplay(): void {
    for (const [address, tree] of live) {
      const [birth, ...rest] = journal.get(address) ?? [];
      if (birth === undefined) throw new Error(`${address} has no journal`);
      const replayed = trees.create(address, birth).tree;
      for (const signal of rest) {
        const { verdict } = trees.step(replayed, signal);
        if (verdict.status !== 'done' || verdict.result !== 'done')
          throw new Error(`the replay of ${signal.type} in ${address} ended ${JSON.stringify(verdict)}`);
      }
      const stored = JSON.stringify(trees.persist(tree));
      const folded = JSON.stringify(trees.persist(replayed));
      if (stored !== folded)
        throw new Error(`the journal of ${address} folds into another state:\n${stored}\n${folded}`);
    }
  }

  post('supervisor', 'supervisor_opened');
  post('supervisor', 'repo_registered', { project: 'demo', policy });
  post(repo, 'repo_opened', { policy });
  isChecking = false;
  drain();
  post(plan, 'plan_opened', {
    content: options.content,
    branch: 'plan/hello',
    topic: null,
    generation: 0,
    policy,
  });
  drain();
  isChecking = true;

  return {
    trees,
    live,
    rows,
    timers,
    inbox,
    results,
    root,
    post,
    report,
    handle,
    drain,
    restart,
    checkGrant,
    checkReplay,
    /** Every input of a tree, its creation first. */
    inputsOf: (address: TreeAddress): readonly AnySignal[] => journal.get(address) ?? [],
    held: () => held,
    now: () => clock,
    nextSha: () => sha(++shas),
    policy: () => policy,
    setPolicy(next: Policy): void {
      policy = next;
    },
    /** Whether the dispatcher may start an agent's run now. */
    mayStart(): boolean {
      const tree = root(plan);
      return !holdsOf(tree).has('agent.run') && !snapshotOf(tree).matches({ gate: 'paused' });
    },
    fire(timer: Timer): void {
      timers.splice(timers.indexOf(timer), 1);
      clock = Math.max(clock, timer.dueAt);
      results.push(post(timer.tree, 'timer_due', {}, { run: timer.id }));
    },
    /** Sends a person's signal now. */
    person(type: SignalType, payload: object = {}): Step {
      const step = handle({ tree: plan, type, payload, origin: 'person', run: null });
      if (step === null) throw new Error('no plan');
      return step;
    },
    lifecycle: () => stateText(snapshotOf(root(plan)).value.lifecycle ?? ''),
    value: () => snapshotOf(root(plan)).value,
    context: () => snapshotOf(root(plan)).context as PlanContext,
    open: () => [...rows.values()].filter((row) => row.state === 'queued' || row.state === 'running'),
  };
}

function standOf(root: AnyActorRef | null): { status: string; lifecycle: string } {
  if (root === null) return { status: '', lifecycle: '' };
  const { tags, value } = snapshotOf(root);
  const [tag] = [...tags].filter((one) => one.startsWith('status:'));
  return { status: tag?.slice(7) ?? '', lifecycle: stateText(value.lifecycle ?? '') };
}
