/** "Did you mean": the valid word closest to the typed one, and the hints that name it. */
import { meantText } from '../../../machines/vocabulary/slips.ts';
import { fromPackage } from '../platform/at-first-use.ts';

/** Beyond three edits a suggestion is a guess. */
const editLimit = 3;
/** Fewer letters begin too many words. */
const beginningLength = 3;

/**
 * The valid word that `word` was most likely meant to be, or null where none is near: at most a third of its letters may differ, one at least,
 * three at most. Two letters that changed places count as one, case and `-` for `_` as none; among equally near words the first wins. Where no word is near,
 * it is the only one that begins with `word`.
 */
export function nearest(word: string, valid: readonly string[]): string | null {
  const { distance } = fromPackage('fastest-levenshtein') as typeof import('fastest-levenshtein');
  /** Two letters that changed places count as one. */
  const editsBetween = (one: string, other: string) => {
    const edits = distance(one, other);
    return edits === 2 && sorted(one) === sorted(other) ? 1 : edits;
  };
  const wanted = plain(word.slice(0, 256));
  let best: string | null = null;
  let bestDistance = Math.min(editLimit, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of valid) {
    const edits = editsBetween(wanted, plain(candidate));
    if (edits < bestDistance) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best ?? onlyBeginning(wanted, valid);
}

/** `--proj` is the beginning of `--project` alone; null: of no word or of several, or it is too short. */
function onlyBeginning(wanted: string, valid: readonly string[]): string | null {
  if (wanted.replace(/^_+/, '').length < beginningLength) return null;
  const [only = null, another] = valid.filter((candidate) => plain(candidate).startsWith(wanted));
  return another === undefined ? only : null;
}

/** `did you mean plan_start? `, before a hint that goes on with what is valid; empty where nothing is near. */
export function didYouMean(word: string, valid: readonly string[]): string {
  return meantText(nearest(word, valid));
}

/** `did you mean plan_start?`, or `otherwise` where nothing is near. */
export function didYouMeanOr(word: string, valid: readonly string[], otherwise: string): string {
  return didYouMean(word, valid).trimEnd() || otherwise;
}

/** `; did you mean plan_start?`, the end of a message; empty where nothing is near. `show` writes the word as its place does, such as in quotation marks. */
export function didYouMeanAfter(
  word: string,
  valid: readonly string[],
  show: (meant: string) => string = (meant) => meant,
): string {
  const meant = nearest(word, valid);
  return meant === null ? '' : `; did you mean ${show(meant)}?`;
}

function sorted(word: string): string {
  return [...word].sort().join('');
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll('-', '_');
}
