/** The hosts that share a store, each alive as long as its connection holds its lock, and the repos that belong to each of them. */

import type { Client } from 'pg';
import { thenContinues } from '../../../../machines/vocabulary/errors.ts';
import { localTime } from '../../../../machines/vocabulary/time-text.ts';
import { type HostRow, type LostRepo, StoreTrouble } from '../port.ts';
import { channel, hostLocks, nowMs, storeLock } from './schema.ts';

/** This machine, as it describes itself. */
export interface OwnHost {
  readonly name: string;
  readonly labels: readonly string[];
  /** The names of its clones, where it takes over the repos of lost hosts; null: it takes over none. */
  readonly clones: readonly string[] | null;
  /** The name that its system gives it. */
  readonly address: string;
}

/** A host that was cut off is lost after this time without a beat; its own agents are frozen before (`engine/host-watch.ts`). */
const silenceMs = 12_000;
/** A host that was stopped in order may be about to start a new version. */
const stopMs = 120_000;

interface Row {
  readonly name: string;
  readonly labels: string;
  readonly address: string;
  readonly home: string;
  readonly pid: number;
  readonly epoch: number;
  readonly since: number;
  readonly seen: number;
  readonly left_at: number | null;
  readonly drained: number | null;
  readonly gone: number | null;
  readonly clones: string | null;
  readonly alive: boolean;
  readonly overdue: boolean;
}

const unsigned = (hash: string) => `(CAST(${hash} AS BIGINT) & 4294967295)`;
/** A lock in two numbers: that of the store's hosts, and that of the name. */
const alive = `EXISTS (
  SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND CAST(l.classid AS BIGINT) = ${unsigned(hostLocks)} AND CAST(l.objid AS BIGINT) = ${unsigned('hashtext(h.name)')})`;
/** Whether none of its engines is expected back soon. */
const isOverdue = `(h.gone IS NULL AND CASE WHEN h.left_at IS NULL THEN h.seen < ${nowMs} - ${silenceMs} ELSE h.left_at < ${nowMs} - ${stopMs} END)`;

const columns = `name, labels, address, home, pid, epoch, since, seen, left_at, drained, gone, clones, ${alive} AS alive, ${isOverdue} AS overdue`;

/** null: there is no host of that name. */
async function read(client: Client, name: string): Promise<Row | null> {
  const { rows } = await client.query<Row>(`SELECT ${columns} FROM hosts h WHERE name = $1`, [name]);
  return rows[0] ?? null;
}

/** Every process that works on the store shares its lock; one that changes its schema, or copies it, has it alone. */
export async function tryStoreLock(client: Client, how: 'shared' | 'alone'): Promise<boolean> {
  const word = how === 'shared' ? '_shared' : '';
  const { rows } = await client.query<{ free: boolean }>(`SELECT pg_try_advisory_lock${word}(${storeLock}) AS free`);
  return rows[0]?.free === true;
}

/** Lists the engines that work on the store. A copy, or a change of its schema, needs a store without engines; the latter may wait for them. */
export async function storeIsTaken(client: Client, place: string, why: 'copy' | 'schema'): Promise<StoreTrouble> {
  const { rows } = await client
    .query<Row>(`SELECT ${columns} FROM hosts h WHERE ${alive} ORDER BY name`)
    .catch(() => ({ rows: [] as Row[] })); // another program is making the tables
  const who = rows.length === 0 ? 'another engine works' : `${rows.map(engineText).join(' and ')} work`;
  if (why === 'schema')
    return new StoreTrouble(
      'store_locked',
      `${who} on ${place}, whose schema another version of stator made: it is brought up to date when none of them works on it any more`,
      'stop each of them (stator daemon stop), and start it again with this version',
    );
  return new StoreTrouble(
    'owner_taken',
    `${who} on ${place}, and it has to be theirs alone or yours`,
    'stop each of them first (stator daemon stop)',
  );
}

function engineText({ name, home, pid, since }: Row): string {
  return `the engine of ${home} on ${name}, pid ${pid}, since ${localTime(new Date(since).toISOString(), Date.now())}`;
}

