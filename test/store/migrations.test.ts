/** A store that an earlier version wrote is brought up to date, and nothing of it is lost. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { tokenHash } from '../../runtime/base/platform/token.ts';
import { openDatabase } from '../../runtime/core/store/sqlite/db.ts';
import { migrations } from '../../runtime/core/store/sqlite/schema.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

const roots: string[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** A store as that version left it, opened by this one. */
function upgraded(version: number, rows: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), 'stator-'));
  roots.push(root);
  const file = join(root, 'taskstore.db');
  const old = openDatabase(file, { migrations: migrations.slice(0, version) });
  for (const sql of rows) old.exec(sql);
  old.close();
  return openDatabase(file, { migrations });
}

const run = `INSERT INTO runs (key, project, plan, run, title, role, attempt, state, branch, queued_at)
  VALUES ('k', 'demo', 'p', 'a#1', 'p-w1-t1', 'coder', 1, 'running', 'plan/p', 1)`;

function effect(key: string, payload: object): string {
  const text = JSON.stringify(payload);
  return `INSERT INTO effects (key, tree, project, plan, wish, kind, lane, resource, payload, created_at)
    VALUES ('${key}', 'plan:demo/p', 'demo', 'p', '${key}', '${'role' in payload ? 'agent.run' : 'work.commit'}', 'worker', 'r', '${text}', 1)`;
}

it('version 1 gets a queue that runs, and runs that have said nothing yet', () => {
  const db = upgraded(1, [run]);
  expect(db.prepare('SELECT paused_at, cleared_at FROM queue').all()).toEqual([{ paused_at: null, cleared_at: 0 }]);
  expect(db.prepare('SELECT title, conversation, input_tokens, cost_usd FROM runs').get()).toEqual({
    title: 'p-w1-t1',
    conversation: null,
    input_tokens: null,
    cost_usd: null,
  });
  db.close();
});

it('version 20 finds whose a folder under runs is without reading them all', () => {
  const db = upgraded(20, ["INSERT INTO launches (key, folder) VALUES ('k', 'f')"]);
  const [step] = db
    .prepare<[], { detail: string }>("EXPLAIN QUERY PLAN SELECT key FROM launches WHERE folder = 'f'")
    .all();
  expect(step?.detail).toContain('launches_folder');
  db.close();
});

it('version 35 may have signals with numbers of other systems: they go behind all others, and what names them goes along', () => {
  const plan = `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at, fault_signal)
    VALUES ('demo', 'p', '# p', 'plan/p', 'ready', 1, 1, 0, 1, 0, 0, 1, 1, 4611686018427387904)`;
  const journal = `INSERT INTO journal (at, tree, signal, type, origin, actor, event, from_state, to_state)
    VALUES (1, 'plan:demo/p', 4611686018427387904, 't', 'person', '', 'e', 'a', 'b'), (1, 'plan:demo/p', 3, 't', 'person', '', 'e', 'a', 'b')`;
  const signals = `INSERT INTO signals (id, project, plan, type, dedupe_key, deliver_at, status)
    VALUES (3, 'demo', 'p', 'pause', 'k', 0, 'done'), (-4, 'demo', 'p', 'pause', 'below', -7, 'pending'),
      (4611686018427387904, 'demo', 'p', 'resume', 'far', 1760000000000000000, 'pending')`;
  const db = upgraded(35, [signals, plan, journal]);
  expect(db.prepare('SELECT id, dedupe_key AS key, status, deliver_at AS at FROM signals').all()).toEqual([
    { id: 3, key: 'k', status: 'done', at: 0 },
    { id: 4, key: 'below', status: 'pending', at: 0 },
    { id: 5, key: 'far', status: 'pending', at: 8_640_000_000_000_000 },
  ]);
  expect(db.prepare('SELECT signal FROM journal ORDER BY seq').pluck().all()).toEqual([5, 3]);
  expect(db.prepare('SELECT fault_signal FROM plans').pluck().all()).toEqual([5]);
  db.exec("INSERT INTO signals (project, plan, type, status, result) VALUES ('demo', 'p', 'pause', 'done', 'x')");
  expect(db.prepare('SELECT id, status, result FROM signals WHERE id > 5').all()).toEqual([
    { id: 6, status: 'pending', result: null },
  ]);
  db.close();
});

