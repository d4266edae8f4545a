/** The registered repositories, each with the configuration that a person trusted. */

import type { RepoRow } from '../rows.ts';
import { type Answer, answered, type Connection, changedOne } from './connection.ts';

interface Row {
  project: string;
  path: string;
  config: string;
  added_at: number;
  trusted_at: number;
  trusted_by: string;
  revoked_at: number | null;
}

export function createRepoTable(db: Connection) {
  const insert = db.prepare(
    `INSERT INTO repos (project, path, config, added_at, trusted_at, trusted_by, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (project) DO UPDATE SET path = excluded.path, config = excluded.config, added_at = excluded.added_at,
       trusted_at = excluded.trusted_at, trusted_by = excluded.trusted_by, revoked_at = excluded.revoked_at, removed_at = NULL`,
  );
  const list = db.prepare<[], Row>(
    `SELECT project, path, config, added_at, trusted_at, trusted_by, revoked_at FROM repos
     WHERE removed_at IS NULL ORDER BY project`,
  );

  const remove = db.prepare('UPDATE repos SET removed_at = ? WHERE project = ? AND removed_at IS NULL');
  const removed = db.prepare<[], { project: string; path: string }>(
    'SELECT project, path FROM repos WHERE removed_at IS NOT NULL',
  );

  return {
    /** false: it belongs to another host. */
    insert: ({ project, path, config, addedAt, trustedAt, trustedBy, revokedAt }: RepoRow): Answer<boolean> =>
      changedOne(insert.run(project, path, JSON.stringify(config), addedAt, trustedAt, trustedBy, revokedAt)),
    list: () => answered(list.all(), (rows) => rows.map(repoOf)),
    /** Its row stays, and so do its plans: adding it again brings them back. */
    remove: (project: string, at: number) => remove.run(at, project),
    /** Removed ones, with their former paths. */
    removed: () => answered(removed.all(), (rows) => new Map(rows.map(({ project, path }) => [project, path]))),
  };
}

function repoOf(row: Row): RepoRow {
  const { project, path } = row;
  return {
    project,
    path,
    config: JSON.parse(row.config),
    addedAt: row.added_at,
    trustedAt: row.trusted_at,
    trustedBy: row.trusted_by,
    revokedAt: row.revoked_at,
  };
}