/** Why a home cannot work as that host, or cannot go on to do so. */
function refusal(place: string, { host: { name: host }, home, epoch }: Presence, row: Row | null): StoreTrouble {
  if (row?.gone != null)
    return new StoreTrouble(
      'owner_taken',
      `the host ${host} was removed from ${place} at ${localTime(new Date(row.gone).toISOString(), Date.now())}: what it does no longer counts`,
      'give this machine another name, which no host has had ([host] name in daemon.toml), and start it again; its worktrees are as they were',
    );
  // In containers, another engine may have this home and this pid, too.
  if (epoch !== null && row?.home === home && row.pid === process.pid)
    return new StoreTrouble(
      'owner_taken',
      `the host ${host} was lost for ${place}, and other hosts go on with its repos: what this engine does no longer counts`,
      'a daemon ends its agents and begins anew by itself; restart everything else',
    );
  const who = row === null || row.epoch === 0 ? 'another engine' : engineText(row);
  return new StoreTrouble(
    'owner_taken',
    `${who} works on ${place} as the host ${host}`,
    'one engine works as a host at a time: stop that one first (stator daemon stop), or give this one a name of its own ([host] name in daemon.toml)',
  );
}

function stillOpen(place: string, host: string): StoreTrouble {
  return new StoreTrouble(
    'store_locked',
    `${place} still has an earlier connection of this engine, with the lock of the host ${host}`,
    `PostgreSQL ends it when it notices that it was given up; if it does not, see pg_stat_activity there; ${thenContinues}`,
  );
}

/** The engine of a home as one of the hosts; its epoch is known once it has been here. */
export interface Presence {
  readonly home: string;
  readonly host: OwnHost;
  /** It stops after a verb is answered. */
  readonly isBrief: boolean;
  /** The earlier engine was cut off. */
  wasCutOff: boolean;
  epoch: number | null;
}

/**
 * Takes the lock of the host for this connection. Throws `owner_taken`; `isFinal`: another home followed, or the host was removed, so that waiting does
 * not help.
 */
export async function enter(
  client: Client,
  presence: Presence,
  place: string,
): Promise<{ readonly trouble: StoreTrouble; readonly isFinal: boolean } | null> {
  const { host } = presence;
  const { rows } = await client.query<{ free: boolean }>(
    `SELECT pg_try_advisory_lock(${hostLocks}, hashtext($1)) AS free`,
    [host.name],
  );
  const isFree = rows[0]?.free === true;
  const row = await read(client, host.name);
  const isFollowed = presence.epoch !== null && row !== null && row.epoch !== presence.epoch;
  if (isFollowed || row?.gone != null) return { trouble: refusal(place, presence, row), isFinal: true };
  if (!isFree) {
    const isOwn = presence.epoch !== null && row?.epoch === presence.epoch;
    return { trouble: isOwn ? stillOpen(place, host.name) : refusal(place, presence, row), isFinal: false };
  }
  if (presence.epoch === null) {
    presence.wasCutOff = row !== null && row.left_at === null;
    presence.epoch = await write(client, presence);
  }
  return null;
}

/** Rows without a host, in a store that one engine had for itself, belong to the first host. */
async function write(client: Client, { home, host, isBrief }: Presence): Promise<number> {
  await client.query('BEGIN');
  const { rows } = await client.query<{ epoch: number }>(
    `INSERT INTO hosts (name, labels, address, home, pid, epoch, since, seen, clones, left_at)
     VALUES ($1, $2, $3, $4, $5, 1, ${nowMs}, ${nowMs}, $6, CASE WHEN $7 THEN ${nowMs} END)
     ON CONFLICT (name) DO UPDATE SET labels = excluded.labels, address = excluded.address, home = excluded.home, pid = excluded.pid,
       epoch = hosts.epoch + 1, since = excluded.since, seen = excluded.seen, clones = excluded.clones, left_at = excluded.left_at
     RETURNING epoch`,
    [
      host.name,
      JSON.stringify(host.labels),
      host.address,
      home,
      process.pid,
      host.clones === null ? null : JSON.stringify(host.clones),
      isBrief,
    ],
  );
  await client.query('INSERT INTO repo_hosts (project, host) SELECT project, $1 FROM repos ON CONFLICT DO NOTHING', [
    host.name,
  ]);
  await client.query(
    `INSERT INTO repo_paths (project, host, path) SELECT project, host, path FROM repos JOIN repo_hosts USING (project)
     WHERE host = $1 ON CONFLICT DO NOTHING`,
    [host.name],
  );
  await client.query("UPDATE effects SET host = $1 WHERE status = 'running' AND host = ''", [host.name]);
  await notify(client);
  await client.query('COMMIT');
  return rows[0]?.epoch ?? 0;
}

/** Programs that cache the hosts and repos read them again. */
export async function notify(client: Client): Promise<void> {
  await client.query('SELECT pg_notify($1, $2)', [channel, 'hosts']);
}

