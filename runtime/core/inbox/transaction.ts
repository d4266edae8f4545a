/** One batch of the pump: rows in, each handled by its tree, and all resulting effects in one commit. */
import { type Happened, hookEventsOf, resolvedNow } from '../../../actors/hook-events.ts';
import { noticeEventsOf, noticesOf, noticeText } from '../../../actors/notices.ts';
import { outputAwaited } from '../../../actors/output-wait.ts';
import { ownBirth } from '../../../actors/own-machine.ts';
import { publicMove, type Transition } from '../../../actors/recorder.ts';
import type { Input, Step, Tree, Trees, Upgraded } from '../../../actors/tree.ts';
import { EngineError, planNotFound, repoNotFound } from '../../../machines/vocabulary/errors.ts';
import type { NotifiedEvent } from '../../../machines/vocabulary/hook-event.ts';
import { effectKey, parseTree, resultKey, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { NotificationType } from '../../../machines/vocabulary/notification.ts';
import type { Policy } from '../../../machines/vocabulary/policy.ts';
import type { AnySignal } from '../../../machines/vocabulary/signal.ts';
import type { Faults } from '../../base/platform/faults.ts';
import { type HookInForce, hookRows } from '../store/hook-rows.ts';
import type { Change, ChangeOf, PlanKey, Store } from '../store/port.ts';
import { type JournalLine, latestMs, type NewLine, type SignalRow } from '../store/rows.ts';
import type { Timeline } from '../store/timeline.ts';
import { admit } from './admission.ts';
import { createProjection, type Projection } from './projection.ts';
import { isAddress, noticeToSender, signalOf, treeOf } from './signal-row.ts';
import { type CachedTree, type TreeCache, unstored } from './tree-cache.ts';

export interface BatchParts {
  readonly store: Store;
  readonly trees: Trees;
  readonly cache: TreeCache;
  readonly faults?: Faults | undefined;
  readonly timeline: Timeline;
  /** The configuration in force for a project; null if the repo is not registered. */
  policyOf(project: string): Policy | null;
  /** The hooks in force for a project; none if the repo is not registered. */
  hooksOf(project: string): readonly HookInForce[];
  /** Hooks that name a public state of a user-defined machine: those of each repo, and of the program, whose project is `''`. */
  machineHooks(): readonly { readonly project: string; readonly hooks: readonly HookInForce[] }[];
}

export type Handled =
  | ({ readonly status: 'committed' } & BatchResult)
  /** Nothing was written: a row has changed since it was read. The change names it. */
  | { readonly status: 'lost'; readonly change: Change };

export interface BatchResult {
  readonly lines: readonly JournalLine[];
  /** An effect was requested, withdrawn, or one may start that could not before. */
  readonly touchedEffects: boolean;
  /** Signals that have their verdict now, or are held. */
  readonly settled: readonly number[];
  /** Trees whose earlier signals became due again: later signals of these trees come after them. */
  readonly released: ReadonlySet<TreeAddress>;
}

/** The rows from which the batch is decided. */
interface Known {
  readonly rows: readonly SignalRow[];
  readonly trees: Map<TreeAddress, CachedTree | null>;
  /** For plans that a person resolves in this batch: the quarantined signals, which are delivered again; null: no quarantined signal blocks the plan. */
  readonly setAside: ReadonlyMap<TreeAddress, readonly number[] | null>;
}

/** Signals that are not in the store yet, with the changes that are committed along with them. */
interface Arriving {
  readonly rows: readonly SignalRow[];
  readonly causes: readonly Change[];
}

const nothingArrives: Arriving = { rows: [], causes: [] };

/** A row that is written with its outcome. */
type Entering = { -readonly [Column in keyof SignalRow]: SignalRow[Column] };

/** The decisions so far: the changes in their order. */
interface Batch {
  readonly at: number;
  readonly known: Known;
  readonly changes: Change[];
  readonly lines: NewLine[];
  readonly settled: number[];
  /** Rows that are not in the store yet, by their numbers. */
  readonly entering: Map<number, Entering>;
  readonly dirty: Set<TreeAddress>;
  /** Trees with a decision. */
  readonly asked: Set<TreeAddress>;
  readonly projection: Projection;
  readonly released: Set<TreeAddress>;
  touchedEffects: boolean;
  keepsDeadline: boolean;
}

/**
 * Handles the rows in one commit. If the commit is lost, or something throws, the rows stay unchanged, and their trees are read again when they are next
 * needed. One batch at a time. Arriving signals come after the others, and are written with their outcomes.
 */
export async function handleBatch(
  parts: BatchParts,
  due: readonly SignalRow[],
  at: number,
  arriving: Arriving = nothingArrives,
): Promise<Handled> {
  const {
    store,
    cache,
    faults,
    trees: { kinds },
  } = parts;
  const rows = [...due, ...arriving.rows];
  const known = await readFor(parts, rows);
  const release = cache.hold();
  /** The live trees are ahead of their rows; the rows are the truth. */
  const forget = () => {
    for (const row of rows) cache.forget(treeOf(kinds, row));
  };
  try {
    faults?.('pump.after-begin');
    const batch = decide(parts, known, { at, arriving });
    faults?.('pump.before-commit');
    const commit = await store.commit(batch.changes);
    if (commit.status === 'lost') {
      forget();
      return commit;
    }
    const { lines } = commit;
    faults?.('pump.after-commit');
    for (const address of batch.dirty) {
      const entry = mustKnow(batch, address);
      entry.stored = entry.steps;
      cache.keep(address, entry);
    }
    const { released, touchedEffects } = batch;
    return {
      status: 'committed',
      lines: batch.lines.map((line, index) => ({ seq: lines[index] ?? 0, ...line })),
      touchedEffects,
      settled: batch.settled,
      released,
    };
  } catch (thrown) {
    forget();
    throw thrown;
  } finally {
    release();
  }
}

async function readFor({ store, cache, trees: { kinds } }: BatchParts, rows: readonly SignalRow[]): Promise<Known> {
  const trees = new Map<TreeAddress, CachedTree | null>();
  const setAside = new Map<TreeAddress, readonly number[] | null>();
  for (const row of rows) {
    const address = treeOf(kinds, row);
    // A row with an invalid address fails before its tree is read, and one of an unknown kind waits for an engine that knows it.
    if (isAddress(address) && !kinds.knows(address)) continue;
    if (!trees.has(address)) trees.set(address, await cache.load(address));
    if (row.type === 'resolve' && !setAside.has(address)) setAside.set(address, await setAsideFor(store, address));
  }
  return { rows, trees, setAside };
}

/** A plan that is blocked because signals of the engine were quarantined: a person's `resolve` delivers all of them again. */
async function setAsideFor(store: Store, address: TreeAddress): Promise<readonly number[] | null> {
  const parsed = planOf(address);
  const first = parsed === null ? null : ((await store.plan(parsed.project, parsed.plan))?.faultSignal ?? null);
  if (first === null) return null;
  const own = await store.setAside(address, first);
  // The first may be a request to the repo, which is in another tree's row.
  const row = await store.signal(first);
  return row?.status === 'failed' && row.tree !== address ? [first, ...own] : own;
}

function planOf(address: TreeAddress): PlanKey | null {
  if (!isAddress(address)) return null;
  const parsed = parseTree(address);
  return parsed.kind === 'plan' ? parsed : null;
}

/** Steps the trees, and returns what is to be written, without access to the store. */
function decide(parts: BatchParts, known: Known, { at, arriving }: { at: number; arriving: Arriving }): Batch {
  const batch: Batch = {
    at,
    known,
    changes: [],
    lines: [],
    settled: [],
    entering: new Map(arriving.rows.map((row) => [row.id, { ...row }])),
    dirty: new Set(),
    asked: new Set(),
    projection: createProjection(),
    released: new Set(),
    touchedEffects: false,
    keepsDeadline: false,
  };
  // This comes first, so that new signals of this batch get higher numbers.
  for (const row of batch.entering.values()) batch.changes.push({ do: 'signal.enter', row });
  batch.changes.push(...arriving.causes);
  for (const row of known.rows) {
    // Released signals have lower ids than the rest of this batch, which stays pending and comes after them.
    if (!batch.released.has(treeOf(parts.trees.kinds, row))) handleRow(parts, batch, row);
  }
  for (const address of batch.dirty) {
    const entry = mustKnow(batch, address);
    const { tree, stored, steps } = entry;
    const text = parts.trees.persistText(tree);
    batch.changes.push({ do: 'tree.write', address, stored: text, before: stored, after: steps, at });
    const { changes, isMoved } = batch.projection.shownBy(address, entry, at);
    batch.changes.push(...changes);
    if (isMoved) batch.touchedEffects = true;
  }
  // A verdict is a decision too, even if the tree does not change or does not exist.
  for (const address of batch.asked) {
    const steps = batch.known.trees.get(address)?.stored ?? 0;
    if (!batch.dirty.has(address)) batch.changes.push({ do: 'tree.require', address, steps });
  }
  if (batch.keepsDeadline) batch.changes.push(parts.timeline.note());
  return batch;
}

function mustKnow({ known }: Batch, address: TreeAddress): CachedTree {
  const entry = known.trees.get(address);
  if (entry == null) throw new Error(`tree ${address} is not live`);
  return entry;
}

function handleRow(parts: BatchParts, batch: Batch, row: SignalRow): void {
  const { trees } = parts;
  const { kinds } = trees;
  const signal = signalOf(kinds, row, batch.at);
  if (signal instanceof EngineError) {
    finish(batch, row, 'failed', signal.toJSON());
    return;
  }
  const address = treeOf(kinds, row);
  if (!kinds.knows(address)) {
    hold(batch, row, address);
    return;
  }
  batch.asked.add(address);
  const entry = batch.known.trees.get(address) ?? null;
  if (entry === null) {
    const isOwn = parseTree(address).kind === 'machine';
    if (!trees.isBirth(address, signal) || (isMessage(signal) && !isOwn)) {
      settleOrphan(batch, row, address);
      return;
    }
    const { tree, step } = trees.create(address, signal, row.id);
    batch.known.trees.set(address, unstored(tree));
    absorb(parts, batch, { row, address, tree, step, revived: 0 });
    return;
  }
  if (trees.isBirth(address, signal)) {
    finish(batch, row, 'done', 'already');
    return;
  }
  const message = messageTo(parts, address, signal);
  if (message instanceof EngineError) {
    finish(batch, row, 'failed', message.toJSON());
    return;
  }
  const revived = signal.type === 'resolve' ? reviveFault(batch, address) : 0;
  const policy = policyFor(parts, address);
  const step = trees.step(entry.tree, message, policy === null ? {} : { policy });
  absorb(parts, batch, { row, address, tree: entry.tree, step, revived });
}

/** The signal in the form of its tree, or the reason against it: a signal of a user-defined machine is checked here, one of a person where it enters. */
function messageTo({ trees }: BatchParts, address: TreeAddress, signal: AnySignal): AnySignal | EngineError {
  const { origin, type, payload } = signal;
  if (!isMessage(signal) || origin === `machine:${address}` || type === outputAwaited) return signal;
  const admission = admit(trees.kinds.of(address), { type, payload, origin });
  return admission.kind === 'refused' ? admission.error : { ...signal, payload: admission.payload };
}

/** Whether a tree of a user-defined machine sent it. */
function isMessage({ origin }: AnySignal): boolean {
  return origin.startsWith('machine:');
}

function finish(batch: Batch, row: SignalRow, status: 'done' | 'failed', result: unknown): void {
  const { changes, settled, at } = batch;
  const { id } = row;
  settled.push(id);
  const entering = batch.entering.get(id);
  if (entering === undefined) changes.push({ do: 'signal.finish', id, status, result, at });
  else Object.assign(entering, { status, result: JSON.stringify(result), attempts: 1, processed_at: at });
  if (status === 'failed') changes.push(...noticeToSender(row, result, at));
}

function hold({ entering, changes, settled }: Batch, { id }: SignalRow, tree: TreeAddress): void {
  settled.push(id);
  const row = entering.get(id);
  if (row === undefined) changes.push({ do: 'signal.hold', id, tree });
  else row.status = 'held';
}

/** There is no such tree: a signal of the engine came too late, any other signal names a plan that does not exist. */
function settleOrphan(batch: Batch, row: SignalRow, address: TreeAddress): void {
  if (row.origin === 'engine') {
    finish(batch, row, 'done', 'stale');
    return;
  }
  const parsed = parseTree(address);
  if (parsed.kind === 'machine') {
    const hint = `see the existing ones with: stator machine list ${parsed.machine}`;
    finish(batch, row, 'failed', new EngineError('not_found', `there is no ${address}`, hint).toJSON());
    return;
  }
  const missing = address.startsWith('repo:') ? repoNotFound(row.project) : planNotFound(row.project, row.plan);
  finish(batch, row, 'failed', missing.toJSON());
}

/** The number of quarantined signals that are delivered again. */
function reviveFault(batch: Batch, address: TreeAddress): number {
  const ids = batch.known.setAside.get(address) ?? null;
  const key = planOf(address);
  if (ids === null || key === null) return 0;
  for (const id of ids) batch.changes.push({ do: 'signal.revive', id });
  batch.changes.push({ do: 'plan.set-fault', key, signal: null, at: batch.at });
  batch.released.add(address);
  batch.touchedEffects = true;
  return ids.length;
}

function policyFor(parts: BatchParts, address: TreeAddress): Policy | null {
  const parsed = parseTree(address);
  return 'project' in parsed ? parts.policyOf(parsed.project) : null;
}

interface Stepped {
  readonly row: SignalRow;
  readonly address: TreeAddress;
  readonly tree: Tree;
  readonly step: Step;
  /** The number of quarantined signals that this one delivers again. */
  readonly revived: number;
}

function absorb(parts: BatchParts, batch: Batch, { row, address, tree, step, revived }: Stepped): void {
  addRequests(parts, batch, address, step);
  if (step.upgrade !== null) addUpgrade(batch, { row, address, upgrade: step.upgrade });
  const keys = step.requests.effects.map((effect) => effectKey(address, effect.id));
  step.inputs.forEach((input, index) => {
    addLines(batch, { row, address, input, keys: index === step.inputs.length - 1 ? keys : [] });
  });
  if (step.inputs.length > 0) {
    mustKnow(batch, address).steps += step.inputs.length;
    batch.dirty.add(address);
    batch.projection.note(address, step);
    const plan = planOf(address);
    const notices = plan === null ? [] : noticesOf(tree, step);
    addDeliveries(parts, batch, address, () => [...hookEventsOf(tree, step), ...noticeEventsOf(tree, notices)]);
    if (plan === null) sendOfMachine(parts, batch, tree, step);
    else batch.changes.push(...notices.map((notice) => notification(plan, { ...notice, at: batch.at })));
  }
  // The plan was blocked by quarantined signals, which no state of its machine shows.
  if (revived > 0 && step.verdict.status !== 'done') addDeliveries(parts, batch, address, () => [resolvedNow(tree)]);
  settleRow(batch, { row, address, tree, step, revived });
  if (step.released) {
    batch.changes.push({ do: 'signal.release', tree: address });
    batch.released.add(address);
    batch.touchedEffects = true;
  }
}

/** Adds the deliveries of the plan's hooks to the commit of the step. */
function addDeliveries(
  parts: BatchParts,
  batch: Batch,
  address: TreeAddress,
  happened: () => readonly Happened[],
): void {
  const key = planOf(address);
  const hooks = key === null ? [] : parts.hooksOf(key.project);
  if (key === null || hooks.length === 0) return;
  enqueueHooks(batch, hookRows(key, happened(), { hooks, at: batch.at }));
}

function enqueueHooks(batch: Batch, rows: readonly Change[]): void {
  batch.changes.push(...rows);
  if (rows.length > 0) batch.touchedEffects = true;
}

/** Public states that a tree of a user-defined machine entered: notifications if its machine defines them, and deliveries to the hooks that name them. */
function sendOfMachine(parts: BatchParts, batch: Batch, { address, root, kind }: Tree, { inputs }: Step): void {
  const parsed = parseTree(address);
  if (parsed.kind !== 'machine') return;
  const { machine, id: tree } = parsed;
  const { at } = batch;
  const entered = inputs.flatMap(({ transitions }) =>
    transitions.flatMap((transition) => {
      if (transition.emitted !== undefined) return [];
      const move = publicMove(transition.chart, transition);
      return [...move.after].filter(move.enters);
    }),
  );
  if (entered.length === 0) return;
  for (const tag of new Set(entered)) {
    const message = kind.notices[tag]?.(root);
    if (message === undefined) continue;
    batch.changes.push(notification({ project: '', plan: address }, { type: 'machine_notice', message, at }));
  }
  const happened = entered.map((tag) => {
    const event: NotifiedEvent = `${machine}.${tag}`;
    return { event, from: null, to: null, details: { machine, tree, tag } };
  });
  for (const { project, hooks } of parts.machineHooks())
    enqueueHooks(batch, hookRows({ project, plan: null, subject: address }, happened, { hooks, at }));
}

/** A notification, its message cut to the length of a list. It is written in the commit of the step, so each transition notifies exactly once, whatever process dies meanwhile. */
export function notification(
  { project, plan }: PlanKey,
  { type, message, at }: { readonly type: NotificationType; readonly message: string; readonly at: number },
): ChangeOf<'notification.insert'> {
  return { do: 'notification.insert', type, project, plan, message: noticeText(message), at };
}

function settleRow(batch: Batch, { row, address, step: { verdict }, revived }: Stepped): void {
  if (verdict.status === 'held') {
    hold(batch, row, address);
  } else if (verdict.status === 'done') {
    finish(batch, row, 'done', verdict.result);
  } else if (revived > 0) {
    finish(batch, row, 'done', `signals delivered again: ${revived}`);
  } else {
    const { refusal } = verdict;
    const { by: actor, state } = refusal;
    const { type, origin } = row;
    const fields = { type, origin, actor, event: type, from: state, to: state, effects: noKeys, refused: refusal };
    addLine(batch, { at: batch.at, tree: address, signal: row.id, ...fields }, null);
    finish(batch, row, 'failed', refusal);
  }
}

const noKeys: string[] = [];

function addLine({ lines, changes }: Batch, line: NewLine, input: string | null): void {
  lines.push(line);
  changes.push({ do: 'journal.append', line, input });
}

type SeenLine = Omit<Transition, 'chart'>;

/** XState starts the actors below the root, and emits, before it reports the root. The journal of a tree begins with the root all the same: readers recognize a new tree by this line. */
function birthFirst(seen: readonly SeenLine[]): readonly SeenLine[] {
  const isBirth = ({ actor, from, to }: SeenLine) => actor === '' && from === '' && to !== '';
  return [...seen.filter(isBirth), ...seen.filter((line) => !isBirth(line))];
}

function addLines(
  batch: Batch,
  { row, address, input, keys }: { row: SignalRow; address: TreeAddress; input: Input; keys: string[] },
): void {
  const { signal, transitions } = input;
  const heard: SeenLine = { actor: signal.actor, event: signal.type, from: '', to: '' };
  const hasMoved = transitions.some(({ emitted }) => emitted === undefined);
  const moves = signal.type === ownBirth ? birthFirst(transitions) : transitions;
  const seen: readonly SeenLine[] = hasMoved ? moves : [heard, ...transitions];
  // Spelled out, not spread: this is the innermost loop of every batch.
  for (let index = 0; index < seen.length; index += 1) {
    const transition = seen[index];
    if (transition === undefined) continue;
    const { actor, event, from, to, emitted } = transition;
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
      ...(emitted === undefined ? {} : { emitted }),
    };
    addLine(batch, line, index === 0 ? JSON.stringify(signal) : null);
  }
}

