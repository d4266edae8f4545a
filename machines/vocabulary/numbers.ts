/** Numbers and short lists in texts, and sums of numbers that may be unknown. */

/** `1 task`, `3 tasks`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `login, cart and 3 more`: the first `most` names; the others are counted. */
export function shortList(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** The sum of the known numbers: an unknown one is not guessed. null: none is known. */
export function sumOfKnown(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}
