/** A word as a shell takes it, for every command that is shown to be pasted: paths and names are of others, and may hold anything. */
export function shellWord(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
