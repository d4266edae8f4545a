/** The states of a note about a repo. The next agents get one that is taken; one that is forgotten has no text any more. */
export const noteStates = ['proposed', 'taken', 'refused', 'forgotten'] as const;
export type NoteState = (typeof noteStates)[number];

/** A note is a sentence or two. */
export const noteCharacters = 500;

/** Why a text cannot be a note; null: it can. A note is shown to people and agents, so it must not have invisible characters. */
export function noteProblem(text: string): string | null {
  if (text.trim() === '') return 'it is empty';
  if (text.length > noteCharacters) return `it has ${text.length} characters`;
  if (/[\n\r]/.test(text.trim())) return 'it has more than one line';
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text.trim()) ? 'it holds an invisible character' : null;
}
