/** One transaction of the pump: rows in, each handled by its tree, and everything that this asked for written beside it. */

import type { Input, Step, Tree, Trees, Upgraded } from '../../actors/tree.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { effectKey, parseTree, resultKey, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { Faults } from '../platform/faults.ts';
import type { JournalLine, SignalRow } from '../store/rows.ts';
import type { Store } from '../store/sqlite/store.ts';
import type { Timeline } from '../store/timeline.ts';
import { createProjection, type Projection } from './projection.ts';
import { signalOf, treeOf } from './signal-row.ts';
import type { TreeCache } from './tree-cache.ts';

export interface BatchParts {
  readonly store: Store;
  readonly trees: Trees;
  readonly cache: TreeCache;
  readonly faults: Faults;
  /** What deadlines are kept in. */
  readonly timeline: Timeline;
  /** The configuration in force for a project; null where the repo is not there. */
  policyOf(project: string): Policy | null;
}

export interface BatchResult {
  readonly lines: readonly JournalLine[];
  /** Something was asked for, withdrawn, or may start now that could not before. */
  readonly touchedEffects: boolean;
  /** Trees of which signals with lower ids than these became due: what else is due for them comes after those. */
  readonly released: ReadonlySet<TreeAddress>;
}

interface Batch {
  readonly at: number;
  readonly dirty: Set<TreeAddress>;
  readonly lines: JournalLine[];
  readonly projection: Projection;
  readonly released: Set<TreeAddress>;
  touchedEffects: boolean;
}

/** Handles the rows in one transaction, or throws and leaves the rows and the cache as they were. */
export function handleBatch(parts: BatchParts, rows: readonly SignalRow[], at: number): BatchResult {
  const { store, cache, trees, faults } = parts;
  const projection = createProjection(store);
  const batch: Batch = { at, dirty: new Set(), lines: [], projection, released: new Set(), touchedEffects: false };
  try {
    store.transaction(() => {
      faults('pump.after-begin');
      for (const row of rows) {
        // What was just released has lower ids than the rest of this batch, which stays pending and comes after it.
        if (!batch.released.has(treeOf(row))) handleRow(parts, batch, row);
      }
      for (const address of batch.dirty) {
        const entry = cache.mustGet(address);
        const { tree, stored, steps } = entry;
        store.trees.write({ address, stored: trees.persistText(tree), before: stored, after: steps, at });
        if (batch.projection.write(address, entry, at)) batch.touchedEffects = true;
      }
      faults('pump.before-commit');
    });
  } catch (thrown) {
    // The live trees have gone on without their rows: the rows are the truth.
    for (const row of rows) cache.forget(treeOf(row));
    throw thrown;
  }
  faults('pump.after-commit');
  for (const address of batch.dirty) cache.markStored(address);
  return { lines: batch.lines, touchedEffects: batch.touchedEffects, released: batch.released };
}

function handleRow(parts: BatchParts, batch: Batch, row: SignalRow): void {
  const { store, trees, cache } = parts;
  const signal = signalOf(row, batch.at);
  if (signal instanceof EngineError) {
    store.signals.finish({ id: row.id, status: 'failed', result: signal.toJSON(), at: batch.at });
    return;
  }
  const address = treeOf(row);
  const entry = cache.get(address);
  if (entry === null) {
    if (!trees.isBirth(address, signal)) {
      settleOrphan(parts, batch, row);
      return;
    }
    const { tree, step } = trees.create(address, signal);
    cache.add(address, tree);
    absorb(parts, batch, { row, address, tree, step, revived: 0 });
    return;
  }
  if (trees.isBirth(address, signal)) {
    store.signals.finish({ id: row.id, status: 'done', result: 'already', at: batch.at });
    return;
  }
  const revived = signal.type === 'resolve' ? reviveFault(parts, batch, address) : 0;
  const policy = policyFor(parts, address);
  const step = trees.step(entry.tree, signal, policy === null ? {} : { policy });
  absorb(parts, batch, { row, address, tree: entry.tree, step, revived });
}

/** There is no such tree: the engine's own word came too late, anybody else's names a plan that is not there. */
function settleOrphan({ store }: BatchParts, batch: Batch, row: SignalRow): void {
  const missing = treeOf(row).startsWith('repo:')
    ? new EngineError(
        'repo_not_found',
        `repo not registered: ${row.project}`,
        'register it with: stator repo add <path>',
      )
    : new EngineError(
        'plan_not_found',
        `plan not found: ${row.project}/${row.plan}`,
        'see the plans with: stator plan list',
      );
  const isOwn = row.origin === 'engine';
  store.signals.finish({
    id: row.id,
    status: isOwn ? 'done' : 'failed',
    result: isOwn ? 'stale' : missing.toJSON(),
    at: batch.at,
  });
}

/** A plan that stands because signals of the engine were set aside: a person's `resolve` delivers them again, all of them. */
function reviveFault({ store }: BatchParts, batch: Batch, address: TreeAddress): number {
  const parsed = parseTree(address);
  if (parsed.kind !== 'plan') return 0;
  const first = store.plans.read(parsed.project, parsed.plan)?.faultSignal ?? null;
  if (first === null) return 0;
  // The first may be a request to the repo: that stands in another tree's row.
  const isElsewhere = store.signals.read(first)?.tree !== address && store.signals.revive(first);
  const revived = store.signals.reviveSetAside(address, first) + (isElsewhere ? 1 : 0);
  store.plans.setFault(parsed, null, batch.at);
  batch.released.add(address);
  batch.touchedEffects = true;
  return revived;
}