export async function list(client: Client, repos: ReadonlyMap<string, RepoHost>): Promise<HostRow[]> {
  const { rows } = await client.query<Row>(`SELECT ${columns} FROM hosts h ORDER BY name`);
  return rows.map(
    ({ name, labels, address, home, since, seen, drained, gone, clones, alive: isAlive, overdue, left_at: left }) => ({
      ...{ name, address, home, since, seen, drained, gone },
      // After an outage of the database, each host needs a moment to have its lock again.
      isAlive: isAlive || (left === null && gone === null && !overdue),
      isSilent: isAlive && overdue,
      clones: clones === null ? null : (JSON.parse(clones) as string[]), // as `write` has it
      labels: JSON.parse(labels) as string[], // as `write` has it
      repos: [...repos].flatMap(([project, { host }]) => (host === name ? [project] : [])),
    }),
  );
}

/** Records that the host was present at this time. null: it still is the host; otherwise the reason why it is not, which waiting cannot change. */
export async function beat(client: Client, presence: Presence, place: string): Promise<StoreTrouble | null> {
  const { name } = presence.host;
  const { rowCount } = await client.query(
    `UPDATE hosts SET seen = ${nowMs} WHERE name = $1 AND epoch = $2 AND gone IS NULL`,
    [name, presence.epoch],
  );
  return rowCount === 1 ? null : refusal(place, presence, await read(client, name));
}

/** It stops in order: it is expected to return. */
export async function leave(client: Client, name: string): Promise<void> {
  await client.query(`UPDATE hosts SET left_at = ${nowMs}, seen = ${nowMs} WHERE name = $1`, [name]);
}

/** Where other hosts find the repo. A known address stays, unless `isNew`. */
export async function noteRemote(
  client: Client,
  { project, host, remote, isNew }: { project: string; host: string; remote: string; isNew: boolean },
): Promise<void> {
  await client.query(
    'UPDATE repo_hosts SET remote = $1 WHERE project = $2 AND host = $3 AND (remote IS NULL OR ($4 AND remote <> $1))',
    [remote, project, host, isNew],
  );
}

/** The host of a repo. `comingFrom`: the host that gave it away, as long as the new one does not have it. */
export interface RepoHost {
  readonly host: string;
  readonly comingFrom: string | null;
}

/** For each repo that is registered. */
export async function repoHosts(client: Client): Promise<Map<string, RepoHost>> {
  const { rows } = await client.query<RepoHost & { project: string }>(
    `SELECT project, host, coming_from AS "comingFrom" FROM repo_hosts JOIN repos USING (project) WHERE removed_at IS NULL ORDER BY project`,
  );
  return new Map(rows.map(({ project, host, comingFrom }) => [project, { host, comingFrom }]));
}

/** The repos of hosts that are lost, and those that come to this one. */
export async function lostRepos(client: Client, own: string): Promise<LostRepo[]> {
  const { rows } = await client.query<LostRepo>(
    `SELECT r.project, r.host, r.remote, p.path, CASE WHEN r.host = $1 THEN r.coming_from END AS "comingFrom"
     FROM repo_hosts r JOIN repos USING (project) JOIN hosts h ON h.name = r.host
     LEFT JOIN repo_paths p ON p.project = r.project AND p.host = $1
     WHERE repos.removed_at IS NULL AND ((${isOverdue} AND NOT ${alive}) OR (r.host = $1 AND r.coming_from IS NOT NULL)) ORDER BY r.project`,
    [own],
  );
  return rows;
}

/** As `requeueLost` of the port. One statement: of two hosts that look at once, the second finds nothing. */
export async function requeueLost(client: Client): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE effects SET status = 'queued', host = '', epoch = NULL, started_at = NULL, waiting_since = NULL
     WHERE status = 'running' AND project = '' AND host IN (SELECT name FROM hosts h WHERE ${isOverdue} AND NOT ${alive})`,
  );
  return rowCount ?? 0;
}

/** As `hand` of the port. Must be called in a transaction, while no other one can commit. */
export async function hand(
  client: Client,
  { project, from, to }: { project: string; from: string; to: string },
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE repo_hosts r SET host = $3, coming_from = coalesce(r.coming_from, r.host), trouble = NULL
     WHERE r.project = $1 AND r.host = $2
       AND (r.coming_from IS NOT NULL OR NOT EXISTS (SELECT 1 FROM effects e WHERE e.status = 'running' AND e.project = r.project))
       AND EXISTS (SELECT 1 FROM repos WHERE repos.project = r.project AND removed_at IS NULL)
       AND EXISTS (SELECT 1 FROM hosts h WHERE h.name = $3 AND h.gone IS NULL AND h.clones IS NOT NULL AND ${alive})`,
    [project, from, to],
  );
  return rowCount === 1;
}

