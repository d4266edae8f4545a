/** Draws a part of a list in `npm test`; the soak, even its short form, takes all of it. */

/** Set by the soak's configuration. */
export const isWhole = process.env.STATOR_TEST_WHOLE === '1';

/** The number of runs of a property: by default a fifth in `npm test`. */
export function runsOf(whole: number, short = Math.ceil(whole / 5)): number {
  return isWhole ? whole : short;
}

/** Draws that many entries of a list in an order that `random` decides; in the soak it returns the whole list in its own order. */
export function drawnUnlessWhole<T>(list: readonly T[], count: number, random: () => number): readonly T[] {
  return isWhole ? list : drawn(list, count, random);
}

/** Draws that many entries of a list in an order that `random` decides. */
export function drawn<T>(list: readonly T[], count: number, random: () => number): T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ one }) => one);
}
