/**
 * A block of lines at the bottom of a terminal that is redrawn in place, below plain lines that scroll. Each picture is one write, and the screen is
 * cleared only after a resize, so nothing flickers.
 */
import { colouredText } from '../../runtime/base/platform/terminal-text.ts';
import { type Stream, sizeOf } from '../output.ts';
import { cut, widthOf } from '../text.ts';

export interface Screen {
  /** Prints plain lines above the block, and redraws the block. */
  draw(above: readonly string[], block: readonly string[]): void;
  /** Shows the cursor again, below the block or where the block began; may be called twice. */
  close(options: { keepsBlock: boolean }): void;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearToLineEnd = '\x1b[K';
const clearBelow = '\x1b[J';
const toTop = '\x1b[H';
/** No terminal is taller. */
const linesKept = 200;
const escapes = /\x1b\[[\d;?]*[A-Za-z]/g;

export function createScreen(stream: Stream): Screen {
  let block: readonly string[] = [];
  let isHidden = false;
  let size = sizeOf(stream);
  /** The last plain lines above the block. */
  let printed: readonly string[] = [];

  /** Moves to the block's first line. A terminal that became narrower has wrapped its lines: they take more rows than there are lines. */
  function toStart(): string {
    const columns = sizeOf(stream).width;
    const rows = block.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line.replace(escapes, '')) / columns)),
      0,
    );
    return rows === 0 ? '\r' : `\x1b[${rows}A\r`;
  }

  /** The result of a resize (lines broken, cut, scrolled away, pulled back) differs between terminals, so the whole visible part is drawn again. */
  function afresh(next: readonly string[]): string {
    const { width, height } = size;
    const room = Math.max(0, height - 1 - next.length);
    const above = room === 0 ? [] : printed.slice(-room).map((line) => cut(line, width));
    return `${toTop}${clearBelow}${linesOf([...above, ...next])}`;
  }

  function isResized(): boolean {
    const now = sizeOf(stream);
    const isSame = now.width === size.width && now.height === size.height;
    size = now;
    return !isSame && isHidden;
  }

  const giveBack = () => {
    if (isHidden) stream.write(showCursor);
    isHidden = false;
  };
  // However the process ends: a terminal without a cursor is unusable.
  process.once('exit', giveBack);

  return {
    draw(above, next) {
      printed = [...printed, ...above].slice(-linesKept);
      const picture = isResized() ? afresh(next) : `${toStart()}${linesOf([...above, ...next])}`;
      stream.write(`${isHidden ? '' : hideCursor}${picture}${clearBelow}`);
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

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${colouredText(line)}${clearToLineEnd}\n`).join('');
}
