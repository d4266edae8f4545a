/** The common parts of trackers' answers. Texts are cut, so that the size of a row is bounded. */
import { z } from 'zod';
import { word } from '../../forges/forge-shapes.ts';
import type { Author } from '../tracker.ts';

/** An account; a deleted one has no name, and no rights. */
export const account = z
  .object({ id: z.union([z.number(), z.string()]).nullish(), login: word.nullish(), username: word.nullish() })
  .nullish()
  .transform((who): Author => ({ name: who?.login ?? who?.username ?? '', id: String(who?.id ?? '') }));

/** A time as ISO 8601, in milliseconds. */
export const time = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: 'custom', message: 'a time as ISO 8601' });
  return z.NEVER;
});

/** Each account once. */
export function uniqueAuthors(authors: readonly Author[]): Author[] {
  return [...new Map(authors.map((who) => [who.id, who])).values()];
}

/** Services that show a comment of HTML, or drop it, get the key of a transition as a line of the text. */
export function withVisibleKey(text: string): string {
  return text.replace(/<!-- (stator:\S+) -->/, '$1');
}