it('what version 6 has asked for waits for nothing of its surroundings', () => {
  const db = upgraded(6, [effect('old', { role: 'coder', messages: [], start: 'anew' })]);
  expect(db.prepare('SELECT key, waiting_since FROM effects').all()).toEqual([{ key: 'old', waiting_since: null }]);
  db.close();
});

it('runs that version 3 asked for find what every run finds, and those that know more keep it', () => {
  const known = { role: 'coder', messages: ['use tabs'], start: 'on' };
  const db = upgraded(3, [effect('old', { role: 'coder' }), effect('new', known), effect('commit', { run: 'a#1' })]);
  const payloads = db.prepare<[], { key: string; payload: string }>('SELECT key, payload FROM effects').all();
  expect(Object.fromEntries(payloads.map(({ key, payload }) => [key, JSON.parse(payload)]))).toEqual({
    old: { role: 'coder', messages: [], start: 'begin' },
    new: { ...known, start: 'continue' },
    commit: { run: 'a#1' },
  });
  db.close();
});

it('plans of version 4 are begun from nothing that is known, and a branch is never noted without its commit', () => {
  const plan = `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at)
    VALUES ('demo', 'p', '# p', 'plan/p', 'done', 1, 1, 1, 1, 0, 0, 1, 1)`;
  const db = upgraded(4, [plan]);
  expect(db.prepare('SELECT plan, base_branch, base_commit FROM plans').all()).toEqual([
    { plan: 'p', base_branch: null, base_commit: null },
  ]);
  expect(() => db.exec(`UPDATE plans SET base_branch = 'main'`)).toThrow('CHECK');
  db.close();
});

it('runs that version 5 started keep the folders that they have, and its checks those of that time', () => {
  const begun = run
    .replace('queued_at)', 'queued_at, folder)')
    .replace("'plan/p', 1)", "'plan/p', 1, '/home/a b/runs/p#a#1#demo')");
  const check = `INSERT INTO effects (key, tree, project, plan, wish, kind, lane, resource, payload, status, epoch, started_at, created_at)
    VALUES ('c', 'plan:demo/p', 'demo', 'p', 'c', 'work.check', 'check', 'r', '{}', 'running', 1, 7, 1)`;
  const db = upgraded(5, [begun, run.replace("'k'", "'never'"), check]);
  expect(db.prepare('SELECT key, folder, launched_at, wrapper FROM launches ORDER BY key').all()).toEqual([
    { key: 'c', folder: '', launched_at: 7, wrapper: null },
    { key: 'k', folder: 'p#a#1#demo', launched_at: 1, wrapper: null },
  ]);
  db.close();
});

it('plans of version 7 are bound to no file yet, and keep what they had', () => {
  const plan = `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at)
    VALUES ('demo', 'p', '# P', 'plan/p', 'done', 1, 1, 1, 1, 0, 0, 1, 2)`;
  const db = upgraded(7, [plan]);
  expect(db.prepare('SELECT plan, content, status, file, file_digest FROM plans').all()).toEqual([
    { plan: 'p', content: '# P', status: 'done', file: null, file_digest: null },
  ]);
  db.close();
});

it('files of version 37 are read as what they look like', () => {
  const plan = `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at, file, file_digest)
    VALUES ('demo', 'p', '# P', 'plan/p', 'done', 1, 1, 1, 1, 0, 0, 1, 2, 'p.md', 'd')`;
  const db = upgraded(37, [plan]);
  expect(db.prepare('SELECT file, file_digest, file_as FROM plans').all()).toEqual([
    { file: 'p.md', file_digest: 'd', file_as: null },
  ]);
  db.close();
});

it('deadlines of version 8 stay as they are, and the time of the store begins with the next of them', () => {
  const timer = `INSERT INTO signals (project, plan, type, deliver_at, tree) VALUES ('demo', 'p', 'timer_due', 1234, 'plan:demo/p')`;
  const db = upgraded(8, [timer]);
  expect(db.prepare('SELECT deliver_at FROM signals').get()).toEqual({ deliver_at: 1234 });
  expect(db.prepare('SELECT count(*) AS count FROM timeline').get()).toEqual({ count: 0 });
  db.close();
});