/** The path of the repo on that host. */
export const keepPath = (values: string) =>
  `INSERT INTO repo_paths (project, host, path) VALUES (${values}) ON CONFLICT (project, host) DO UPDATE SET path = excluded.path`;

/** Why no host has taken it over. */
export async function noteTrouble(
  client: Client,
  { project, host }: Pick<LostRepo, 'project' | 'host'>,
  trouble: string | null,
): Promise<void> {
  await client.query('UPDATE repo_hosts SET trouble = $1 WHERE project = $2 AND host = $3', [trouble, project, host]);
}

export async function troubleOf(client: Client, project: string): Promise<string | null> {
  const { rows } = await client.query<{ trouble: string | null }>('SELECT trouble FROM repo_hosts WHERE project = $1', [
    project,
  ]);
  return rows[0]?.trouble ?? null;
}

/** A repo that this host takes, and its path here. */
type Taking = Pick<LostRepo, 'project' | 'host'> & { readonly path: string; readonly own: string };

/**
 * Records that the repo is on this host, at that path. Must be called in a transaction, while no other one can commit. false: the repo was given to another
 * host meanwhile, the lost host is back, or another host was first. Running effects of a lost host are queued again: nothing is known of its runs here, so
 * these are lost. Its epoch rises, so that its engine can write nothing more.
 */
export async function takeOver(client: Client, taking: Taking): Promise<boolean> {
  const { project, host, own } = taking;
  if (host === own) {
    const { rowCount } = await client.query(
      'UPDATE repo_hosts SET coming_from = NULL, trouble = NULL WHERE project = $1 AND host = $2 AND coming_from IS NOT NULL',
      [project, own],
    );
    if (rowCount !== 1) return isThere(client, taking);
    await bePlaced(client, taking);
    return true;
  }
  const { rows } = await client.query<{ free: boolean }>(
    `SELECT pg_try_advisory_xact_lock(${hostLocks}, hashtext($1)) AS free`,
    [host],
  );
  if (rows[0]?.free !== true) return false;
  const taken = await client.query(
    `UPDATE repo_hosts r SET host = $1, coming_from = NULL, trouble = NULL WHERE project = $2 AND host = $3
       AND EXISTS (SELECT 1 FROM repos WHERE repos.project = r.project AND removed_at IS NULL)
       AND EXISTS (SELECT 1 FROM hosts h WHERE h.name = r.host AND ${isOverdue})`,
    [own, project, host],
  );
  if (taken.rowCount !== 1) return isThere(client, taking);
  await client.query('UPDATE hosts SET epoch = epoch + 1 WHERE name = $1', [host]);
  await bePlaced(client, taking);
  await client.query(
    `UPDATE effects SET status = 'queued', suspected = suspected + 1, host = '', epoch = NULL, started_at = NULL, waiting_since = NULL
     WHERE status = 'running' AND host = $1 AND project IN ($2, '')`,
    [host, project],
  );
  return true;
}

async function bePlaced(client: Client, { project, own, path }: Taking): Promise<void> {
  await client.query('UPDATE repos SET path = $1 WHERE project = $2', [path, project]);
  await client.query(keepPath('$1, $2, $3'), [project, own, path]);
}

/** Whether it was taken over, if the answer to the commit was lost. */
async function isThere(client: Client, { project, own, path }: Taking): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT 1 FROM repo_hosts JOIN repos USING (project) WHERE project = $1 AND host = $2 AND path = $3 AND removed_at IS NULL AND coming_from IS NULL',
    [project, own, path],
  );
  return rowCount === 1;
}

/** false: there is no such host, or it was removed. */
export async function drain(client: Client, name: string, isDrained: boolean): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE hosts SET drained = CASE WHEN $2 THEN coalesce(drained, ${nowMs}) END WHERE name = $1 AND gone IS NULL`,
    [name, isDrained],
  );
  await notify(client);
  return rowCount === 1;
}

/**
 * Removes a host. Must be called in a transaction, while no other one can commit. Its running effects are queued again for the host that registers its repos:
 * nothing is known of its runs there, so these are lost. false: it is alive. Its lock is held until the end, so it does not come back meanwhile.
 */
export async function remove(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ free: boolean }>(
    `SELECT pg_try_advisory_xact_lock(${hostLocks}, hashtext($1)) AS free`,
    [name],
  );
  if (rows[0]?.free !== true) return false;
  await client.query(`UPDATE hosts SET gone = coalesce(gone, ${nowMs}) WHERE name = $1`, [name]);
  await client.query(
    `UPDATE effects SET status = 'queued', suspected = suspected + 1, host = '', epoch = NULL, started_at = NULL, waiting_since = NULL WHERE status = 'running' AND host = $1`,
    [name],
  );
  return true;
}
