/** Properties of a store when nothing moves any more. */

import { kindsWith } from '../../actors/kinds.ts';
import { stateText } from '../../actors/recorder.ts';
import type { HookDeliver } from '../../machines/vocabulary/effect.ts';
import { effectKey, planTree, resultKey, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { treesForReplay } from '../../runtime/api/queries/replay.ts';
import { verify } from '../../runtime/api/queries/verify.ts';
import type { ViewDependencies } from '../../runtime/api/queries/view-dependencies.ts';
import { waitingFor } from '../../runtime/api/queries/waiting.ts';
import type { Store } from '../../runtime/core/store/port.ts';
import type { FedLine, PlanRow, SignalRow } from '../../runtime/core/store/rows.ts';
import { askingWords } from '../support/chaos.ts';
import type { Life } from './life.ts';

export interface Rested {
  readonly store: Store;
  readonly life: Life;
  readonly clock: ViewDependencies['clock'];
  /** The acknowledged signals are in the inbox. */
  readonly acknowledged: readonly number[];
  /** A paused agent keeps a slot that others may wait for. */
  readonly holdsSlots: boolean;
  violated(what: string): void;
}

/** States of an agent with a requested run that has not ended. */
const withRun = /^(queued|starting|running|stopping|paused|waiting\.permission)$/;
const withTimer = /^(running|waiting\.permission|waiting\.rateLimit|backingOff)$/;
const withWork = /^(committing|checking|merging)$/;
const ends = new Set(['run_exited', 'run_lost', 'effect_failed', 'work_committed', 'work_merged', 'work_conflicted']);

interface StoredActor {
  readonly value?: never;
  readonly context?: { readonly run?: string | null; readonly timer?: string | null; readonly work?: string | null };
  readonly children?: Record<string, { readonly src: string; readonly snapshot: StoredActor }>;
}

export async function checkRest(rested: Rested): Promise<void> {
  const { store, violated } = rested;
  const report = await verify({ store, trees: treesForReplay(kindsWith([])) }, 'all');
  for (const found of report.differs) violated(`replay: ${JSON.stringify(found)}`);
  for (const { tree, why } of report.skipped) violated(`replay of ${tree}: ${why}`);
  const plans = await store.plans(null);
  const signals = await store.signals({});
  checkSignals(rested, signals);
  for (const plan of plans) {
    await checkTree(rested, plan, signals);
    await checkOnce(rested, planTree(plan.project, plan.plan));
    await checkWait(rested, plan);
  }
  await checkHooks(rested);
}

function checkSignals({ acknowledged, violated }: Rested, signals: readonly SignalRow[]): void {
  const byId = new Map(signals.map((row) => [row.id, row]));
  for (const id of acknowledged) if (!byId.has(id)) violated(`signal ${id} was acknowledged, and is not there`);
  for (const { id, type, status, origin, result } of signals) {
    if (status === 'failed' && origin === 'engine' && !askingWords.has(type as never))
      violated(`the engine's own ${type} (${id}) failed: ${result}`);
    if (status === 'pending') violated(`${type} (${id}) is still pending`);
  }
}

/** For every waiting actor there is a row that will wake it. */
async function checkTree({ store, violated }: Rested, { project, plan }: PlanRow, signals: readonly SignalRow[]) {
  const tree = planTree(project, plan);
  const row = await store.tree(tree);
  if (row === null) return violated(`${tree} has no row`);
  const open = await store.effects({ by: 'tree', tree });
  const names = new Set(open.map(({ name }) => name));
  const told = new Set(signals.filter(({ status }) => status !== 'done').flatMap(({ dedupe_key: key }) => key ?? []));
  const comes = (id: string) => names.has(id) || told.has(resultKey(effectKey(tree, id)));
  const timers = new Set(signals.filter(({ status }) => status !== 'done').flatMap(({ run }) => run ?? []));
  const wanted = new Set<string>();
  const walk = (actor: StoredActor, src: string): void => {
    const state = stateText(actor.value ?? '');
    const { run = null, timer = null, work = null } = actor.context ?? {};
    if (src === 'agent' && withRun.test(state)) {
      if (run === null || !comes(run)) violated(`an agent of ${tree} is ${state}, and nobody carries out ${run}`);
      else wanted.add(run);
    }
    if (src === 'agent' && withTimer.test(state) && (timer === null || !timers.has(timer)))
      violated(`an agent of ${tree} is ${state}, and its timer ${timer} is not set`);
    const waits = src === 'task' ? withWork.test(state) : src === 'plan' && work !== null;
    if (waits && (work === null || !comes(work))) violated(`${src} of ${tree} is ${state}, and nobody does ${work}`);
    for (const child of Object.values(actor.children ?? {})) walk(child.snapshot, child.src);
  };
  walk(row.stored.snapshot as never, 'plan');
  for (const { kind, name } of open)
    if (kind === 'agent.run' && !wanted.has(name)) violated(`nobody in ${tree} waits for the run ${name}`);
}

/** The result of each request was handled once. */
async function checkOnce({ store, violated }: Rested, tree: TreeAddress): Promise<void> {
  const seen = new Set<string>();
  for (const { input } of await store.fed(tree)) {
    const run = endOf(input);
    if (run === null) continue;
    if (seen.has(run)) violated(`${tree} took the end of ${run} twice`);
    seen.add(run);
  }
}

function endOf(input: FedLine['input']): string | null {
  return input !== null && 'run' in input && ends.has(input.type) ? (input.run ?? null) : null;
}

/** When nothing moves, every waiting plan needs a person, or waits for a plan that needs one. */
async function checkWait({ store, life, clock, holdsSlots, violated }: Rested, row: PlanRow): Promise<void> {
  const { project, plan } = row;
  const parts = { store, cache: life.cache, clock, mayStart: () => true };
  const runs = await store.runs({ by: 'latest', project, plan, live: true });
  if (runs.some(({ state }) => state === 'paused' || (holdsSlots && state === 'queued'))) return;
  // The function reads only these for a plan at rest; slots and accounts matter to running agents, and none runs.
  const waiting = await waitingFor(parts as unknown as ViewDependencies, row, {
    blocked: row.blocked,
    kept: await store.effects({ by: 'waiting', tree: planTree(project, plan) }),
    slots: { look: () => Promise.reject(new Error(`${project}/${plan} is at rest, and waits for an agent`)) },
    hosts: async () => [],
    newest: runs,
  }).catch((thrown: unknown) => {
    violated(String(thrown));
    return null;
  });
  if (waiting !== null && ['agent', 'slot', 'engine', 'back_off', 'retrying', 'rate_limit'].includes(waiting.kind))
    violated(`${project}/${plan} is at rest, and waits for ${waiting.kind}: ${waiting.detail}`);
  if (waiting !== null || row.status === 'ready' || row.status === 'done' || row.status === 'cancelled') return;
  if (row.phase === null || !/working|draft|waiting/.test(row.phase))
    violated(`${project}/${plan} is ${row.status} (${row.phase}), and nothing says what it waits for`);
}

/** Each hook received the events of each plan as 1, 2, 3 and so on. */
async function checkHooks({ store, violated }: Rested): Promise<void> {
  const rows = await store.effects({ by: 'deliveries', limit: 10_000 });
  const numbers = new Map<string, number[]>();
  for (const { payload, project, status } of rows) {
    const { plan, hook, sequence } = JSON.parse(payload) as HookDeliver; // of that kind
    const name = `${hook} of ${project}/${plan}`;
    numbers.set(name, [...(numbers.get(name) ?? []), sequence]);
    if (status !== 'done' && status !== 'failed') violated(`delivery ${sequence} to ${name} is ${status}`);
  }
  for (const [name, all] of numbers) {
    const sorted = all.toSorted((a, b) => a - b);
    if (sorted.some((sequence, index) => sequence !== index + 1)) violated(`${name} is told of ${sorted.join(', ')}`);
  }
}
