/** New entries, with the previous object for each entry that is equal, so that a comparison by identity finds the changes. */
export function takeNew<T>(before: readonly T[], after: readonly T[], idOf: (entry: T) => string): T[] {
  const known = new Map(before.map((entry) => [idOf(entry), entry]));
  return after.map((entry) => {
    const same = known.get(idOf(entry));
    return same !== undefined && JSON.stringify(same) === JSON.stringify(entry) ? same : entry;
  });
}
