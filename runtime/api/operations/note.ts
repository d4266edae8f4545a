/** Notes about a repo: what agents and people learnt, which a person or a rule gives to the next agents. */
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { taskName, taskOfTitle } from '../../../machines/vocabulary/ids.ts';
import { noteCharacters, noteProblem, noteStates } from '../../../machines/vocabulary/note.ts';
import { later } from '../../base/platform/later.ts';
import type { NoteRow } from '../../core/store/rows.ts';
import type { OperationParts } from '../commands/commands.ts';
import type { NoteEntry, NoteKept } from '../contract/notes.ts';
import { answerOf, listOf, operationWith, type Schemas, type Sender } from './operation.ts';

const operation = operationWith<OperationParts>();

const loadTimeText = later(() => import('../queries/time-text.ts'));
const loadFile = later(() => import('../../work/repos/notes-file.ts'));

/** The most notes of a repo: more than a person reads, or an agent is given. */
const maxPerRepo = 1_000;
/** The most notes that a run may propose: an agent with more of them is not selective. */
const maxPerRun = 10;

const ofText = ({ z }: Schemas) => ({
  text: z
    .string()
    .min(1)
    .max(noteCharacters)
    .refine((text) => noteProblem(text) === null, {
      error: ({ input }) =>
        `is no note: ${noteProblem(String(input))}; one line of at most ${noteCharacters} characters is`,
    }),
});
const which = ({ name, digits }: Schemas) => ({ project: name, id: digits });
const idArg = { type: 'positional', description: 'its number', number: 'the number of a note' } as const;
const errors = ['not_found', 'repo_not_found'] as const;
const kept = answerOf<NoteKept>(({ shapes }) => shapes.noteKept);

