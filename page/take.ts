/** What was read anew, with the very entries of before where they say the same: so it is seen at once what has changed. */
export function takeNew<T>(before: readonly T[], after: readonly T[], idOf: (entry: T) => string): T[] {
  const known = new Map(before.map((entry) => [idOf(entry), entry]));
  return after.map((entry) => {
    const same = known.get(idOf(entry));
    return same !== undefined && JSON.stringify(same) === JSON.stringify(entry) ? same : entry;
  });
}