it('trees of version 9 do not say which stator wrote them', () => {
  const tree = `INSERT INTO trees (address, machine, version, steps, snapshot, updated_at) VALUES ('plan:demo/p', 'plan', 'plan:1', 1, '{}', 1)`;
  const db = upgraded(9, [tree]);
  expect(db.prepare('SELECT address, stator FROM trees').all()).toEqual([{ address: 'plan:demo/p', stator: null }]);
  expect(db.prepare('SELECT stator FROM written_by').all()).toEqual([]);
  db.close();
});

it('effects of version 11 keep the name that they have inside of their tree', () => {
  const db = upgraded(11, [effect('w1/t1#1', { role: 'coder' }), effect('w1/t1#2', { run: 'w1/t1#1' })]);
  expect(db.prepare('SELECT key, name, kind FROM effects ORDER BY id').all()).toEqual([
    { key: 'w1/t1#1', name: 'w1/t1#1', kind: 'agent.run' },
    { key: 'w1/t1#2', name: 'w1/t1#2', kind: 'work.commit' },
  ]);
  db.close();
});

it('runs of version 13 keep their tokens, of which nothing but the hash is left in the file', () => {
  const withToken = run
    .replace('queued_at)', 'queued_at, token)')
    .replace("'plan/p', 1)", "'plan/p', 1, 'in-the-clear-0123456789')");
  const rows = [withToken, run.replace("'k'", "'never'"), run.replace("'k'", "'later'")];
  const db = upgraded(13, [...rows, "DELETE FROM runs WHERE key = 'never'"]);
  expect(db.prepare('SELECT hash, run FROM run_tokens').all()).toEqual([
    { hash: tokenHash('in-the-clear-0123456789'), run: 'k' },
  ]);
  // Their order is that in which they were asked for.
  expect(db.prepare('SELECT rowid, key, state, branch, queued_at FROM runs').all()).toEqual([
    { rowid: 1, key: 'k', state: 'running', branch: 'plan/p', queued_at: 1 },
    { rowid: 3, key: 'later', state: 'running', branch: 'plan/p', queued_at: 1 },
  ]);
  const file = db.name;
  db.close();
  expect(readFileSync(file).includes('in-the-clear')).toBe(false);
});

it('rows of version 14 that the engine wrote stay its own, and one that another program wrote stays theirs', () => {
  const row = (columns: string, values: string) =>
    `INSERT INTO signals (project, plan, type, origin, ${columns}) VALUES ('demo', 'p', 'pause', 'engine', ${values})`;
  const db = upgraded(14, [row('is_checked, tree', "1, 'plan:demo/p'"), row('is_checked', '0')]);
  expect(db.prepare('SELECT is_checked, seal = (SELECT seal FROM inbox_seal) AS isOwn FROM signals').all()).toEqual([
    { is_checked: 1, isOwn: 1 },
    { is_checked: 0, isOwn: null },
  ]);
  db.exec(row('is_checked, tree', "1, 'plan:demo/p'"));
  expect(db.prepare('SELECT is_checked, tree, origin FROM signals WHERE id = 3').get()).toEqual({
    is_checked: 0,
    tree: null,
    origin: 'person',
  });
  db.close();
});

it('a store that is too new names the stator that wrote it', () => {
  const root = mkdtempSync(join(tmpdir(), 'stator-'));
  roots.push(root);
  openStore(root).close();
  const file = join(root, 'taskstore.db');
  const newer = [
    ...migrations,
    { version: migrations.length + 1, name: 'newer', sql: "UPDATE written_by SET stator = '9.8.7'" },
  ];
  openDatabase(file, { migrations: newer }).close();
  expect(() => openStore(root)).toThrow(
    expect.objectContaining({ code: 'store_newer', hint: expect.stringContaining('stator 9.8.7, which wrote it') }),
  );
});

it('runs that version 12 asked for start as they would have', () => {
  const starts = ['anew', 'on', 'fresh'];
  const rows = starts.map((start) => effect(start, { role: 'coder', start }).replace('wish', 'name'));
  const db = upgraded(12, [...rows, effect('commit', { run: 'a#1' }).replace('wish', 'name')]);
  const payloads = db.prepare<[], { key: string; payload: string }>('SELECT key, payload FROM effects').all();
  expect(Object.fromEntries(payloads.map(({ key, payload }) => [key, JSON.parse(payload)]))).toEqual({
    anew: { role: 'coder', start: 'begin' },
    on: { role: 'coder', start: 'continue' },
    fresh: { role: 'coder', start: 'restart' },
    commit: { run: 'a#1' },
  });
  db.close();
});