export const noteOperations = {
  notes: operation({
    http: 'GET /v1/notes',
    does: 'the notes about repos, the oldest first',
    who: 'anyone',
    input: ({ z, line }) => ({ project: line(255).optional(), state: z.enum(noteStates).optional() }),
    answer: listOf<NoteEntry>(({ shapes }) => shapes.noteEntry),
    async run({ store }, { project, state }) {
      const { timeText } = await loadTimeText();
      const rows = await store.notes({ project });
      return rows.filter((row) => state === undefined || row.state === state).map((row) => entryOf(row, timeText));
    },
    verb: {
      name: 'list',
      listed: 'list the notes about this repo; show one',
      summary: 'List the notes about this repo; outside of a repo, and with --all, of all repos.',
      args: {
        state: {
          type: 'string',
          valueHint: 'state',
          description: 'proposed, taken or refused',
          oneOf: { values: noteStates.slice(0, 3), called: 'state of a note' },
        },
      },
      takesAll: true,
      examples: ['stator note list', 'stator note list --state proposed --json'],
    },
  }),
  noteShown: operation({
    http: 'GET /v1/repos/:project/notes/:id',
    does: 'one note, with where it comes from',
    who: 'anyone',
    input: which,
    answer: answerOf<NoteEntry>(({ shapes }) => shapes.noteEntry),
    errors,
    async run(parts, { project, id }) {
      const { timeText } = await loadTimeText();
      return entryOf(await mustFind(parts, project, id), timeText);
    },
    verb: {
      name: 'show',
      listed: { with: 'list' },
      summary: 'Show one note, with its plan, its task, its agent and its run.',
      args: { id: idArg },
      examples: ['stator note show 3'],
    },
  }),
  addNote: operation({
    http: 'POST /v1/repos/:project/notes',
    does: 'a person notes something for the next agents of a repo',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ project: schemas.name, ...ofText(schemas) }),
    answer: kept,
    errors: ['repo_not_found', 'limit_reached'],
    run: (parts, { project, text }) => add(parts, { project, text, plan: null, sender: null }),
  }),
  proposeNote: operation({
    http: 'POST /v1/repos/:project/plans/:plan/notes',
    does: 'an agent proposes a note for the next agents of its repo; a person’s is taken at once',
    // The same text is not noted twice, and the answers to a run are not stored: nothing limits how many it asks for.
    again: 'free',
    who: 'own',
    inRuns: true,
    input: (schemas) => ({ project: schemas.name, plan: schemas.name, ...ofText(schemas) }),
    answer: kept,
    errors: ['unauthorized', 'not_allowed', 'repo_not_found', 'limit_reached'],
    run: (parts, asked, sender) => add(parts, { ...asked, sender }),
  }),
  takeNote: operation({
    http: 'POST /v1/repos/:project/notes/:id/take',
    does: 'gives a note to the next agents, and writes it into the repo; also one that was refused',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: which,
    answer: kept,
    errors,
    run: (parts, asked) => decide(parts, asked, { from: ['proposed', 'refused'], to: 'taken' }),
    verb: {
      name: 'take',
      listed: 'give a note to the next agents; refuse one',
      summary: 'Give notes to the next agents, and write them into the file of the repo.',
      args: { id: idArg },
      repeats: 'id',
      examples: ['stator note take 3', 'stator note take 3 4 7'],
      more: 'The same command again writes the file again.',
    },
  }),
  refuseNote: operation({
    http: 'POST /v1/repos/:project/notes/:id/refuse',
    does: 'gives a note to no agent; it cannot be proposed again',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: which,
    answer: kept,
    errors,
    run: (parts, asked) => decide(parts, asked, { from: ['proposed', 'taken'], to: 'refused' }),
    verb: {
      name: 'refuse',
      listed: { with: 'take' },
      summary: 'Give notes to no agent. The same text cannot be proposed again.',
      args: { id: idArg },
      repeats: 'id',
      examples: ['stator note refuse 4'],
    },
  }),
  forgetNote: operation({
    http: 'DELETE /v1/repos/:project/notes/:id',
    does: 'deletes the text of a note, here and in the file of the repo',
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: which,
    answer: kept,
    errors,
    run: (parts, asked) => decide(parts, asked, { from: ['proposed', 'taken', 'refused'], to: 'forgotten' }),
    verb: {
      name: 'forget',
      listed: 'delete a note',
      summary: 'Delete the text of notes, here and in the file of the repo.',
      args: { id: idArg },
      repeats: 'id',
      examples: ['stator note forget 3'],
    },
  }),
};

interface Adding {
  readonly project: string;
  readonly plan: string | null;
  readonly text: string;
  /** null: a person. */
  readonly sender: Sender | null;
}

/** An existing text is not added again: the answer is the note that has it. Throws `repo_not_found`, `limit_reached`. */
async function add(parts: OperationParts, { project, plan, text: said, sender }: Adding): Promise<NoteKept> {
  const { store, projects, clock } = parts;
  const { take } = projects.get(project).config.noteRules;
  const text = said.trim().normalize('NFC');
  const rows = await store.notes({ project });
  const same = rows.find((row) => row.text === text);
  if (same !== undefined) return keep(parts, same);
  const run = sender?.run ?? null;
  refuseTooMany(rows, { project, plan, run });
  const author = run === null ? parts.actingOrigin('person') : (sender?.origin ?? 'person');
  const decidedBy = run === null ? author : take === 'rule' ? 'rule' : null;
  const at = clock.nowMs();
  const note = {
    ...{ project, text, author, run, at, decidedBy },
    plan: run === null ? null : plan,
    task: run === null || plan === null ? null : taskOf(author, plan),
    state: decidedBy === null ? ('proposed' as const) : ('taken' as const),
    decidedAt: decidedBy === null ? null : at,
  };
  const message = `${author} proposes a note for the next agents: ${text}; decide with: stator note list`;
  await store.commit([
    { do: 'note.add', ...note },
    ...(note.state === 'taken'
      ? []
      : [{ do: 'notification.insert', type: 'note_proposed', project, plan: plan ?? '', message, at } as const]),
  ]);
  // Another request may have added the same text meanwhile.
  const added = (await store.notes({ project })).find((row) => row.text === text);
  if (added === undefined) throw new Error(`the note of ${author} for ${project} is gone`);
  return keep(parts, added);
}

