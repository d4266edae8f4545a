/**
 * Checks that a store's rows match its journal. Each tree is replayed, and compared with its stored snapshot, its effects, its handled signals, and its row
 * in lists. Its lines must also fit each other. Nothing is changed.
 */

import { planSummary } from '../../../actors/plan-view.ts';
import type { Step, Tree, Trees } from '../../../actors/tree.ts';
import { isAwaited } from '../../../machines/vocabulary/effect.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { effectKey, parseTree, supervisorTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import { createTimeSlice, type TimeSlice } from '../../base/platform/time-slice.ts';
import type { Store } from '../../core/store/port.ts';
import type { FedLine, TreeRow } from '../../core/store/rows.ts';
import type { Verification } from '../contract/plans.ts';
import { clearedUpTo } from './replay.ts';

type Difference = Verification['differs'][number];
type Skipped = Verification['skipped'][number];

interface Parts {
  readonly store: Store;
  readonly trees: Trees;
}

/** Trees that are read in one page. */
const pageOfTrees = 500;
/** An engine may step a tree between two readings of it. It is then read again, at most this often. */
const looks = 5;

/** The trees to compare: one, all trees of known kinds, or a random sample of that many. */
export type Verified = TreeAddress | 'all' | { readonly sample: number };

/**
 * Throws `not_found` for an unknown tree. `ok` is false where something that was asked for was not compared. Of many trees, those whose first lines were
 * cleared away by their age do not count: the configuration says that they go.
 */
export async function verify(parts: Parts, which: Verified): Promise<Verification> {
  const report = { ok: true, checked: 0, differs: [] as Difference[], skipped: [] as Skipped[] };
  const isNamed = typeof which === 'string' && which !== 'all';
  let isWhole = true;
  const slice = createTimeSlice();
  const unexplained = groupBy(await parts.store.unexplained(), ({ tree }) => tree);
  for await (const tree of chosen(parts, which)) {
    if (slice.isOver()) await slice.yield();
    const handled = (unexplained.get(tree) ?? []).map(({ id }) => id);
    const found = await verifyTree({ ...parts, slice }, tree, handled);
    if ('why' in found) {
      report.skipped.push({ tree, why: found.why });
      isWhole &&= found.isCleared && !isNamed;
    } else {
      report.checked += 1;
      report.differs.push(...found);
    }
  }
  if (which === 'all') {
    const others = await leftOut(parts);
    report.skipped.push(...others);
    isWhole &&= others.length === 0;
  }
  return { ...report, ok: isWhole && report.differs.length === 0 };
}

/** The trees of machines that only another engine can replay, a line for each machine. */
async function leftOut({ store, trees: { kinds } }: Parts): Promise<Skipped[]> {
  const known = new Set(kinds.all.map(({ name }) => name));
  return (await store.treeCounts()).flatMap(({ machine, count }) => {
    if (known.has(machine)) return [];
    const them = count === 1 ? 'its tree' : `its ${count} trees`;
    return [{ tree: machine, why: `this engine was not given the machine, so it cannot replay ${them}` }];
  });
}

async function* chosen(parts: Parts, which: Verified): AsyncGenerator<TreeAddress> {
  if (typeof which === 'string' && which !== 'all') yield which;
  else if (which === 'all') yield* allTrees(parts);
  else {
    const trees: TreeAddress[] = [];
    for await (const tree of allTrees(parts)) trees.push(tree);
    for (let left = Math.min(which.sample, trees.length); left > 0; left -= 1)
      yield* trees.splice(Math.floor(Math.random() * trees.length), 1);
  }
}

async function* allTrees({ store, trees: { kinds } }: Parts): AsyncGenerator<TreeAddress> {
  if ((await store.tree(supervisorTree).catch(damage)) !== null) yield supervisorTree;
  for (const { name } of kinds.all) {
    for (let after = ''; ; ) {
      const page = await store.treesOf(name, { after, limit: pageOfTrees });
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfTrees) break;
      after = last;
    }
  }
}

