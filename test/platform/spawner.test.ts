import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CaptureRequest } from '../../runtime/base/platform/capture.ts';
import type { DetachEnd } from '../../runtime/base/platform/detached.ts';
import { createSpawner, type Spawner } from '../../runtime/base/platform/spawner.ts';
import { isAlive } from '../support/daemon.ts';
import { hangMs } from '../support/hang.ts';

let folder: string;
let spawner: Spawner;
const waitFor = (check: () => unknown) => vi.waitFor(check, hangMs);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-test-'));
  spawner = createSpawner({ few: 0 });
});

afterEach(async () => {
  const pid = spawner.pid();
  if (pid !== null) process.kill(pid);
  await waitFor(() => expect(spawner.pid()).toBeNull());
  rmSync(folder, { recursive: true, force: true });
});

const shell = (script: string, more: Partial<CaptureRequest> = {}): CaptureRequest => ({
  ...{ program: '/bin/sh', args: ['-c', script], cwd: folder, env: { PATH: '/usr/bin:/bin' }, maxBytes: 1_000 },
  ...more,
});

const run = (request: CaptureRequest) => spawner.capture(request, () => {});

/** The parent is the process that started it: this one, or the small spawner. */
const parentOf = async () => Number((await run(shell('echo $PPID'))).stdout);

async function begun(): Promise<number> {
  await waitFor(async () => expect(await parentOf()).not.toBe(process.pid));
  return spawner.pid() as number;
}

