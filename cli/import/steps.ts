/**
 * The parts of an import. All parts are shown first, and carried out once a person agrees. A part that fails does not stop the others, and the same
 * command tries it again.
 */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import type { Call } from '../command.ts';
import { canAsk, isConfirmed, sureArgs } from '../sure.ts';
import { plain } from '../text.ts';

/**
 * The outcome of a part. `there`: it existed before. `left`, `no_equal`: it is not imported. `broken`: it cannot be read. `failed`: it was refused.
 */
export type PieceState = 'comes' | 'brought' | 'there' | 'left' | 'no_equal' | 'broken' | 'failed';

export interface Piece {
  readonly kind: string;
  readonly name: string;
  readonly state: PieceState;
  /** What the part is, or why it is not imported. */
  readonly what: string;
  /** The command that continues with it; null: none is needed. */
  readonly next: string | null;
}

/** A part, and how it is imported. */
export interface Step extends Piece {
  bring?(): Promise<Partial<Pick<Piece, 'state' | 'what' | 'next'>>>;
}

export function stepOf(kind: string, name: string, state: PieceState, what: string): Step {
  return { kind, name, state, what, next: null };
}

export const importArgs = {
  'dry-run': { type: 'boolean', description: 'only show what would come' },
  ...sureArgs,
} as const;

interface Importing {
  readonly from: string;
  readonly path: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

const words: Readonly<Record<PieceState, string>> = {
  comes: 'comes:',
  brought: 'brought:',
  there: 'there already:',
  left: 'not brought:',
  no_equal: 'has no equal here:',
  broken: 'cannot be read:',
  failed: 'was refused:',
};

/** Shows the parts, asks, and carries them out in order. Returns the exit code: 1 if a part is broken or was refused. */
export async function carryOut(call: Call, steps: readonly Step[], importing: Importing): Promise<number> {
  const { out } = call;
  const { from, path, dryRun, yes } = importing;
  const coming = steps.filter(({ bring }) => bring !== undefined);
  if (!dryRun && !yes && coming.length > 0) {
    if (canAsk(call)) out.print(...linesOf(steps));
    const question = `bring ${counted(coming.length, 'piece')} of ${from}?`;
    const hint = 'see it with --dry-run, then say --yes';
    if (!(await isConfirmed(call, { yes, question, not: 'nothing was brought', hint }))) return 1;
  }
  const pieces: Piece[] = [];
  for (const step of steps) pieces.push(dryRun ? pieceOf(step) : await brought(step));
  out.outcome({ from, path, dry_run: dryRun, pieces }, () => linesOf(pieces));
  return pieces.some(({ state }) => state === 'broken' || state === 'failed') ? 1 : 0;
}

async function brought(step: Step): Promise<Piece> {
  const piece = pieceOf(step);
  if (step.bring === undefined) return piece;
  try {
    return { ...piece, state: 'brought', ...(await step.bring()) };
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code === 'interrupted' || thrown.code === 'internal') throw thrown;
    return { ...piece, state: 'failed', what: thrown.message, next: thrown.hint };
  }
}

function pieceOf({ kind, name, state, what, next }: Step): Piece {
  return { kind, name, state, what, next };
}

function linesOf(pieces: readonly Piece[]): string[] {
  if (pieces.length === 0) return ['there is nothing in it'];
  return (Object.keys(words) as PieceState[]).flatMap((state) => {
    const own = pieces.filter((piece) => piece.state === state);
    if (own.length === 0) return [];
    return [words[state], ...own.flatMap(pieceLines)];
  });
}

function pieceLines({ kind, name, what, next }: Piece): string[] {
  const [first = '', ...more] = what.split('\n').map(plain);
  const head = [kind, plain(name)].filter((word) => word !== '').join(' ');
  return [
    `  ${head}${first === '' ? '' : `: ${first}`}`,
    ...more.map((line) => `      ${line}`),
    ...(next === null ? [] : [`      next: ${plain(next)}`]),
  ];
}