function refuseTooMany(
  rows: readonly NoteRow[],
  { project, plan, run }: { readonly project: string; readonly plan: string | null; readonly run: string | null },
): void {
  if (rows.length >= maxPerRepo)
    throw new EngineError(
      'limit_reached',
      `${project} has ${rows.length} notes, the most that are kept`,
      'a person forgets some first: stator note list, then stator note forget <id>',
    );
  const own = run === null ? 0 : rows.filter((row) => row.plan === plan && row.run === run).length;
  if (own >= maxPerRun)
    throw new EngineError(
      'limit_reached',
      `this run has proposed ${own} notes, the most that one may`,
      'keep to what later agents must know and no file says',
    );
}

/** `w1-t2`, from the title of that task's agent; null: it worked on no task alone. */
function taskOf(author: string, plan: string): string | null {
  const title = author.replace(/^agent:/, '');
  const found = taskOfTitle(plan, title);
  return found === null ? null : taskName(found.wave, found.task);
}

interface Deciding {
  readonly from: readonly NoteRow['state'][];
  readonly to: Exclude<NoteRow['state'], 'proposed'>;
}

/** Repeating it changes only the file. Throws `not_found`, `repo_not_found`. */
async function decide(
  parts: OperationParts,
  { project, id }: { readonly project: string; readonly id: number },
  { from, to }: Deciding,
): Promise<NoteKept> {
  const { store, clock } = parts;
  const found = await mustFind(parts, project, id, { orForgotten: to === 'forgotten' });
  const isNews = from.includes(found.state);
  const by = parts.actingOrigin('person');
  if (isNews) await store.commit([{ do: 'note.decide', id, from, state: to, at: clock.nowMs(), by }]);
  const now = await store.note(project, id);
  return keep(parts, now ?? found);
}

/** Throws `not_found`, `repo_not_found`. */
async function mustFind(
  { store, projects }: Pick<OperationParts, 'store' | 'projects'>,
  project: string,
  id: number,
  { orForgotten = false }: { readonly orForgotten?: boolean } = {},
): Promise<NoteRow> {
  projects.get(project);
  const row = await store.note(project, id);
  if (row !== null && (orForgotten || row.state !== 'forgotten')) return row;
  throw new EngineError(
    'not_found',
    row === null ? `${project} has no note ${id}` : `note ${id} of ${project} was forgotten`,
    'list them with: stator note list',
  );
}

/** The note in its present state, after the file has all taken notes. */
async function keep({ store, projects }: OperationParts, row: NoteRow): Promise<NoteKept> {
  const { path, config } = projects.get(row.project);
  const { file } = config.noteRules;
  const [{ timeText }, { writeNotesFile }] = await Promise.all([loadTimeText(), loadFile()]);
  const taken = (await store.notes({ project: row.project })).filter(({ state }) => state === 'taken');
  // A proposal does not change the file.
  const problem = row.state === 'proposed' ? null : problemOf(() => writeNotesFile(path, file, taken));
  return { ...entryOf(row, timeText), file, file_problem: problem };
}

/** The notes are in the store even if the file cannot be written. */
function problemOf(write: () => void): string | null {
  try {
    write();
    return null;
  } catch (thrown) {
    return thrown instanceof EngineError ? `${thrown.message}; ${thrown.hint}` : messageOf(thrown);
  }
}

function entryOf(row: NoteRow, timeText: (atMs: number) => string): NoteEntry {
  const { decidedAt, decidedBy, at, ...rest } = row;
  const decided = decidedAt === null ? null : timeText(decidedAt);
  return { ...rest, at: timeText(at), decided_at: decided, decided_by: decidedBy };
}