function policyFor(parts: BatchParts, address: TreeAddress): Policy | null {
  const parsed = parseTree(address);
  return parsed.kind === 'supervisor' ? null : parts.policyOf(parsed.project);
}

interface Stepped {
  readonly row: SignalRow;
  readonly address: TreeAddress;
  readonly tree: Tree;
  readonly step: Step;
  /** How many signals that were set aside this one delivers again. */
  readonly revived: number;
}

function absorb(parts: BatchParts, batch: Batch, { row, address, tree, step, revived }: Stepped): void {
  const { store, cache } = parts;
  writeWishes(parts, batch, address, step);
  if (step.upgrade !== null) writeUpgrade(parts, batch, { row, address, upgrade: step.upgrade });
  const keys = step.wishes.effects.map((effect) => effectKey(address, effect.id));
  step.inputs.forEach((input, index) => {
    writeLines(parts, batch, { row, address, input, keys: index === step.inputs.length - 1 ? keys : [] });
  });
  if (step.inputs.length > 0) {
    cache.countSteps(address, step.inputs.length);
    batch.dirty.add(address);
    batch.projection.note(address, step);
  }
  settleRow(parts, batch, { row, address, tree, step, revived });
  if (step.released) {
    store.signals.release(address);
    batch.released.add(address);
    batch.touchedEffects = true;
  }
}

function settleRow({ store }: BatchParts, batch: Batch, { row, address, step: { verdict }, revived }: Stepped): void {
  const { at } = batch;
  if (verdict.status === 'held') {
    store.signals.hold(row.id, address);
  } else if (verdict.status === 'done') {
    store.signals.finish({ id: row.id, status: 'done', result: verdict.result, at });
  } else if (revived > 0) {
    store.signals.finish({ id: row.id, status: 'done', result: `signals delivered again: ${revived}`, at });
  } else {
    const { refusal } = verdict;
    const { by: actor, state } = refusal;
    const line = {
      at,
      tree: address,
      signal: row.id,
      type: row.type,
      origin: row.origin,
      actor,
      event: row.type,
      from: state,
      to: state,
    };
    batch.lines.push(store.journal.append({ ...line, effects: [], refused: refusal }, null));
    store.signals.finish({ id: row.id, status: 'failed', result: refusal, at });
  }
}

const noKeys: string[] = [];

function writeLines(
  { store }: BatchParts,
  batch: Batch,
  { row, address, input, keys }: { row: SignalRow; address: TreeAddress; input: Input; keys: string[] },
): void {
  const { signal, transitions } = input;
  const seen = transitions.length > 0 ? transitions : [{ actor: signal.actor, event: signal.type, from: '', to: '' }];
  // Spelled out, not spread: this is the innermost loop of every batch.
  for (let index = 0; index < seen.length; index += 1) {
    const transition = seen[index];
    if (transition === undefined) continue;
    const { actor, event, from, to } = transition;
    const effects = index === 0 ? keys : noKeys;
    const { type, origin } = signal;
    const line = {
      at: batch.at,
      tree: address,
      signal: row.id,
      type,
      origin,
      actor,
      event,
      from,
      to,
      effects,
      refused: null,
    };
    batch.lines.push(store.journal.append(line, index === 0 ? JSON.stringify(signal) : null));
  }
}

/** Without it the journal, whose earlier lines another version made, would not lead to the snapshot that is stored. */
function writeUpgrade(
  { store, cache }: BatchParts,
  batch: Batch,
  { row, address, upgrade }: { row: SignalRow; address: TreeAddress; upgrade: Upgraded },
): void {
  const { type, from, to } = upgrade;
  const line = {
    at: batch.at,
    tree: address,
    signal: row.id,
    type,
    origin: 'engine',
    actor: '',
    event: type,
    from,
    to,
    effects: noKeys,
    refused: null,
  };
  batch.lines.push(store.journal.append(line, JSON.stringify(upgrade)));
  cache.countSteps(address, 1);
}

/** A machine's deadline in the time of the store: as far from now as it is from the time of this batch. */
function keptIn({ store, timeline }: BatchParts, { at }: Batch, dueAt: number): number {
  store.timeline.write(timeline.note());
  return timeline.nowMs() + Math.max(0, dueAt - at);
}

function writeWishes(parts: BatchParts, batch: Batch, address: TreeAddress, { wishes }: Step): void {
  const { store } = parts;
  const { at } = batch;
  if (wishes.effects.length > 0) {
    const priority = policyFor(parts, address)?.priority ?? 0;
    for (const effect of wishes.effects) store.effects.insert({ tree: address, effect, priority, at });
    batch.touchedEffects = true;
  }
  for (const { id, dueAt } of wishes.timers) {
    store.signals.insert({
      tree: address,
      type: 'timer_due',
      payload: {},
      origin: 'engine',
      run: id,
      deliverAt: keptIn(parts, batch, dueAt),
      at,
    });
  }
  for (const { tree, type, payload } of wishes.tells)
    store.signals.insert({ tree, type, payload, origin: 'engine', at });
  for (const { run, stopAt } of wishes.stops) {
    const key = effectKey(address, run);
    batch.touchedEffects = true;
    if (store.effects.stop({ key, stopAt: keptIn(parts, batch, stopAt), at }) !== 'withdrawn') continue;
    const payload = { code: null, cause: 'withdrawn', detail: '' };
    store.signals.insert({
      tree: address,
      type: 'run_exited',
      payload,
      origin: 'engine',
      run,
      dedupeKey: resultKey(key),
      at,
    });
  }
}
