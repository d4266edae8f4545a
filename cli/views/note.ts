/** Notes about a repo, as a person reads them: their texts are those of agents. */
import { clockTime } from '../../machines/vocabulary/time-text.ts';
import type { NoteEntry, NoteKept } from '../../runtime/api/client/client.ts';
import type { noteOperations } from '../../runtime/api/operations/note.ts';
import type { View } from '../operation-verb.ts';
import { plain } from '../text.ts';

const notes: View<NoteEntry[]> = {
  list: {
    headings: ['note', 'state', 'repo', 'by', 'text'],
    row: ({ id, state, project, author, text }) => [
      String(id),
      { text: state, tone: state === 'proposed' ? 'bad' : 'plain' },
      plain(project),
      plain(author),
      plain(text),
    ],
    empty: 'no notes; one is added with: stator note add "one sentence"',
  },
};

const noteShown: View<NoteEntry> = {
  fields: (entry) => [
    ['note', String(entry.id)],
    ['text', plain(entry.text)],
    ['state', stateText(entry)],
    ['by', plain(entry.author)],
    ['plan', entry.plan === null ? null : `${plain(entry.project)}/${plain(entry.plan)}`],
    ['task', entry.task],
    ['run', entry.run],
    ['noted', clockTime(entry.at)],
  ],
};

function stateText({ id, state, decided_at: at, decided_by: by }: NoteEntry): string {
  if (at === null || by === null) return `${state}: stator note take ${id}, or stator note refuse ${id}, decides`;
  return `${state} by ${plain(by)}, ${clockTime(at)}`;
}

/** The outcome for one note, or for several, one line each. */
export function keptLines(answer: NoteKept | readonly NoteKept[]): string[] {
  return listOf(answer).map(doneText);
}

/** Why the file was not written; empty if it was. */
export function fileProblems(answer: NoteKept | readonly NoteKept[]): string[] {
  const problems = listOf(answer).flatMap(({ file, file_problem: why }) =>
    why === null ? [] : [`${file} was not written: ${plain(why)}`],
  );
  return [...new Set(problems)];
}

const kept: View<NoteKept | readonly NoteKept[]> = { done: keptLines, notes: fileProblems };

function listOf(answer: NoteKept | readonly NoteKept[]): readonly NoteKept[] {
  return 'id' in answer ? [answer] : answer;
}

function doneText({ id, state, file, file_problem: problem }: NoteKept): string {
  switch (state) {
    case 'proposed':
      return `note ${id} is proposed: a person takes or refuses it`;
    case 'taken':
      return `note ${id} is taken: the next agents get it${problem === null ? `, and it is in ${file}` : ''}`;
    case 'refused':
      return `note ${id} is refused: no agent gets it`;
    case 'forgotten':
      return `note ${id} is forgotten`;
    default:
      return state satisfies never;
  }
}

export default { notes, noteShown, takeNote: kept, refuseNote: kept, forgetNote: kept } satisfies Partial<
  Record<keyof typeof noteOperations, View<never>>
>;
