/** How the forge of each repo was found when it was asked last. */
import type { ForgeRow } from '../rows.ts';
import type { Database } from './db.ts';

interface Row extends Omit<ForgeRow, 'plans'> {
  readonly plans: string;
}

export function createForgeTable(db: Database) {
  const note = db.prepare(
    `INSERT INTO forges (project, server, url, code, reason, hint, since, plans)
     VALUES (@project, @server, @url, @code, @reason, @hint, @since, @plans)
     ON CONFLICT (project) DO UPDATE SET server = excluded.server, url = excluded.url, code = excluded.code,
       reason = excluded.reason, hint = excluded.hint, since = excluded.since, plans = excluded.plans`,
  );
  const list = db.prepare<[], Row>(
    'SELECT project, server, url, code, reason, hint, since, plans FROM forges ORDER BY project',
  );

  return {
    note: ({ project, server, url, code, reason, hint, since, plans }: ForgeRow): void =>
      void note.run({ project, server, url, code, reason, hint, since, plans: JSON.stringify(plans) }),
    list: (): ForgeRow[] => list.all().map((row) => ({ ...row, plans: JSON.parse(row.plans) })), // written from one
  };
}
