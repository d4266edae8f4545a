/** Numbers in texts, and sums of numbers that may be unknown. */

/** `1 task`, `3 tasks`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The sum of the known numbers: an unknown one is not guessed. null: none is known. */
export function sumOfKnown(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}
