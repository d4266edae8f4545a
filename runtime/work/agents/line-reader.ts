/**
 * Whole lines of a stream that may hold anything. A line over the limit is left out; no more than the limit is kept. `leftOut` is given what was left out,
 * piece by piece, and `ended` how long it was, once its end has come.
 */
export function createLineReader(
  limitBytes: number,
  take: (line: string) => void,
  leftOut: (piece: Buffer) => void = () => {},
  ended: (sizeBytes: number) => void = () => {},
): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  return (chunk) => {
    let start = 0;
    for (;;) {
      const at = chunk.indexOf(0x0a, start);
      const piece = chunk.subarray(start, at < 0 ? chunk.length : at);
      sizeBytes += piece.length;
      parts.push(piece);
      if (sizeBytes > limitBytes) {
        for (const part of parts) leftOut(part);
        parts = [];
      }
      if (at < 0) return;
      if (sizeBytes <= limitBytes) take(Buffer.concat(parts).toString('utf8'));
      else ended(sizeBytes);
      parts = [];
      sizeBytes = 0;
      start = at + 1;
    }
  };
}
