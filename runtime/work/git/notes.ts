/** Reports repairs by git commands to the log of the caller, however deep in its calls the command runs. */
import { AsyncLocalStorage } from 'node:async_hooks';

type Note = (text: string) => void;

const notes = new AsyncLocalStorage<Note>();

/** Runs `work`; `note` gets a line for each repair meanwhile. */
export function withNotes<T>(note: Note, work: () => T): T {
  return notes.run(note, work);
}

export function noteMended(text: string): void {
  notes.getStore()?.(text);
}