it('repos that version 15 knew are trusted since they were added, as far as anybody knows', () => {
  const db = upgraded(15, ["INSERT INTO repos (project, path, config, added_at) VALUES ('demo', '/demo', '{}', 7)"]);
  expect(db.prepare('SELECT added_at, trusted_at, trusted_by, revoked_at FROM repos').all()).toEqual([
    { added_at: 7, trusted_at: 7, trusted_by: 'an earlier version', revoked_at: null },
  ]);
  db.close();
});

it('runs that version 16 launched end by the code alone, since their wrappers were told no secret', () => {
  const db = upgraded(16, ["INSERT INTO launches (key, folder, launched_at) VALUES ('k', 'x', 7)"]);
  expect(db.prepare('SELECT folder, secret FROM launches').all()).toEqual([{ folder: 'x', secret: null }]);
  db.close();
});

it('a store of version 18 has told no hook anything yet, and its effects have come to nothing that is kept', () => {
  const db = upgraded(18, [effect('w1/t1#1', { role: 'coder' }).replace('wish', 'name')]);
  expect(db.prepare('SELECT key, result FROM effects').all()).toEqual([{ key: 'w1/t1#1', result: null }]);
  for (const table of ['hooks', 'hook_sequences']) expect(db.prepare(`SELECT * FROM ${table}`).all()).toEqual([]);
  db.close();
});

it('a store of version 17 has told nobody anything yet, and the next notification is the first', () => {
  const db = upgraded(17, []);
  db.exec("INSERT INTO notifications (type, project, message, at) VALUES ('task_queued', 'demo', 'm', 7)");
  expect(db.prepare('SELECT * FROM notifications').all()).toEqual([
    { id: 1, type: 'task_queued', project: 'demo', plan: '', message: 'm', at: 7, is_read: 0 },
  ]);
  db.close();
});

