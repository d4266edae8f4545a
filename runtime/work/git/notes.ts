/** What git commands mend on their way is said to the log of whoever asked for the command, however deep below it stands. */
import { AsyncLocalStorage } from 'node:async_hooks';

type Note = (text: string) => void;

const notes = new AsyncLocalStorage<Note>();

/** Runs `work`; what is mended meanwhile is said by `note`. */
export function withNotes<T>(note: Note, work: () => T): T {
  return notes.run(note, work);
}

export function noteMended(text: string): void {
  notes.getStore()?.(text);
}
