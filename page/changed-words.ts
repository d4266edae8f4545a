/** The words that differ between a line and the line that took its place. */

/** A range of characters: the first one, and the one after the last. */
export type Span = readonly [from: number, to: number];

export interface ChangedWords {
  readonly before: readonly Span[];
  readonly after: readonly Span[];
}

const word = /[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu;
/** Longer lines are not compared: the work grows with the square of their words. */
const wordsMost = 200;
/** Two lines that share a smaller part than this count as unrelated. */
const leastInCommon = 0.3;

/** null: the lines have too little in common, or are too long. */
export function changedWords(before: string, after: string): ChangedWords | null {
  const [old, fresh] = [before.match(word) ?? [], after.match(word) ?? []];
  if (old.length > wordsMost || fresh.length > wordsMost) return null;
  const kept = keptWords(old, fresh);
  const common = [...kept.before].reduce((sum, at) => sum + (old[at] ?? '').trim().length, 0);
  const longer = Math.max(before.replace(/\s/g, '').length, after.replace(/\s/g, '').length);
  if (common < longer * leastInCommon) return null;
  return { before: spansOf(old, kept.before), after: spansOf(fresh, kept.after) };
}

/** The longest common subsequence of words, by the index of each word in both lines. */
function keptWords(old: readonly string[], fresh: readonly string[]): { before: Set<number>; after: Set<number> } {
  const width = fresh.length + 1;
  /** The length of the longest common subsequence of the words from each index on. */
  const lengths = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      const [down = 0, right = 0, both = 0] = [
        lengths[(i + 1) * width + j],
        lengths[i * width + j + 1],
        lengths[(i + 1) * width + j + 1],
      ];
      lengths[i * width + j] = old[i] === fresh[j] ? both + 1 : Math.max(down, right);
    }
  const kept = { before: new Set<number>(), after: new Set<number>() };
  for (let i = 0, j = 0; i < old.length && j < fresh.length; ) {
    if (old[i] === fresh[j]) {
      kept.before.add(i++);
      kept.after.add(j++);
    } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0)) i += 1;
    else j += 1;
  }
  return kept;
}

function spansOf(words: readonly string[], kept: ReadonlySet<number>): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const [index, text] of words.entries()) {
    const end = at + text.length;
    const last = spans.at(-1);
    if (!kept.has(index)) {
      if (last?.[1] === at) spans[spans.length - 1] = [last[0], end];
      else spans.push([at, end]);
    }
    at = end;
  }
  return spans;
}
