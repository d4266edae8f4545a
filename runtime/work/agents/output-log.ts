/** The output of an agent: a bounded file and its end. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { lastText } from '../../base/platform/log-tail.ts';
import type { RunFolder } from './run-folder.ts';

/** A run keeps this much twice, `log` and `log.1`; an agent that prints without end must not fill the disk. */
export const LOG_LIMIT_BYTES = 64 * 1024 * 1024;
export const TAIL_BYTES = 64 * 1024;

/** More than this is copied without blocking the engine; less takes a fraction of a millisecond. */
const LAST_COPY_BYTES = 256 * 1024;
/** The most rounds, because an agent may write faster than we copy. */
const MAX_COPIES = 8;

/**
 * Moves a log over its limit to `log.1` (its last `limitBytes`, and new output meanwhile) and empties it; returns whether it did. The agent holds the file
 * open, so the log is copied and truncated; the agent appends, so it continues at the new end. Of an agent that writes faster than this copies, the copy has at
 * most twice the limit. The last copy and the truncation follow each other in one
 * turn; output in the microseconds between them is lost. Between two calls the log may grow past it.
 */
export async function rotateLog(folder: RunFolder, limitBytes: number = LOG_LIMIT_BYTES): Promise<boolean> {
  const size = sizeOf(folder.log);
  if (size <= limitBytes) return false;
  const fresh = `${folder.olderLog}.new`;
  rmSync(fresh, { force: true }); // left by an engine that was killed here
  let start = size - limitBytes;
  let copiedFrom = start;
  for (let copies = 0; copies < MAX_COPIES && sizeOf(folder.log) - start > LAST_COPY_BYTES; copies++) {
    const end = sizeOf(folder.log);
    if (end - copiedFrom > 2 * limitBytes) {
      rmSync(fresh, { force: true });
      copiedFrom = end - limitBytes;
      start = copiedFrom;
    }
    await copyRange({ from: folder.log, to: fresh, start, end });
    start = end;
  }
  moveRest(folder, { fresh, start });
  return true;
}

/** The last bytes of the output as text, reaching back into `log.1` after a rotation. Control characters stay. */
export function tailOf(folder: RunFolder, bytes: number = TAIL_BYTES): string {
  return lastText(folder.log, bytes);
}

interface Range {
  readonly from: string;
  readonly to: string;
  readonly start: number;
  /** The first byte not copied. */
  readonly end: number;
}

async function copyRange({ from, to, start, end }: Range): Promise<void> {
  await pipeline(createReadStream(from, { start, end: end - 1 }), createWriteStream(to, { flags: 'a', mode: 0o600 }));
}

/** In one turn. The rename comes before the truncation: after a kill in between, the text is in both files; in the other order it would be in neither. */
function moveRest(folder: RunFolder, { fresh, start }: { fresh: string; start: number }): void {
  const source = openSync(folder.log, 'r+');
  const target = openSync(fresh, 'a', 0o600);
  try {
    const chunk = Buffer.alloc(LAST_COPY_BYTES);
    let position = start;
    const copyNew = () => {
      const read = readSync(source, chunk, 0, chunk.length, position);
      if (read > 0) writeSync(target, chunk, 0, read);
      position += read;
    };
    copyNew();
    renameSync(fresh, folder.olderLog);
    copyNew(); // output during the copy and the rename
    ftruncateSync(source, 0);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
