/**
 * A repo of a lost host on another one: the trusted configuration is in force only if it means the same here, and the lost engine writes nothing
 * more.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { parseDaemonConfig } from '../../runtime/base/config/config.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import { openPostgres } from '../../runtime/core/store/postgres/store.ts';
import { openProjects } from '../../runtime/work/repos/registry.ts';
import { startPostgres } from '../../scripts/postgres.ts';
import { makeRepo } from '../support/daemon.ts';
import { write } from '../support/git.ts';
import { git } from '../support/ground.ts';

const server = await startPostgres();
afterAll(() => server.stop());
let databases = 0;

/** A host with a trusted and pushed repository of these files, and a second host with a clone of it. */
async function lostRepo(files: Readonly<Record<string, string>>) {
  databases += 1;
  const name = `takeover${databases}`;
  await server.createDatabase(name);
  const folder = mkdtempSync(join(tmpdir(), 'stator-takeover-'));
  const open = async (host: string) => {
    const store = openPostgres(
      { url: server.urlOf(name), shown: name },
      { host: { name: host, labels: [], clones: [] } },
    );
    onTestFinished(() => store.close());
    await store.own(`/${host}`);
    const settings = { current: () => parseDaemonConfig('/daemon.toml', '') };
    const log = createLog(() => {}, 'error');
    const projects = await openProjects({ store, settings, overrides: {}, log, nowMs: Date.now });
    onTestFinished(() => projects.release());
    return { store, projects };
  };
  const path = makeRepo(join(folder, 'b', 'shop'));
  for (const [file, text] of Object.entries(files)) write(path, file, text);
  git(path, 'add', '-A');
  git(path, 'commit', '-q', '--allow-empty', '-m', 'files');
  const bare = join(folder, 'shop.git');
  git(folder, 'clone', '-q', '--bare', path, bare);
  git(path, 'remote', 'add', 'origin', bare);
  const b = await open('b');
  await b.projects.register(path, { trust: true, way: 'api' });
  const a = await open('a');
  const clone = join(folder, 'a', 'shop');
  git(folder, 'clone', '-q', bare, clone);
  git(clone, 'config', 'user.name', 'Ada');
  git(clone, 'config', 'user.email', 'ada@example.com');
  await server.query(name, "UPDATE hosts SET seen = 0 WHERE name = 'b'");
  const cut = () =>
    server.query(
      'postgres',
      `SELECT pg_terminate_backend(s.pid, 60000) FROM pg_stat_activity s JOIN pg_locks l ON l.pid = s.pid
       WHERE s.datname = $1 AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
         AND CAST(l.objid AS BIGINT) = (CAST(hashtext('b') AS BIGINT) & 4294967295)`,
      [name],
    );
  const host = (set: string) => server.query(name, `UPDATE hosts SET ${set} WHERE name = 'b'`);
  return { a, b, clone, bare, cut, host };
}

it('goes on with what was trusted, also where its files have changed since; the lost engine writes nothing more', async () => {
  const { a, b, clone, bare, cut } = await lostRepo({
    '.stator/config.toml': '[worktree]\nsetup = "sh setup.sh"\n',
    'setup.sh': 'true\n',
  });
  expect(await a.store.hosts.lostRepos()).toEqual([]); // it lives
  await cut();
  const [lost] = await a.store.hosts.lostRepos();
  if (lost === undefined) throw new Error('it is lost');
  expect(lost).toEqual({ project: 'shop', host: 'b', remote: bare, comingFrom: null, path: null });
  write(clone, '.stator/config.toml', '[worktree]\nsetup = "sh setup.sh; touch /tmp/other"\n');
  expect(await a.projects.takeOver(lost, clone)).toEqual([]);
  expect(a.projects.find('shop')).toMatchObject({ path: clone });
  expect(a.projects.get('shop').config.worktree.setup).toBe('sh setup.sh');
  expect(a.projects.compare('shop').untrusted.join()).toContain('touch /tmp/other');
  // The request is repeated, as after a lost answer.
  expect(await a.store.hosts.takeOver(lost, clone)).toBe(true);
  await expect(b.store.commit([{ do: 'queue.pause', at: 1 }])).rejects.toMatchObject({
    code: 'owner_taken',
    message: expect.stringContaining('the host b was lost'),
  });
  expect(b.store.loss()).not.toBeNull();
});

