/** A plan that a build of an earlier schema left unfinished, when it was killed, ends under that build: this version refuses its store, and leaves it as it is. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { buildVersion, refusedVersion } from '../support/earlier-version.ts';
import { gate, openGate } from '../support/engine.ts';
import { until } from '../support/ground.ts';

const commit = refusedVersion('runtime/core/store/sqlite/schema.ts');
const started: ChildProcess[] = [];
let root = '';
let old = '';

beforeAll(() => {
  if (commit === null) return;
  root = mkdtempSync(join(tmpdir(), 'stator-earlier-'));
  old = buildVersion(commit, join(root, 'sources'));
}, 300_000);
afterEach(() => {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it.skipIf(commit !== null)('an earlier version cannot be built: this checkout has no history', () => {});

it.skipIf(commit === null)(
  'what a version whose store is refused left unfinished stays as it is, and ends under that version',
  async () => {
    const made = working();
    const [ran, reached, go] = [join(made.root, 'ran'), join(made.root, 'reached'), join(made.root, 'go')];
    const task = (name: string, then = 'true') => `echo ${name} >>'${ran}'\n${then}`;
    made.write('p.md', planOf([task('one'), task('two', `touch '${reached}'; ${gate(go)}`)], [task('three')]));
    const start = (args: readonly string[]) => {
      const child = spawn(process.execPath, [old, ...args], { cwd: made.repo, env: made.env, stdio: 'ignore' });
      started.push(child);
      return { child, ended: new Promise<number | null>((resolve) => child.on('close', resolve)) };
    };
    const ranTasks = () => readFileSync(ran, 'utf8').trim().split('\n').sort();
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
    openGate(go);
    expect(await start(['run', 'p.md']).ended).toBe(0);
    expect(ranTasks()).toEqual(['one', 'three', 'two']);
  },
);