/** Without the upgrade in it, a replay of the journal, whose earlier lines another version made, would not reach the stored snapshot. */
function addUpgrade(
  batch: Batch,
  { row, address, upgrade }: { row: SignalRow; address: TreeAddress; upgrade: Upgraded },
): void {
  const { type, from, to } = upgrade;
  const fields = { type, origin: 'engine', actor: '', event: type, from, to, effects: noKeys, refused: null };
  addLine(batch, { at: batch.at, tree: address, signal: row.id, ...fields }, JSON.stringify(upgrade));
  mustKnow(batch, address).steps += 1;
}

/** A machine's deadline in the time of the store: as far from now as it is from the time of this batch, at most the last time that a date can hold. */
function keptIn({ timeline }: BatchParts, batch: Batch, dueAt: number): number {
  batch.keepsDeadline = true;
  return Math.min(latestMs, timeline.nowMs() + Math.max(0, dueAt - batch.at));
}

function addRequests(parts: BatchParts, batch: Batch, address: TreeAddress, { requests }: Step): void {
  const { at, changes } = batch;
  if (requests.effects.length > 0) {
    const priority = policyFor(parts, address)?.priority ?? 0;
    for (const effect of requests.effects) changes.push({ do: 'effect.insert', tree: address, effect, priority, at });
    batch.touchedEffects = true;
  }
  for (const { id, dueAt } of requests.timers) {
    const deliverAt = keptIn(parts, batch, dueAt);
    changes.push({
      do: 'signal.insert',
      tree: address,
      type: 'timer_due',
      payload: {},
      origin: 'engine',
      run: id,
      deliverAt,
      at,
    });
  }
  for (const { tree, type, payload, sender, run = null } of requests.signals) {
    const origin = sender === undefined ? 'engine' : (`machine:${sender}` as const);
    changes.push({ do: 'signal.insert', tree, type, payload, origin, run, at });
  }
  for (const { run, stopAt } of requests.stops) {
    const key = effectKey(address, run);
    batch.touchedEffects = true;
    const payload = { code: null, cause: 'withdrawn', detail: '' };
    const dedupeKey = resultKey(key);
    changes.push({
      do: 'effect.stop',
      key,
      stopAt: keptIn(parts, batch, stopAt),
      at,
      withdrawn: { tree: address, type: 'run_exited', payload, origin: 'engine', run, dedupeKey, at },
    });
  }
}
