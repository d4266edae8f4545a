/** Notes about repos, by agents and people. */
import type { ChangeOf } from '../port.ts';
import type { NoteRow } from '../rows.ts';
import { type Answer, type Connection, changedOne, orNull } from './connection.ts';

const columns =
  'id, project, text, state, author, plan, task, run, at, decided_at AS "decidedAt", decided_by AS "decidedBy"';

export function createNoteTable(db: Connection) {
  const add = db.prepare(
    `INSERT INTO notes (project, text, state, author, plan, task, run, at, decided_at, decided_by)
     VALUES (@project, @text, @state, @author, @plan, @task, @run, @at, @decidedAt, @decidedBy)
     ON CONFLICT (project, text) WHERE state <> 'forgotten' DO NOTHING`,
  );
  const decide = db.prepare(
    `UPDATE notes SET state = @state, decided_at = @at, decided_by = @by, text = CASE @state WHEN 'forgotten' THEN '' ELSE text END
     WHERE id = @id AND state IN (SELECT value FROM json_each(@from))`,
  );
  const one = db.prepare<[string, number], NoteRow>(`SELECT ${columns} FROM notes WHERE project = ? AND id = ?`);
  const list = db.prepare<[{ project: string | null }], NoteRow>(
    `SELECT ${columns} FROM notes
     WHERE state <> 'forgotten' AND (CAST(@project AS TEXT) IS NULL OR project = @project) ORDER BY id`,
  );

  return {
    add: ({
      project,
      text,
      state,
      author,
      plan,
      task,
      run,
      at,
      decidedAt,
      decidedBy,
    }: Omit<ChangeOf<'note.add'>, 'do'>) =>
      changedOne(add.run({ project, text, state, author, plan, task, run, at, decidedAt, decidedBy })),
    decide: ({ id, from, state, at, by }: Omit<ChangeOf<'note.decide'>, 'do'>): Answer<boolean> =>
      changedOne(decide.run({ id, state, at, by, from: JSON.stringify(from) })),
    read: (project: string, id: number) => orNull(one.get(project, id)),
    list: (project: string | null) => list.all({ project }),
  };
}