function listCommand(tree: TreeAddress): string {
  const parsed = parseTree(tree);
  return parsed.kind === 'machine'
    ? `see its trees with: stator machine list ${shellWord(parsed.machine)}`
    : 'see the plans with: stator plan list';
}

interface NotCompared {
  readonly why: string;
  /** Its first lines were cleared away by their age. */
  readonly isCleared: boolean;
}

/** The differences of a tree, or why it cannot be compared. */
async function verifyTree(
  { store, trees, slice }: Parts & { readonly slice: TimeSlice },
  tree: TreeAddress,
  unexplained: readonly number[],
): Promise<Difference[] | NotCompared> {
  for (let look = 1; look <= looks; look += 1) {
    const row = await store.tree(tree).catch(damage);
    if (row === null) throw new EngineError('not_found', `there is no ${tree}`, listCommand(tree));
    const lines = await store.fed(tree);
    if (row instanceof EngineError)
      return [{ tree, seq: lines.at(-1)?.seq ?? 0, path: 'snapshot', stored: row.message, replayed: null }];
    const kept = await keptOf(store, tree);
    const status = await store.treeStatus(tree);
    if (status?.steps !== row.steps) continue;
    const unchained = await store.unchained(tree);
    const found = await compare({ trees, slice }, tree, { row, lines, kept, unexplained });
    if (unchained === null) return found;
    const { seq, stored, expected } = unchained;
    const broken = { tree, seq, path: `journal[${seq}].hash`, stored, replayed: expected };
    return 'why' in found ? [broken] : [broken, ...found];
  }
  return { why: 'it moves faster than it can be read: ask again when it rests', isCleared: false };
}

function damage(thrown: unknown): EngineError {
  if (thrown instanceof EngineError && thrown.code === 'snapshot_unknown') return thrown;
  throw thrown;
}

/** The rows that are derived from a tree. */
async function keptOf(store: Store, tree: TreeAddress) {
  const parsed = parseTree(tree);
  const [effects, plan] = await Promise.all([
    store.effects({ by: 'tree', tree }),
    parsed.kind === 'plan' ? store.plan(parsed.project, parsed.plan) : null,
  ]);
  return { effects: effects.filter(({ kind }) => isAwaited(kind)), plan };
}

interface Read {
  readonly row: TreeRow;
  readonly lines: readonly FedLine[];
  readonly kept: Awaited<ReturnType<typeof keptOf>>;
  /** Handled signals without a line in the journal. */
  readonly unexplained: readonly number[];
}

/** A journal may be long: the event loop runs between its steps. */
async function compare(
  { trees, slice }: { readonly trees: Trees; readonly slice: TimeSlice },
  address: TreeAddress,
  { row, lines, kept, unexplained }: Read,
): Promise<Difference[] | NotCompared> {
  if (row.stored.version !== trees.versionOf(address)) {
    const why = `an earlier version of its machine wrote it (${row.stored.version}), and it has not moved since`;
    return { why, isCleared: false };
  }
  const groups = byInput(lines);
  const fed = groups.flatMap(([first]) => first ?? []);
  const asked = new Set(lines.flatMap(({ effects }) => effects));
  const unlike: number[] = [];
  const unasked: Difference[] = [];
  const difference = (seq: number, path: string, stored: unknown, replayed: unknown): Difference => ({
    tree: address,
    seq,
    path,
    stored,
    replayed,
  });
  let at = 0;
  let tree: Tree | null;
  try {
    const steps = trees.replaySteps(
      address,
      fed.flatMap(({ input }) => input ?? []),
    );
    let next = steps.next();
    for (; next.done !== true; next = steps.next()) {
      const { step, index } = next.value;
      at = fed[index]?.seq ?? 0;
      if (!isAsWritten(step, groups[index] ?? [])) unlike.push(at);
      for (const { id } of step.requests.effects) {
        const key = effectKey(address, id);
        if (!asked.has(key)) unasked.push(difference(at, `effects["${key}"]`, null, 'asked for'));
      }
      if (slice.isOver()) await slice.yield();
    }
    tree = next.value;
  } catch (thrown) {
    return [difference(at, 'replay', 'it was carried out', messageOf(thrown))];
  }
  if (tree === null) return { why: clearedUpTo(lines), isCleared: true };
  const last = lines.at(-1)?.seq ?? 0;
  const { text } = trees.persistText(tree);
  const wrong =
    text === JSON.stringify(row.stored.snapshot) ? null : snapshotDifference(row.stored.snapshot, JSON.parse(text));
  return [
    ...(wrong === null ? [] : [difference(unlike[0] ?? last, wrong.path, wrong.stored, wrong.replayed)]),
    ...unasked,
    ...kept.effects
      .filter(({ key }) => !asked.has(key))
      .map(({ key, status }) => difference(last, `effects["${key}"]`, status, null)),
    // Old lines and signals are deleted in separate commits, so signals older than the first line are not checked.
    ...unexplained
      .filter((id) => id >= (lines.find(({ signal }) => signal !== null)?.signal ?? 0))
      .map((id) => difference(last, `signals[${id}]`, 'done', null)),
    ...twice(fed).map(({ seq, signal }) => difference(seq, `signals[${signal}]`, 'in the journal twice', 'once')),
    ...shownDifferences(tree, kept.plan).map(({ path, stored, replayed }) => difference(last, path, stored, replayed)),
  ];
}