describe('a spawner', () => {
  it('starts a few programs itself, and the others through a small process', async () => {
    expect(await parentOf()).toBe(process.pid);
    const pid = await begun();
    expect(await parentOf()).toBe(pid);
  });

  it('starts all programs itself if there are few', async () => {
    const own = createSpawner();
    for (let each = 0; each < 20; each += 1)
      expect((await own.capture(shell('echo $PPID'), () => {})).stdout).toBe(String(process.pid));
    expect(own.pid()).toBeNull();
  });

  it.each(['here', 'through the small process'])('takes what a program writes, and how it ends, %s', async (where) => {
    if (where !== 'here') await begun();
    else spawner = createSpawner();
    const file = join(folder, 'input');
    writeFileSync(file, 'from a file');
    const none = { signal: null, isTooLong: false, failure: null };
    expect(await run(shell('echo out; echo err >&2; exit 3'))).toEqual({
      exitCode: 3,
      stdout: 'out',
      stderr: 'err',
      ...none,
    });
    expect(await run(shell('cat', { input: 'from here\n\n' }))).toMatchObject({ exitCode: 0, stdout: 'from here\n' });
    expect(await run(shell('cat', { inputFile: file }))).toMatchObject({ stdout: 'from a file' });
    expect(await run(shell('cat'))).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await run(shell('env', { env: { ONE: '1' } }))).toMatchObject({ stdout: expect.stringContaining('ONE=1') });
    expect(await run(shell('kill -9 $$'))).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(await run(shell('head -c 2000 /dev/zero'))).toMatchObject({ isTooLong: true });
  });

  it.each(['here', 'through the small process'])('says why a program cannot be started, %s', async (where) => {
    if (where !== 'here') await begun();
    else spawner = createSpawner();
    const missing = { exitCode: null, failure: { code: 'ENOENT' } };
    expect(await run(shell('true', { program: join(folder, 'nothing') }))).toMatchObject(missing);
    expect(await run(shell('true', { cwd: join(folder, 'nothing') }))).toMatchObject(missing);
    expect(await run(shell('cat', { inputFile: join(folder, 'nothing') }))).toMatchObject(missing);
  });

  it('ends what the small process started when that is killed, and goes on without it', async () => {
    const pid = await begun();
    const file = join(folder, 'pid');
    const started: number[] = [];
    const running = spawner.capture(shell(`echo $$ > ${file}; exec sleep 60`), (itsPid) => started.push(itsPid));
    await waitFor(() => expect(readFileSync(file, 'utf8').trim()).toBe(String(started[0])));
    process.kill(pid, 'SIGKILL');
    expect(await running).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
    await waitFor(() => expect(isAlive(started[0] as number)).toBe(false));
    expect(spawner.pid()).toBeNull();
    expect(await parentOf()).toBe(process.pid);
  });

  it.each(['here', 'through the small process'])('starts a program that outlives it, %s', async (where) => {
    const parent = where === 'here' ? process.pid : await begun();
    if (where === 'here') spawner = createSpawner();
    const [input, output] = [join(folder, 'input'), join(folder, 'output')];
    writeFileSync(input, 'what it reads');
    const script = 'read -r told <&3; echo "$PPID $told $ONE"; cat; echo problem >&2; exit 7';
    const ended: DetachEnd[] = [];
    spawner.detach(
      {
        ...{ program: '/bin/sh', args: ['-c', script], cwd: folder, env: { PATH: '/usr/bin:/bin', ONE: '1' } },
        ...{ stdinFile: input, folder, outputFile: output, input: 'a secret\n' },
      },
      (end) => ended.push(end),
    );
    await waitFor(() =>
      expect(ended).toEqual([{ how: 'it ended with 7', code: 7, isSignalled: false, failure: null }]),
    );
    expect(readFileSync(output, 'utf8')).toBe(`${parent} a secret 1\nwhat it readsproblem\n`);
    expect(readdirSync(folder).sort()).toEqual(['input', 'output']);
  });

  it('reports a program that outlives it as ended by a signal if its end is unknown, and reports nothing to a listener that has left', async () => {
    const pid = await begun();
    const ended: DetachEnd[] = [];
    const sleeping = (file: string) => ({
      ...{ program: '/bin/sh', args: ['-c', `echo $$ > ${file}; exec sleep 60`], cwd: folder, env: {} },
      ...{ stdinFile: null, folder, outputFile: join(folder, 'output'), input: '\n' },
    });
    const files = ['one', 'other'].map((name) => join(folder, name));
    const [left, watched] = files.map((file) => spawner.detach(sleeping(file), (end) => ended.push(end)));
    const pids = () => files.map((file) => Number(readFileSync(file, 'utf8')));
    await waitFor(() => expect(pids().every((each) => each > 1)).toBe(true));
    left?.();
    process.kill(pid, 'SIGKILL');
    await waitFor(() => expect(ended).toMatchObject([{ code: null, isSignalled: true, failure: null }]));
    expect(pids().map(isAlive)).toEqual([true, true]);
    for (const each of pids()) process.kill(each);
    watched?.();
  });

  it('begins its small process before the first start where many are expected', async () => {
    spawner = createSpawner();
    spawner.expectMany();
    expect(spawner.pid()).not.toBeNull();
    await begun();
  });

  it('leaves no process behind when its own is killed', async () => {
    const module = join(import.meta.dirname, '../../dist/runtime/base/platform/spawner.js');
    const program = `
      const { createSpawner } = await import(${JSON.stringify(module)});
      const spawner = createSpawner({ few: 0 });
      const run = () => spawner.capture({ program: '/bin/true', args: [], cwd: '/', env: {}, maxBytes: 1 }, () => {});
      await run();
      process.stdout.write(String(spawner.pid()));
      setInterval(run, 100);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await once(child.stdout, 'data');
    const pid = Number(said);
    child.kill('SIGKILL');
    await waitFor(() => expect(isAlive(pid)).toBe(false));
  });

  it('keeps no process from its end', async () => {
    const module = join(import.meta.dirname, '../../dist/runtime/base/platform/spawner.js');
    const program = `
      const { createSpawner } = await import(${JSON.stringify(module)});
      const spawner = createSpawner({ few: 0 });
      const request = { program: '/bin/true', args: [], cwd: '/', env: {}, maxBytes: 1 };
      for (let each = 0; each < 50; each += 1) await spawner.capture(request, () => {});`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
