/** One agent process from its start to its exit code. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProcess, isAlive, signalProcess } from '../../runtime/base/platform/process-table.ts';
import { spawner } from '../../runtime/base/platform/spawner.ts';
import { lastActivityMs, watchRun } from '../../runtime/work/agents/liveness.ts';
import { tailOf } from '../../runtime/work/agents/output-log.ts';
import { processesOf } from '../../runtime/work/agents/process-tree.ts';
import { createRunFolder, readExit, voidOrAdopt, writeRunFile } from '../../runtime/work/agents/run-folder.ts';
import { stopTree } from '../../runtime/work/agents/stopping.ts';
import { launch } from '../../runtime/work/agents/wrapper.ts';
import { gate } from '../support/engine.ts';
import { readOrEmpty } from '../support/leftovers.ts';
import { expectProse } from '../support/prose.ts';
import { agentOf, createHome, createRun, ended, until } from '../support/run.ts';

const forever = new AbortController().signal;

describe('an agent that ends', () => {
  test.each([
    ['exit 0', 0],
    ['exit 3', 3],
    ['exit 255', 255],
    ['kill -TERM $$', 143],
    ['kill -INT $$', 130],
    ['kill -KILL $$', 137],
  ])('by `%s` is reported with exit code %i', async (script, code) => {
    const run = createRun(script);
    await run.start();
    expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code });
    await until(() => processesOf(run.folder, run.runId).length === 0);
    expect(voidOrAdopt(run.folder)).toEqual({ kind: 'ended', code });
  });

  test('is noticed at once, without waiting for the poll', async () => {
    const run = createRun('read -r line; exit 4', { stdinFile: '/dev/null' });
    await run.start();
    expect(await watchRun(run.folder, { abort: forever, pollMs: 3_600_000 })).toEqual({ kind: 'exited', code: 4 });
  });

  test('leaves output and errors in the log, in order, and its prompt was on standard input', async () => {
    const run = createRun('cat; echo error >&2; echo last');
    writeRunFile(run.folder.prompt, 'do the work\n');
    await launch({ ...run.request, stdinFile: run.folder.prompt });
    await watchRun(run.folder, { abort: forever });
    expect(tailOf(run.folder)).toBe('do the work\nerror\nlast\n');
    expect(lastActivityMs(run.folder)).toBeGreaterThan(Date.now() - 60_000);
  });

  test('saw the arguments, the folder and the environment that it was given, and no more', async () => {
    const run = createRun('');
    const argv: [string, ...string[]] = [
      'sh',
      '-c',
      'printf "%s|" "$@"; pwd; env | sort',
      'sh',
      'a b',
      "it's",
      '',
      '*',
      '$HOME\n',
    ];
    await launch({ ...run.request, argv, env: { ...run.request.env, TOKEN: 'x=1 "quoted"' } });
    await watchRun(run.folder, { abort: forever });
    const [args = '', ...env] = tailOf(run.folder).split(`${run.request.cwd}\n`);
    expect(args).toBe("a b|it's||*|$HOME\n|");
    expect(env.join('')).toContain(`STATOR_RUN=${run.runId}\n`);
    expect(env.join('')).toContain('TOKEN=x=1 "quoted"\n');
    expect(env.join('')).not.toContain('HOME=');
  });

  test('was born with no signal ignored', async () => {
    const run = createRun('grep SigIgn /proc/self/status');
    await run.start();
    await watchRun(run.folder, { abort: forever });
    expect(tailOf(run.folder)).toMatch(/^SigIgn:\t0+\n$/);
  });

  test('keeps its folder to its user', async () => {
    const run = createRun('true');
    await run.start();
    await watchRun(run.folder, { abort: forever });
    expect(statSync(run.folder.path).mode & 0o777).toBe(0o700);
    expect(statSync(run.folder.log).mode & 0o777).toBe(0o600);
    createRunFolder(run.folder, { isBegun: true });
    expect(readExit(run.folder)).toBe(0);
    expect(() => createRunFolder(run.folder)).toThrow(/EEXIST/);
  });

  test('keeps each of its files to its user, whatever the umask, which is the agent’s own', async () => {
    const run = createRun('umask > mask; : > made');
    const before = process.umask(0o002);
    try {
      await run.start();
    } finally {
      process.umask(before);
    }
    await watchRun(run.folder, { abort: forever });
    for (const file of [run.folder.claim, run.folder.pid, run.folder.exit, run.folder.log])
      expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
    // Where many were started already, a small process of ours starts it, with the umask that it was born with; until that one is ready, this one does.
    const starter = spawner.pid();
    const masks = ['0002', ...(starter === null ? [] : [maskOf(starter)])];
    expect(masks).toContain(readFileSync(join(run.request.cwd, 'mask'), 'utf8').trim());
  });
});

function maskOf(pid: number): string | undefined {
  return /^Umask:\s+(\d+)$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1];
}

function expectNotStarted(launched: Awaited<ReturnType<typeof launch>>, ...places: string[]): void {
  if (launched.kind !== 'failed') expect.fail('it was started');
  expectProse(`${launched.message}\nhint: ${launched.hint}`, ...places);
}

describe('an agent that cannot be started', () => {
  test('because its program does not exist is a start failure that names the PATH', async () => {
    const run = createRun('');
    const env = { ...run.request.env, PATH: '/usr/bin:/bin' };
    const missing = await launch({ ...run.request, argv: ['no-such-agent'], env });
    expect(missing).toMatchObject({ kind: 'failed', isFinal: true });
    expectNotStarted(missing, '"no-such-agent"', '/usr/bin:/bin', '[agents]');
    expectNotStarted(await launch({ ...run.request, argv: ['./agent.sh'] }), '"./agent.sh"');
    expect(voidOrAdopt(run.folder)).toEqual({ kind: 'void' });
  });

  test('because its working folder has gone is a start failure', async () => {
    const run = createRun('');
    const gone = join(run.request.cwd, 'gone');
    expectNotStarted(await launch({ ...run.request, cwd: gone }), gone);
  });

  test('because its arguments are too long is a start failure, and it never starts later', async () => {
    const run = createRun('');
    const launched = await launch({ ...run.request, argv: ['echo', 'x'.repeat(3_000_000)] });
    expect(launched).toMatchObject({ kind: 'failed', message: expect.stringContaining('E2BIG') });
    expect(voidOrAdopt(run.folder)).toEqual({ kind: 'void' });
  });

  test('is started all the same where a Ctrl-C ended its wrapper before the claim', async () => {
    const run = createRun('echo here');
    const once = join(run.request.cwd, 'once');
    const wrapper = readFileSync(run.folder.wrapper, 'utf8');
    writeFileSync(run.folder.wrapper, `[ -e '${once}' ] || { : >'${once}'; kill -INT $$; }\n${wrapper}`);
    expect(await launch(run.request)).toMatchObject({ kind: 'started' });
    await watchRun(run.folder, { abort: forever });
    expect(tailOf(run.folder)).toBe('here\n');
  });

  test('because a signal ends its wrapper every time is a start failure', async () => {
    const run = createRun('echo here');
    writeFileSync(run.folder.wrapper, 'kill -INT $$\n');
    const launched = await launch(run.request);
    expect(launched).toMatchObject({ kind: 'failed', message: expect.stringContaining('SIGINT') });
    expect(tailOf(run.folder)).toBe('');
  });

  test('because it lies in its working folder, where an earlier process may have put it', async () => {
    const home = createHome();
    mkdirSync(join(home, 'bin'));
    writeFileSync(join(home, 'bin', 'agent'), '#!/bin/sh\necho here\n');
    chmodSync(join(home, 'bin', 'agent'), 0o755);
    for (const program of ['agent', './bin/agent', 'bin/agent']) {
      const run = createRun('');
      const env = { ...run.request.env, PATH: 'bin::/usr/bin:/bin' };
      expect(await launch({ ...run.request, argv: [program], cwd: home, env })).toMatchObject({ kind: 'failed' });
    }
  });
});

describe('a wrapper', () => {
  test('that is killed alone makes the run lost, and stopping ends the agent that it left', async () => {
    const run = createRun('sleep 300; true');
    const { wrapper, agent } = await run.start();
    signalProcess(wrapper, 'SIGKILL');
    expect(await watchRun(run.folder, { abort: forever, pollMs: 50 })).toEqual({ kind: 'lost' });
    expect(agent && isAlive(agent)).toBe(true);
    await stopTree(run.folder, run.runId);
    expect(processesOf(run.folder, run.runId)).toEqual([]);
    expect(agent && isAlive(agent)).toBe(false);
    expect(voidOrAdopt(run.folder)).toEqual({ kind: 'claimed', wrapper });
  });

  test('outlives TERM, INT and a hang-up, and still reports its agent', async () => {
    const run = createRun(`${gate('go')}; exit 5`);
    const { wrapper } = await run.start();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) signalProcess(wrapper, signal);
    writeFileSync(join(run.request.cwd, 'go'), '');
    expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 5 });
  });

  test('that somebody froze is woken, and reports its agent that was killed meanwhile', async () => {
    const run = createRun('exec sleep 300');
    const launched = await run.start();
    signalProcess(launched.wrapper, 'SIGSTOP');
    await until(() => findProcess(launched.wrapper)?.state === 'T');
    signalProcess(agentOf(launched), 'SIGKILL');
    expect(await watchRun(run.folder, { abort: forever, pollMs: 50 })).toEqual({ kind: 'exited', code: 137 });
  });

  test('that left an empty exit file makes the run lost', async () => {
    const run = createRun('exec sleep 300');
    const { wrapper } = await run.start();
    writeFileSync(run.folder.exit, '');
    const watched = watchRun(run.folder, { abort: forever, pollMs: 50 });
    signalProcess(wrapper, 'SIGKILL');
    expect(await watched).toEqual({ kind: 'lost' });
    await stopTree(run.folder, run.runId);
  });

  test('of an earlier start of the machine is gone, and no process is taken for its own', async () => {
    const run = createRun('true');
    writeFileSync(run.folder.claim, `00000000-0000-0000-0000-000000000000 ${process.ppid} 1\n`);
    expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'lost' });
    expect(processesOf(run.folder, run.runId)).toEqual([]);
    await stopTree(run.folder, run.runId);
    expect(await launch(run.request)).toMatchObject({ kind: 'started', agent: null });
  });

  test('whose claim a power failure emptied counts as one that had started', async () => {
    const run = createRun('true');
    writeFileSync(run.folder.claim, '');
    expect(voidOrAdopt(run.folder)).toMatchObject({ kind: 'claimed' });
    expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'lost' });
  });
});

describe('watching', () => {
  test('can be given up without touching the agent, and taken up again', async () => {
    const run = createRun(`${gate('go')}; exit 7`);
    const launched = await run.start();
    const abort = new AbortController();
    const watched = watchRun(run.folder, { abort: abort.signal, pollMs: 30_000 });
    abort.abort(new Error('the engine leaves'));
    await expect(watched).rejects.toThrow('the engine leaves');
    expect(isAlive(agentOf(launched))).toBe(true);
    writeFileSync(join(run.request.cwd, 'go'), '');
    expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 7 });
  });

  test('a run that nobody claimed is refused', async () => {
    const run = createRun('true');
    await expect(watchRun(run.folder, { abort: forever })).rejects.toThrow('before a wrapper claimed it');
    expect(existsSync(run.folder.claim)).toBe(false);
  });
});

describe('an identity', () => {
  test('that does not match is never signalled', async () => {
    const child = spawn('sleep', ['300'], { stdio: 'ignore' });
    const pid = child.pid ?? 0;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const start = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
    try {
      expect(signalProcess({ boot, pid, start: String(Number(start) + 1) }, 'SIGKILL')).toBe(false);
      expect(signalProcess({ boot: 'another', pid, start }, 'SIGKILL')).toBe(false);
      expect(signalProcess({ boot, pid: 1, start: '0' }, 'SIGCONT')).toBe(false);
      expect(signalProcess({ boot, pid: -pid, start }, 'SIGKILL')).toBe(false);
      expect(isAlive({ boot, pid, start })).toBe(true);
    } finally {
      child.kill('SIGKILL');
    }
    await until(() => child.exitCode !== null || child.signalCode !== null);
    expect(isAlive({ boot, pid, start })).toBe(false);
  });

  test('is the same to the wrapper, which writes it, and to us, who read it', async () => {
    const run = createRun('exec sleep 300');
    const launched = await run.start();
    expect(findProcess(launched.wrapper)?.session).toBe(launched.wrapper.pid);
    await until(() => findProcess(agentOf(launched))?.name === 'sleep');
    expect(findProcess(agentOf(launched))?.parent).toBe(launched.wrapper.pid);
    await stopTree(run.folder, run.runId);
    expect(await ended(run.folder, launched.wrapper)).toBe(143);
  });
});
