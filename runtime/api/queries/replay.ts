/** A tree as it was: made anew from its journal alone, up to one line. */
import type { Tree, Trees } from '../../../actors/tree.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { parseTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Store } from '../../core/store/port.ts';
import type { FedLine } from '../../core/store/rows.ts';
import { timeText } from './time-text.ts';

/** Which moment: after the line `seq`, or at that time. Neither: now. */
export interface Moment {
  readonly seq: number | null;
  readonly atMs: number | null;
}

export interface Replayed {
  readonly tree: Tree;
  /** The last line that it is made from. */
  readonly line: FedLine;
}

/** From where on the rest of a journal can be trusted, whose first lines are gone. */
export function clearedUpTo([first]: readonly FedLine[]): string {
  const rest =
    first === undefined ? 'none is left' : `what is left begins with line ${first.seq}, of ${timeText(first.at)}`;
  return `the first lines of its journal were cleared away by their age; ${rest}`;
}

function historyCommand(address: TreeAddress): string {
  const parsed = parseTree(address);
  return parsed.kind === 'machine'
    ? `stator machine history ${shellWord(parsed.machine)} ${shellWord(parsed.id)}`
    : 'stator plan history --verbose';
}

/** The version of its machine that wrote the lines up to `upTo`: what the next upgrade came from. null: the present one. */
async function earlierVersion(store: Store, address: TreeAddress, upTo: number): Promise<string | null> {
  const later = (await store.fed(address)).find(({ seq, input }) => seq > upTo && input?.type === 'upgraded');
  return later?.from ?? null;
}

/**
 * Throws `not_found` for a moment before its first line, and `snapshot_unknown` where this version cannot carry the lines out: they were written by an earlier
 * version of the machine, or the first of them were cleared away by their age.
 */
export async function replayTo(
  { store, trees }: { readonly store: Store; readonly trees: Trees },
  address: TreeAddress,
  { seq, atMs }: Moment,
): Promise<Replayed> {
  const upTo = seq ?? (atMs === null ? undefined : ((await store.lastLineBy(address, atMs))?.seq ?? 0));
  const lines = await store.fed(address, upTo);
  const line = lines.at(-1);
  if (line === undefined) {
    const first = (await store.fed(address))[0];
    const begins = first === undefined ? 'it has none' : `its first is line ${first.seq}, of ${timeText(first.at)}`;
    throw new EngineError(
      'not_found',
      `no line of the journal of ${address} is as old as that`,
      `${begins}; see them with: ${historyCommand(address)}`,
    );
  }
  const earlier = upTo === undefined ? null : await earlierVersion(store, address, upTo);
  const tree =
    earlier === null
      ? trees.replay(
          address,
          lines.flatMap(({ input }) => input ?? []),
        )
      : null;
  if (tree !== null) return { tree, line };
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
