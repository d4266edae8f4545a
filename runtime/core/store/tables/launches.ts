/**
 * Agents and checks that were started as separate processes: the folder of each, and the progress of its start. The folder holds what the
 * processes write; this table knows whether there are any, so a folder that is gone, or that another store made, starts nothing a second time.
 */

import { planTree } from '../../../../machines/vocabulary/ids.ts';
import type { ChangeOf } from '../port.ts';
import { type LaunchRow, type LaunchTrace, type RunRow, restoredKey } from '../rows.ts';
import { type Connection, orNull } from './connection.ts';
import { createExpiry } from './expiry.ts';

/** The key of the effect that a launch belongs to, if that effect exists. A check adds `/check-<number>` to the key of its effect, a command hook `/<number>` of its try. */
function effectOf(table: string): string {
  const stem = `rtrim(${table}.key, '0123456789')`;
  const added = (end: string) =>
    `(SELECT o.key FROM effects o WHERE ${stem} LIKE '%${end}' AND o.key = substr(${stem}, 1, length(${stem}) - ${end.length}))`;
  return `coalesce((SELECT o.key FROM effects o WHERE o.key = ${table}.key), ${added('/check-')}, ${added('/')})`;
}

export function createLaunchTable(db: Connection) {
  const read = db.prepare<[string], LaunchRow>(
    'SELECT key, folder, secret, launched_at, wrapper, base FROM launches WHERE key = ?',
  );
  const name = db.prepare(
    `INSERT INTO launches (key, folder, secret, launched_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET folder = excluded.folder, secret = excluded.secret, launched_at = excluded.launched_at WHERE launches.launched_at IS NULL`,
  );
  const note = db.prepare(
    'UPDATE launches SET launched_at = coalesce(launched_at, ?), wrapper = coalesce(wrapper, ?), base = coalesce(base, ?) WHERE key = ?',
  );
  const ofFolders = db.prepare<[string], LaunchTrace>(
    `SELECT l.key, l.folder, e.status, coalesce(e.finished_at, CASE WHEN l.key LIKE '${restoredKey('%')}' THEN l.launched_at END) AS "finishedAt" FROM launches l LEFT JOIN effects e ON e.key = ${effectOf('l')}
     WHERE l.folder IN (SELECT value FROM json_each(?)) ORDER BY l.key`,
  );
  const ofChecks = db.prepare<[string, string], LaunchRow>(
    `SELECT l.key, l.folder, l.secret, l.launched_at, l.wrapper, l.base FROM effects e
     JOIN launches l ON l.key > e.key || '/check-' AND l.key < e.key || '/check.'
     WHERE e.tree = ? AND e.kind = 'work.check' AND json_extract(e.payload, '$.run') = ? ORDER BY e.id, length(l.key), l.key`,
  );
  const expiry = createExpiry(db, {
    name: 'launches',
    number: 'rowid',
    where: `${effectOf('launches')} IS NULL AND launches.key NOT LIKE '${restoredKey('%')}'`,
    statements: ['DELETE FROM launches WHERE <these>'],
  });
  const remove = db.prepare('DELETE FROM launches WHERE key = ?');

  return {
    expiry,
    ofFolders: (folders: readonly string[]) => ofFolders.all(JSON.stringify(folders)),
    checksOf: ({ project, plan, run }: Pick<RunRow, 'project' | 'plan' | 'run'>) =>
      ofChecks.all(planTree(project, plan), run),
    remove: (key: string) => remove.run(key),
    read: (key: string) => orNull(read.get(key)),
    /** Gives the run a folder. As long as nothing was started there, it may get a different one. */
    name: ({ key, folder, secret, launchedAt }: Omit<ChangeOf<'launch.name'>, 'do'>) =>
      name.run(key, folder, secret, launchedAt),
    note: ({ key, launchedAt = null, wrapper = null, base = null }: Omit<ChangeOf<'launch.note'>, 'do'>) =>
      note.run(launchedAt, wrapper, base, key),
  };
}
