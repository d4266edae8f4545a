/** Hints for a name that does not exist. */

/** Letters to add, drop, replace or swap with their neighbour; 3 means 3 or more. */
export function slips(word: string, other: string): number {
  if (Math.abs(word.length - other.length) > 2) return 3;
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= word.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = word[i - 1] === other[j - 1];
      const edits = [cell(row, j) + 1, cell(next, j - 1) + 1, cell(row, j - 1) + (isSame ? 0 : 1)];
      if (i > 1 && j > 1 && word[i - 1] === other[j - 2] && word[i - 2] === other[j - 1])
        edits.push(cell(before, j - 2) + 1);
      next.push(Math.min(...edits));
    }
    before = row;
    row = next;
  }
  return Math.min(3, cell(row, other.length));
}

/** The start of a hint that goes on with what is valid: `did you mean plan_start? `. Empty if `near` is null: no valid word is near. */
export function meantText(near: string | null): string {
  return near === null ? '' : `did you mean ${near}? `;
}

/** The existing names, as a hint. */
export function namesThere(names: readonly string[]): string {
  const [only = 'none'] = names;
  return names.length === 1 ? `there is only ${only}` : `there are ${names.join(', ') || only}`;
}

function cell(row: readonly number[], at: number): number {
  return row[at] ?? 3;
}
