/** A refused value as its refusal names it. Pure. */

/** `nothing`, `a list`, `-3`, `"soon"`: a text with its first 100 characters. */
export function foundText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value);
}