it.each([
  [
    'a program that is another one here',
    { '.stator/config.toml': '[worktree]\nsetup = "sh setup.sh"\n', 'setup.sh': 'true\n' },
    'setup.sh',
  ],
  [
    'a place outside of the repo',
    { '.stator/config.toml': '[agents.default]\nreadable = ["/srv/models"]\n' },
    '/srv/models',
  ],
])(
  'is not taken over where it names %s: a person is to say yes here',
  async (_, files, named) => {
    const { a, clone, cut } = await lostRepo(files);
    await cut();
    const [lost] = await a.store.hosts.lostRepos();
    if (lost === undefined) throw new Error('it is lost');
    if ('setup.sh' in files) write(clone, 'setup.sh', 'touch /tmp/other\n');
    await expect(a.projects.takeOver(lost, clone)).rejects.toMatchObject({
      code: 'untrusted',
      message: expect.stringContaining(named),
    });
    expect(a.projects.isElsewhere('shop')).toBe(true);
    expect(await a.store.hosts.lostRepos()).toHaveLength(1);
  },
  60_000,
);

it('a host that was stopped in order is lost after two minutes, one that was cut off after twelve seconds', async () => {
  const { a, cut, host } = await lostRepo({});
  await cut();
  const ago = (ms: number) => `CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) - ${ms}`;
  const isLost = async () => (await a.store.hosts.lostRepos()).length === 1;
  await host(`left_at = NULL, seen = ${ago(11_000)}`);
  expect(await isLost()).toBe(false);
  await host(`seen = ${ago(12_500)}`);
  expect(await isLost()).toBe(true);
  await host(`left_at = ${ago(119_000)}`);
  expect(await isLost()).toBe(false);
  await host(`left_at = ${ago(120_500)}`);
  expect(await isLost()).toBe(true);
});

it('no host works on a repo that moves before the new host has it; until then it can be given back', async () => {
  const { a, b, clone, bare } = await lostRepo({});
  const { hosts } = b.store;
  expect(await hosts.hand('shop', { from: 'a', to: 'b' })).toBe(false); // it is not that one's
  expect(await hosts.hand('shop', { from: 'b', to: 'nobody' })).toBe(false);
  await b.projects.hand('shop', 'a');
  expect(b.projects.isElsewhere('shop')).toBe(true);
  await a.projects.readOthers();
  expect(() => a.projects.mustBeHere('shop')).toThrow('is on its way from the host b to a');
  expect(await a.store.claim({ keptMs: Date.now(), wallMs: Date.now() }, { limit: 10 })).toEqual([]);
  const [coming] = await a.store.hosts.lostRepos();
  expect(coming).toMatchObject({ project: 'shop', host: 'a', comingFrom: 'b', remote: bare, path: null });
  // On its way it is given back, by a host that never had it.
  await a.projects.hand('shop', 'b');
  if (coming === undefined) throw new Error('it comes');
  expect(await a.projects.takeOver(coming, clone)).toBeNull();
  const [back] = await b.store.hosts.lostRepos();
  expect(back).toMatchObject({ host: 'b', comingFrom: 'b', path: expect.stringContaining('shop') });
  if (back?.path == null) throw new Error('b had it');
  expect(await b.projects.takeOver(back, back.path)).toEqual([]);
  expect(b.projects.find('shop')?.host).toBeUndefined();
  expect(await b.store.hosts.lostRepos()).toEqual([]);
});
