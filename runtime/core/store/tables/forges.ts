/** The state of the forge of each repo at the last request. */
import type { ForgeRow } from '../rows.ts';
import { answered, type Connection } from './connection.ts';

interface Row extends Omit<ForgeRow, 'plans'> {
  readonly plans: string;
}

export function createForgeTable(db: Connection) {
  const note = db.prepare(
    `INSERT INTO forges (project, server, url, code, reason, hint, since, plans)
     VALUES (@project, @server, @url, @code, @reason, @hint, @since, @plans)
     ON CONFLICT (project) DO UPDATE SET server = excluded.server, url = excluded.url, code = excluded.code,
       reason = excluded.reason, hint = excluded.hint, since = excluded.since, plans = excluded.plans`,
  );
  const list = db.prepare<[], Row>(
    'SELECT project, server, url, code, reason, hint, since, plans FROM forges ORDER BY project',
  );
  const forget = db.prepare<[string]>('DELETE FROM forges WHERE project = ?');

  return {
    forget: (project: string) => forget.run(project),
    note: ({ project, server, url, code, reason, hint, since, plans }: ForgeRow) =>
      note.run({ project, server, url, code, reason, hint, since, plans: JSON.stringify(plans) }),
    list: () => answered(list.all(), (rows) => rows.map((row): ForgeRow => ({ ...row, plans: JSON.parse(row.plans) }))), // written from one
  };
}
