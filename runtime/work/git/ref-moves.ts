/** Who moved what in a repository, as far as this engine knows: its own moves of people's branches, the runs at work there, and what was told of already. */

export interface OwnMoves {
  /** stator itself has moved a branch that is not its own. */
  note(move: { readonly ref: string; readonly from: string; readonly to: string }): void;
  /** Where a ref that is at `to` stood before stator moved it there. */
  before(ref: string, to: string | null): string | null;
}

export interface RefMoves {
  readonly own: OwnMoves;
  /** A run is at work; the titles of all that were so meanwhile are added to `others` until it has ended. */
  begin(title: string): { readonly others: ReadonlySet<string>; end(): void };
  /** Whether that move is news for a run that began then: another run, which ended since, may have told of it. Times are ms since the epoch. */
  isNews(move: string, { beganMs, atMs }: { readonly beganMs: number; readonly atMs: number }): boolean;
}

/** What is remembered for one repository; the oldest goes first. */
const rememberedMoves = 1_000;

/** Those of one engine, by the common git folder of their repository. */
export function createRefMoves(): (commonDir: string) => RefMoves {
  const known = new Map<string, RefMoves>();
  return (commonDir) => {
    const moves = known.get(commonDir) ?? movesOfOne();
    known.set(commonDir, moves);
    return moves;
  };
}

function movesOfOne(): RefMoves {
  const own: { ref: string; from: string; to: string }[] = [];
  const working = new Set<{ title: string; others: Set<string> }>();
  const told = new Map<string, number>();
  return {
    own: {
      note(move) {
        own.push(move);
        if (own.length > rememberedMoves) own.shift();
      },
      before(ref, to) {
        let at = to;
        for (const move of own.toReversed()) if (move.ref === ref && move.to === at) at = move.from;
        return at;
      },
    },
    begin(title) {
      const run = { title, others: new Set<string>() };
      for (const other of working) {
        other.others.add(title);
        run.others.add(other.title);
      }
      working.add(run);
      return { others: run.others, end: () => void working.delete(run) };
    },
    isNews(move, { beganMs, atMs }) {
      const toldMs = told.get(move);
      if (toldMs !== undefined && toldMs >= beganMs) return false;
      told.delete(move);
      told.set(move, atMs);
      const oldest = told.size > rememberedMoves ? told.keys().next().value : undefined;
      if (oldest !== undefined) told.delete(oldest);
      return true;
    },
  };
}