it('what people were told by version 25 keeps its numbers, and the next one is numbered on', () => {
  const told = (id: number) =>
    `INSERT INTO notifications (id, type, project, message, at, is_read) VALUES (${id}, 'task_queued', 'demo', 'm', 7, 1)`;
  const db = upgraded(25, [told(3), told(9)]);
  db.exec("INSERT INTO notifications (type, project, message, at) VALUES ('task_queued', 'demo', 'm', 8)");
  expect(db.prepare('SELECT id, at, is_read FROM notifications ORDER BY id').all()).toEqual([
    { id: 3, at: 7, is_read: 1 },
    { id: 9, at: 7, is_read: 1 },
    { id: 10, at: 8, is_read: 0 },
  ]);
  expect(db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'notifications'").pluck().get()).toBe(1);
  db.close();
});

it('plans of version 19 are sessions of no issue', () => {
  const db = upgraded(19, []);
  expect(db.prepare('SELECT * FROM issues').all()).toEqual([]);
  expect(db.prepare('SELECT * FROM issue_messages').all()).toEqual([]);
  db.close();
});

it('people said what stands in the messages of version 31', () => {
  const db = upgraded(31, ["INSERT INTO issue_messages (project, plan, content, at) VALUES ('demo', 'p', 'm', 7)"]);
  expect(db.prepare('SELECT author, content FROM issue_messages').all()).toEqual([{ author: 'person', content: 'm' }]);
  expect(() => db.exec("UPDATE issue_messages SET author = 'engine'")).toThrow('CHECK');
  db.close();
});

it('version 24 finds the tokens of a run without reading them all', () => {
  const db = upgraded(24, ["INSERT INTO run_tokens (hash, run) VALUES ('h', 'k')"]);
  const [step] = db
    .prepare<[], { detail: string }>("EXPLAIN QUERY PLAN SELECT hash FROM run_tokens WHERE run = 'k'")
    .all();
  expect(step?.detail).toContain('run_tokens_run');
  db.close();
});

it('agents of version 21 that had ended have been final since their last run ended, and no part of the queue is paused', () => {
  const ended = run
    .replace("'k'", "'ended'")
    .replace("'running'", "'failed'")
    .replace('queued_at)', 'queued_at, ended_at)');
  const db = upgraded(21, [run, ended.replace("'plan/p', 1)", "'plan/p', 1, 9)")]);
  expect(db.prepare('SELECT key, state, final_at FROM runs ORDER BY key').all()).toEqual([
    { key: 'ended', state: 'failed', final_at: 9 },
    { key: 'k', state: 'running', final_at: null },
  ]);
  expect(db.prepare('SELECT * FROM queue_pauses').all()).toEqual([]);
  db.close();
});

it('plans of version 22 stand on no other', () => {
  const insert = `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at, base_branch, base_commit)
    VALUES ('demo', 'p', '# P', 'plan/p', 'done', 1, 1, 1, 1, 0, 0, 7, 7, 'main', 'c')`;
  const db = upgraded(22, [insert]);
  expect(db.prepare('SELECT base_branch, base_commit, base_on FROM plans').all()).toEqual([
    { base_branch: 'main', base_commit: 'c', base_on: null },
  ]);
  db.close();
});

it('a store of version 23 keeps its inbox and what people were told, without the indexes that nothing asked for', () => {
  const db = upgraded(23, [
    "INSERT INTO signals (project, plan, type) VALUES ('demo', 'p', 'cancel')",
    "INSERT INTO notifications (type, project, message, at) VALUES ('task_queued', 'demo', 'm', 7)",
  ]);
  expect(db.prepare('SELECT project, plan, type, status FROM signals').all()).toEqual([
    { project: 'demo', plan: 'p', type: 'cancel', status: 'pending' },
  ]);
  expect(db.prepare('SELECT id, message FROM notifications').all()).toEqual([{ id: 1, message: 'm' }]);
  const indexes = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").pluck().all();
  expect(indexes).not.toContain('signals_plan');
  expect(indexes).not.toContain('notifications_unread');
  db.close();
});

it('a store of version 26 knows of no forge yet how it was found', () => {
  const db = upgraded(26, [
    "INSERT INTO notifications (type, project, message, at) VALUES ('task_queued', 'demo', 'm', 7)",
  ]);
  expect(db.prepare('SELECT * FROM forges').all()).toEqual([]);
  expect(db.prepare('SELECT message FROM notifications').pluck().all()).toEqual(['m']);
  db.close();
});

it('runs of version 27 say nothing of how long they worked, and its plans have no budget of their own', () => {
  const plan = `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at)
    VALUES ('demo', 'p', '# p', 'plan/p', 'done', 1, 1, 1, 1, 0, 0, 1, 1)`;
  const db = upgraded(27, [plan, run, "UPDATE runs SET started_at = 5, cost_usd = 1.5 WHERE key = 'k'"]);
  expect(db.prepare('SELECT budget FROM plans').all()).toEqual([{ budget: null }]);
  expect(db.prepare('SELECT worked_ms, cost_usd FROM runs').all()).toEqual([{ worked_ms: null, cost_usd: 1.5 }]);
  const [step] = db
    .prepare<[], { detail: string }>(
      "EXPLAIN QUERY PLAN SELECT key FROM runs WHERE project = 'demo' AND started_at >= 1",
    )
    .all();
  expect(step?.detail).toContain('runs_began');
  db.close();
});

it('plans that were done in version 29 are merged, in a pull request or neither, as their trees say', () => {
  const merged = { at: 7, head: 'a', into: 'main', tip: 'b' };
  const pull = (state: string, pass: number) => ({ request: { state, pass } });
  const plans: Record<string, [status: string, context: object | null, landing: string | null]> = {
    ready: ['ready', { pass: 0 }, null],
    bare: ['done', { pass: 0, merge: null }, 'not_merged'],
    lost: ['done', null, 'not_merged'],
    merged: ['done', { pass: 0, timestamps: { done_at: 7 }, merge: { merged } }, 'merged'],
    // It ended while the plan was done anew.
    before: ['done', { pass: 1, timestamps: { done_at: 8 }, merge: { merged } }, 'not_merged'],
    open: ['done', { pass: 0, pull: pull('open', 0) }, 'pull_request_open'],
    there: ['done', { pass: 2, pull: pull('merged', 2) }, 'merged'],
    earlier: ['done', { pass: 2, pull: pull('merged', 1) }, 'not_merged'],
  };
  const db = upgraded(29, [
    ...Object.entries(plans).flatMap(([name, [status, context]]) => [
      `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at)
       VALUES ('demo', '${name}', '# p', 'plan/${name}', '${status}', 1, 1, 1, 1, 0, 0, 1, 1)`,
      `INSERT INTO trees (address, machine, version, steps, snapshot, updated_at)
       VALUES ('plan:demo/${name}', 'plan', 1, 1, '${context === null ? '{"cut' : JSON.stringify({ context })}', 1)`,
    ]),
  ]);
  const rows = db.prepare<[], { plan: string; landing: string | null }>('SELECT plan, landing FROM plans').all();
  expect(Object.fromEntries(rows.map(({ plan, landing }) => [plan, landing]))).toEqual(
    Object.fromEntries(Object.entries(plans).map(([name, [, , landing]]) => [name, landing])),
  );
  expect(() => db.exec("UPDATE plans SET landing = 'merged' WHERE plan = 'ready'")).toThrow('CHECK');
  db.close();
});

it('a store of version 28 knows of no account that is limited', () => {
  const db = upgraded(28, [
    "INSERT INTO runs (key, project, plan, run, title, role, attempt, state, branch, queued_at) VALUES ('k', 'demo', 'p', 'r', 't', 'coder', 1, 'queued', 'b', 7)",
  ]);
  expect(db.prepare('SELECT * FROM account_limits').all()).toEqual([]);
  expect(db.prepare('SELECT key, profile, account FROM runs').all()).toEqual([
    { key: 'k', profile: null, account: null },
  ]);
  db.close();
});

it('of the trees of version 30 those of repos say how they are, and those of one’s own that ended can go', () => {
  const tree = (address: string, machine: string, snapshot: string, at = 7) =>
    `INSERT INTO trees (address, machine, version, steps, snapshot, updated_at) VALUES ('${address}', '${machine}', '1', 3, '${snapshot}', ${at})`;
  const db = upgraded(30, [
    tree('supervisor', 'supervisor', '{"status":"active","value":"running"}'),
    tree('repo:a', 'repo', '{"status":"active","value":"degraded","context":{"degraded":"no git"}}'),
    tree('repo:b', 'repo', '{"value'),
    tree('plan:a/p', 'plan', '{"status":"active","value":"done"}'),
    tree('release:1', 'release', '{"status":"done","value":"out"}', 9),
    tree('release:2', 'release', '{"status":"active","value":"asking"}'),
    tree('release:3', 'release', '{"val'),
  ]);
  expect(
    db
      .prepare('SELECT address, state, reason, keeps_journal, ended_at FROM tree_standings ORDER BY address')
      .raw()
      .all(),
  ).toEqual([
    ['release:1', null, null, 1, 9],
    ['repo:a', 'degraded', 'no git', 0, null],
    ['repo:b', null, null, 0, null],
    ['supervisor', null, null, 0, null],
  ]);
  db.close();
});

it('signals of version 41 that engines began before are suspects, with none of their tries spent', () => {
  const signal = (status: string, attempts: number) =>
    `INSERT INTO signals (project, plan, type, status, attempts, tree, is_checked, seal) SELECT '', '', 'go', '${status}', ${attempts}, 'own:1', 1, seal FROM inbox_seal`;
  const db = upgraded(41, [signal('pending', 2), signal('pending', 0), signal('done', 3)]);
  const rows = db.prepare('SELECT status, attempts, suspected FROM signals ORDER BY id').raw().all();
  expect(rows).toEqual([
    ['pending', 0, 2],
    ['pending', 0, 0],
    ['done', 3, 0],
  ]);
  // Another program sets neither of the two counts.
  db.exec("INSERT INTO signals (project, plan, type, attempts, suspected) VALUES ('a', 'p', 'pause', 4, 9)");
  expect(db.prepare('SELECT attempts, suspected FROM signals WHERE id = 4').raw().get()).toEqual([0, 0]);
  db.close();
});

it('no machine of version 43 is paused', () => {
  const db = upgraded(43, []);
  expect(db.prepare('SELECT * FROM machine_pauses').all()).toEqual([]);
  db.close();
});
