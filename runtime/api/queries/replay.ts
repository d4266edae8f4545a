/** Rebuilds an earlier state of a tree from its journal alone, up to one line. */
import type { Kinds } from '../../../actors/kind.ts';
import { createTrees, type Tree, type Trees, type Upgraded } from '../../../actors/tree.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { parseTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Store } from '../../core/store/port.ts';
import type { FedLine } from '../../core/store/rows.ts';
import { timeText } from './time-text.ts';

/** Which moment: after the line `seq`, or at that time. Neither: now. */
export interface PointInTime {
  readonly seq: number | null;
  readonly atMs: number | null;
}

export interface Replayed {
  readonly tree: Tree;
  /** The last line that was replayed. */
  readonly line: FedLine;
  /** All replayed lines, from the first on. */
  readonly lines: readonly FedLine[];
}

/** The text about a journal whose first lines are gone: where the rest begins. */
export function clearedUpTo([first]: readonly FedLine[]): string {
  const rest =
    first === undefined ? 'none is left' : `what is left begins with line ${first.seq}, at ${timeText(first.at)}`;
  return `the first lines of its journal were cleared away by their age; ${rest}`;
}

function historyCommand(address: TreeAddress): string {
  const parsed = parseTree(address);
  if (parsed.kind === 'machine') return `stator machine history ${shellWord(parsed.machine)} ${shellWord(parsed.id)}`;
  return `stator plan history ${parsed.kind === 'plan' ? shellWord(parsed.plan) : '<plan>'} --verbose`;
}

/** Separate trees: a replay changes no live tree. */
export function treesForReplay(kinds: Kinds): Trees {
  const known = trees.get(kinds) ?? createTrees(kinds);
  trees.set(kinds, known);
  return known;
}

const trees = new WeakMap<Kinds, Trees>();

/**
 * Throws `not_found` for a moment before its first line, and `snapshot_unknown` if this version cannot replay the lines: an earlier version of the machine
 * wrote them, or the first lines were deleted because of their age.
 */
export async function replayTo(
  { store, kinds }: { readonly store: Pick<Store, 'fed'>; readonly kinds: Kinds },
  address: TreeAddress,
  { seq, atMs }: PointInTime,
): Promise<Replayed> {
  const all = await store.fed(address);
  const count = 1 + all.findLastIndex((line) => (seq === null ? atMs === null || line.at <= atMs : line.seq <= seq));
  const lines = all.slice(0, count);
  const line = lines.at(-1);
  if (line === undefined) {
    const [first] = all;
    const begins = first === undefined ? 'it has none' : `its first is line ${first.seq}, at ${timeText(first.at)}`;
    throw new EngineError(
      'not_found',
      `no line of the journal of ${address} is as old as that`,
      `${begins}; see them with: ${historyCommand(address)}`,
    );
  }
  const upgrade = all.slice(count).find(({ input }) => input?.type === 'upgraded')?.input as Upgraded | undefined; // its type guarantees it
  const earlier = upgrade?.from ?? null;
  const inputs = lines.flatMap(({ input }) => input ?? []);
  const tree = earlier === null ? replayed(kinds, address, inputs) : null;
  if (tree !== null) return { tree, line, lines };
  const why =
    earlier === null
      ? clearedUpTo(lines)
      : `line ${line.seq} was written by an earlier version of the machine (${earlier})`;
  throw new EngineError(
    'snapshot_unknown',
    `${address} cannot be replayed up to line ${line.seq}: ${why}`,
    earlier === null
      ? 'what is kept is said by [retention] in daemon.toml'
      : `ask for a later line: ${historyCommand(address)} shows where it was upgraded`,
  );
}

/** Throws `snapshot_unknown` where the code of a user-defined machine throws, because it is not the code that took those lines. */
function replayed(kinds: Kinds, address: TreeAddress, inputs: Parameters<Trees['replay']>[1]): Tree | null {
  try {
    return treesForReplay(kinds).replay(address, inputs);
  } catch (cause) {
    const parsed = parseTree(address);
    if (cause instanceof EngineError || parsed.kind !== 'machine') throw cause;
    throw new EngineError(
      'snapshot_unknown',
      `${address} cannot be replayed: its machine threw: ${messageOf(cause)}`,
      `its code is not what it was then; what it is now: stator machine show ${shellWord(parsed.machine)} ${shellWord(parsed.id)}`,
      { cause },
    );
  }
}
