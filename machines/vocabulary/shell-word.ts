/** A word as a shell takes it, for every command that is shown to be pasted: paths and names come from others, and may hold anything. */
export function shellWord(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
