/** Plans that an earlier version of the program left unfinished, when it was killed, end under this one; those of a build before the first release end under it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { buildVersion, earlierVersions } from '../support/earlier-version.ts';
import { openGate } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const { upgradable, refused } = earlierVersions('runtime/core/store/sqlite/schema.ts');
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});

it.skipIf(upgradable !== null || refused !== null)(
  'an earlier version cannot be built: this checkout has no history',
  () => {},
);

describe.each([
  ['upgradable', upgradable],
  ['refused', refused],
])('what a version whose store is %s left unfinished', (kind, commit) => {
  let root = '';
  let old = '';
  beforeAll(() => {
    if (commit === null) return;
    root = mkdtempSync(join(tmpdir(), 'stator-earlier-'));
    old = buildVersion(commit, join(root, 'sources'));
  }, 300_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** A plan whose second task waits for its gate, in a home that was begun by the old one. */
  function begun() {
    const made = working();
    const [ran, reached, gate] = ['ran', 'reached', 'gate'].map((name) => join(made.root, name)) as [
      string,
      string,
      string,
    ];
    const task = (name: string, then = 'true') => `echo ${name} >>'${ran}'\n${then}`;
    const wait = `touch '${reached}'; while [ ! -e '${gate}' ]; do sleep 0.05; done`;
    made.write('p.md', planOf([task('one'), task('two', wait)], [task('three')]));
    const start = (args: readonly string[]) => {
      const child = spawn(process.execPath, [old, ...args], { cwd: made.repo, env: made.env, stdio: 'ignore' });
      started.push(child);
      return { child, ended: new Promise<number | null>((resolve) => child.on('close', resolve)) };
    };
    const ranTasks = () => readFileSync(ran, 'utf8').trim().split('\n').sort();
    return { made, start, reached, gate, ranTasks };
  }

  const isRefused = kind === 'refused';

  it.skipIf(commit === null || !isRefused)('stays as it is, and ends under that version', async () => {
    const { made, start, reached, gate, ranTasks } = begun();
    const run = start(['run', 'p.md', '--trust']);
    await until(() => existsSync(reached) && ranTasks().length === 2);
    run.child.kill('SIGKILL');
    await run.ended;
    const files = ['taskstore.db', 'taskstore.db-wal'].map((name) => join(made.home, name));
    const digests = () => files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'));
    const before = digests();
    for (const args of [
      ['run', 'p.md'],
      ['plan', 'list'],
      ['daemon', 'start', '--foreground'],
    ]) {
      const { code, stderr } = await made.stator(args);
      expect([args, code, stderr]).toEqual([args, 78, expect.stringContaining('of a build before the first release')]);
    }
    expect(digests()).toEqual(before);
    openGate(gate);
    expect(await start(['run', 'p.md']).ended).toBe(0);
    expect(ranTasks()).toEqual(['one', 'three', 'two']);
  });

  it.skipIf(commit === null || isRefused)('by `run`, killed while one agent works and another has ended', async () => {
    const { made, start, reached, gate, ranTasks } = begun();
    const run = start(['run', 'p.md', '--trust']);
    await until(() => existsSync(reached) && ranTasks().length === 2);
    run.child.kill('SIGKILL');
    await run.ended;
    openGate(gate);
    const { code, stdout, stderr } = await made.start(['run', 'p.md']).ended;
    expect(`${stdout}${stderr}`).toContain('p is done');
    expect(code).toBe(0);
    expect(ranTasks()).toEqual(['one', 'three', 'two']);
    expect(await made.stator(['plan', 'verify', '--all'])).toMatchObject({ code: 0 });
    expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p').split('\n')).toContain('w2t1.txt');
  });

  it.skipIf(commit === null || isRefused)('by a daemon and a `run` beside it, both killed', async () => {
    const { made, start, reached, gate, ranTasks } = begun();
    const daemon = start(['daemon', 'start', '--foreground']);
    await until(async () => (await start(['daemon', 'status']).ended) === 0);
    const run = start(['run', 'p.md', '--trust']);
    await until(() => existsSync(reached) && ranTasks().length === 2);
    for (const { child } of [daemon, run]) child.kill('SIGKILL');
    await Promise.all([daemon.ended, run.ended]);
    openGate(gate);
    const next = made.start(['daemon', 'start', '--foreground']);
    const { code, stdout, stderr } = await made.start(['run', 'p.md']).ended;
    expect(`${stdout}${stderr}`).toContain('p is done');
    expect(code).toBe(0);
    expect(ranTasks()).toEqual(['one', 'three', 'two']);
    expect(await made.stator(['plan', 'verify', '--all'])).toMatchObject({ code: 0 });
    next.child.kill('SIGTERM');
    await next.ended;
  });
});
