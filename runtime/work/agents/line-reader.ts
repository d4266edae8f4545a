/**
 * Splits a stream with any content into lines. A line over the limit is skipped, and at most the limit is held in memory. `leftOut` gets the skipped text
 * piece by piece, and `ended` gets its length at its end.
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
