/**
 * A block of lines at the bottom of a terminal that is redrawn in place, and plain lines that scroll above it. One write per picture and never
 * a cleared screen, so nothing flickers.
 */
import type { Stream } from '../output.ts';
import { widthOf } from '../text.ts';

export interface Screen {
  /** Plain lines above the block, and the block as it is now. */
  draw(above: readonly string[], block: readonly string[]): void;
  /** Gives the cursor back, below the block or where it was; may be called twice. */
  close(options: { keepsBlock: boolean }): void;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearToLineEnd = '\x1b[K';
const clearBelow = '\x1b[J';
const escapes = /\x1b\[[\d;?]*[A-Za-z]/g;

export function createScreen(stream: Stream): Screen {
  let block: readonly string[] = [];
  let isHidden = false;

  /** Back to the block's first line. A terminal that became narrower has broken its lines: they take more rows than there are lines. */
  function toStart(): string {
    const columns = stream.columns ?? 80;
    const rows = block.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line.replace(escapes, '')) / columns)),
      0,
    );
    return rows === 0 ? '\r' : `\x1b[${rows}A\r`;
  }

  const giveBack = () => {
    if (isHidden) stream.write(showCursor);
    isHidden = false;
  };
  // Whatever ends the process: a terminal without a cursor is of no use.
  process.once('exit', giveBack);

  return {
    draw(above, next) {
      const lines = [...above, ...next].map((line) => `${line}${clearToLineEnd}\n`);
      stream.write(`${isHidden ? '' : hideCursor}${toStart()}${lines.join('')}${clearBelow}`);
      isHidden = true;
      block = next;
    },
    close({ keepsBlock }) {
      if (block.length > 0 && !keepsBlock) stream.write(`${toStart()}${clearBelow}`);
      block = [];
      giveBack();
      process.removeListener('exit', giveBack);
    },
  };
}