/** The lines of each input, in order; refusals belong to no input. */
function byInput(lines: readonly FedLine[]): FedLine[][] {
  const groups: FedLine[][] = [];
  for (const line of lines) {
    if (line.input !== null) groups.push([line]);
    else if (line.refused === null) groups.at(-1)?.push(line);
  }
  return groups;
}

function isAsWritten({ inputs }: Step, lines: readonly FedLine[]): boolean {
  const moves = inputs.flatMap(({ transitions }) => transitions);
  const written = lines.filter(({ to }) => to !== '');
  const text = ({ actor, from, to }: { actor: string; from: string; to: string }) => `${actor} ${from} ${to}`;
  return moves.map(text).join('\n') === written.map(text).join('\n');
}

/** Lines whose signal an earlier line already fed: each signal must be fed once, whatever comes before it. */
function twice(fed: readonly FedLine[]): FedLine[] {
  const seen = new Set<number>();
  return fed.filter(({ signal, input }) => {
    if (signal === null || input === null || input.type === 'policy' || input.type === 'upgraded') return false;
    const isSeen = seen.has(signal);
    seen.add(signal);
    return isSeen;
  });
}

/** Compares the plan's row in lists with its tree. */
function shownDifferences(tree: Tree, row: object | null): { path: string; stored: unknown; replayed: unknown }[] {
  if (row === null) return [];
  return Object.entries(planSummary(tree)).flatMap(([name, replayed]) => {
    const stored = (row as Record<string, unknown>)[name]; // a plan's row contains its summary
    const found = firstDifference(stored ?? null, JSON.parse(JSON.stringify(replayed ?? null)), `row.${name}`);
    return found === null ? [] : [found];
  });
}

function snapshotDifference(stored: unknown, replayed: unknown) {
  return (
    firstDifference(stored, replayed, 'snapshot') ?? {
      path: 'snapshot',
      stored: 'another order of its keys',
      replayed: null,
    }
  );
}

/** The first place at which two values of JSON differ, keys in the order of the stored one; null: they are the same. */
function firstDifference(
  stored: unknown,
  replayed: unknown,
  path: string,
): { path: string; stored: unknown; replayed: unknown } | null {
  if (Object.is(stored, replayed)) return null;
  const isPair = isObject(stored) && isObject(replayed) && Array.isArray(stored) === Array.isArray(replayed);
  if (!isPair) return { path, stored: stored ?? null, replayed: replayed ?? null };
  for (const key of new Set([...Object.keys(stored), ...Object.keys(replayed)])) {
    const place = Array.isArray(stored) ? `${path}[${key}]` : `${path}.${key}`;
    const found = firstDifference(stored[key], replayed[key], place);
    if (found !== null) return found;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
