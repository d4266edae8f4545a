/** What `npm test` draws and the soak, its short form too, takes whole. */

/** Set by the soak's configuration. */
export const isWhole = process.env.STATOR_TEST_WHOLE === '1';

/** How often a property is tried: a fifth of its runs in `npm test`, where nothing else is said. */
export function runsOf(whole: number, short = Math.ceil(whole / 5)): number {
  return isWhole ? whole : short;
}

/** So many of a list, in an order that `random` decides; in the soak all of it, as it stands. */
export function drawnUnlessWhole<T>(list: readonly T[], count: number, random: () => number): readonly T[] {
  return isWhole ? list : drawn(list, count, random);
}

/** So many of a list, in an order that `random` decides. */
export function drawn<T>(list: readonly T[], count: number, random: () => number): T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ one }) => one);
}
