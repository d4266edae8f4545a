/** Sizes of memory as people write them in a configuration: one whole number and one unit, powers of 1024. */

const unitBytes = { MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;
type Unit = keyof typeof unitBytes;

/** `"512MiB" "4GiB" "1TiB"` in bytes, or null for any other text. Six digits at most, so the result is a safe integer up to 8191 TiB. */
export function sizeBytes(text: string): number | null {
  const [, count, unit] = /^(\d{1,6}) ?(MiB|GiB|TiB)$/.exec(text.trim()) ?? [];
  if (count === undefined || unit === undefined) return null;
  const bytes = Number(count) * unitBytes[unit as Unit]; // the pattern lets only units of the table through
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** As the files write it: the largest unit that it is a whole number of. A size beyond any file is given in bytes. */
export function sizeText(bytes: number, between = ''): string {
  const units = Object.entries(unitBytes).toReversed();
  const found = units.find(([, size]) => bytes > 0 && bytes % size === 0);
  return found === undefined ? `${bytes} bytes` : `${bytes / found[1]}${between}${found[0]}`;
}
