/** Notes about repos. */
import { z } from 'zod';
import { noteStates } from '../../../machines/vocabulary/note.ts';
import { time } from './shared-shapes.ts';

export const noteEntry = z
  .object({
    id: z.int(),
    project: z.string(),
    text: z.string(),
    /** The next agents get those that are `taken`. One that is `refused` cannot be proposed again. */
    state: z.enum(noteStates),
    /** `person`, `person:<name>` or `agent:<title>`. */
    author: z.string(),
    /** Where an agent wrote it: its plan, its task (`w1-t2`) and its run. */
    plan: z.string().nullable(),
    task: z.string().nullable(),
    run: z.string().nullable(),
    at: time,
    /** When it was taken or refused, and by whom: a person, or `rule`. */
    decided_at: time.nullable(),
    decided_by: z.string().nullable(),
  })
  .meta({ id: 'Note' });
/** What someone learnt about a repo. */
export type NoteEntry = z.infer<typeof noteEntry>;

export const noteKept = noteEntry
  .extend({
    /** The file of the repo that has the taken notes. */
    file: z.string(),
    /** Why that file was not written; null: it has them. */
    file_problem: z.string().nullable(),
  })
  .meta({ id: 'NoteKept' });
/** A note after it was changed, and how the file that has the notes was changed. */
export type NoteKept = z.infer<typeof noteKept>;
