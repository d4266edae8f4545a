/** What a person reads of the permission that an agent asks for, whichever way it asks. Pure. */

/** The most characters of its details that the asking program sends. */
export const permissionDetailLimit = 12_000;

/** A shell command unchanged, anything else as JSON. */
export function toolInputText(input: Readonly<Record<string, unknown>>): string {
  const { command, ...rest } = input;
  if (typeof command !== 'string') return JSON.stringify(input, null, 2);
  return [command, ...(Object.keys(rest).length === 0 ? [] : [JSON.stringify(rest)])].join('\n');
}

/** The first `length` characters of a text, with how many are left out. A cut may leave half of a character, which the engine refuses. */
export function cutWithNote(text: string, length: number): string {
  const more = text.length - length;
  const shown = more <= 0 ? text : `${text.slice(0, length)}\n… and ${more} more characters, which are not shown`;
  return shown.toWellFormed();
}
