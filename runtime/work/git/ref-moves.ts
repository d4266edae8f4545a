/** The moves of refs that this engine knows: its own moves of people's branches, the present runs, and the moves that were already reported. */

export interface OwnMoves {
  /** Notes that stator moves a person's branch: before it does, since a run may end meanwhile. The answer takes the note back where it was not moved. */
  note(move: { readonly ref: string; readonly from: string; readonly to: string }): () => void;
  /**
   * The commit of a ref before stator moved it to `to`. `from`: the commit at the first of two looks; stator's moves to it are older than that look, and so
   * the answer is not beyond it.
   */
  before(ref: string, { from, to }: { readonly from: string | null; readonly to: string | null }): string | null;
}

export interface RefMoves {
  readonly own: OwnMoves;
  /** Notes that a run begins. Until it ends, `others` collects the titles of all runs at the same time. */
  begin(title: string): { readonly others: ReadonlySet<string>; end(): void };
  /** Whether that move is new for a run that began then: another run that has ended since may have reported it. Times are ms since the epoch. */
  isNews(move: string, { beganMs, atMs }: { readonly beganMs: number; readonly atMs: number }): boolean;
}

/** The most remembered moves for one repository; the oldest are dropped first. */
const rememberedMoves = 1_000;

/** The known moves of one engine, by the repository's common git folder. */
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
  const reported = new Map<string, number>();
  return {
    own: {
      note(move) {
        own.push(move);
        if (own.length > rememberedMoves) own.shift();
        return () => {
          const at = own.indexOf(move);
          if (at >= 0) own.splice(at, 1);
        };
      },
      before(ref, { from, to }) {
        let at = to;
        for (const move of own.toReversed()) {
          if (at === from) break;
          if (move.ref === ref && move.to === at) at = move.from;
        }
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
      const reportedMs = reported.get(move);
      if (reportedMs !== undefined && reportedMs >= beganMs) return false;
      reported.delete(move);
      reported.set(move, atMs);
      const oldest = reported.size > rememberedMoves ? reported.keys().next().value : undefined;
      if (oldest !== undefined) reported.delete(oldest);
      return true;
    },
  };
}
