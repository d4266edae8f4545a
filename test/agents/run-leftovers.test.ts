/** What is hard to see among processes: those that become another program at this moment, and those that live for a few milliseconds each. */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAlive, readProcessTable } from '../../runtime/base/platform/process-table.ts';
import { watchRun } from '../../runtime/work/agents/liveness.ts';
import { processesOf } from '../../runtime/work/agents/process-tree.ts';
import { stopTree } from '../../runtime/work/agents/stopping.ts';
import { agentOf, carriersOf, createRun, ended, type TestRun, until } from '../support/run.ts';

const forever = new AbortController().signal;

/** A script that replaces itself this many times by itself, and then by another program. */
function writeReexec(run: TestRun): string {
  const file = join(run.request.cwd, 'again');
  writeFileSync(file, '#!/bin/sh\n[ "$1" -gt 0 ] || exit 0\nexec /bin/sh "$0" $(($1 - 1))\n', { mode: 0o755 });
  return file;
}

test('a process that becomes another program again and again is always known by its run', async () => {
  const run = createRun('true');
  const child = spawn('/bin/sh', [writeReexec(run), '20000'], { env: run.request.env, stdio: 'ignore' });
  let hasEnded = false;
  const end = new Promise<void>((done) => child.once('exit', () => done())).then(() => {
    hasEnded = true;
  });
  const table = readProcessTable();
  const seen = new Map<string | null | undefined, number>();
  for (let look = 0; look < 20_000 && !hasEnded; look += 1) {
    const id = table.runOf(child.pid ?? 0);
    seen.set(id, (seen.get(id) ?? 0) + 1);
    if (look % 100 === 0) await new Promise((next) => setImmediate(next));
  }
  child.kill('SIGKILL');
  await end;
  expect(seen.get(run.runId)).toBeGreaterThan(100);
  // At the very end, when it has gone, there is nothing to read.
  expect([...seen.keys()].filter((id) => typeof id === 'string' && id !== run.runId)).toEqual([]);
  expect(seen.get(null) ?? 0).toBeLessThanOrEqual(100);
});

test('a process with an empty environment has no run, which is known without a wait', async () => {
  const child = spawn('env', ['-i', '/bin/sleep', '60'], { env: { ...process.env, STATOR_RUN: 'plan:test/run#1' } });
  const pid = child.pid ?? 0;
  try {
    await until(() => readProcessTable().argumentsOf(pid)[0] === '/bin/sleep');
    expect(readProcessTable().runOf(pid)).toBeNull();
    // The reading of an environment that is empty for good waits for nothing.
    const table = readProcessTable();
    const startMs = performance.now();
    for (let look = 0; look < 1000; look += 1) table.runOf(pid);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  } finally {
    child.kill('SIGKILL');
  }
});

/** A chain of this many links, of about 10 ms each. Each is in a session of its own, starts the next one, and ends. */
function writeChain(run: TestRun, links: number): string {
  const file = join(run.request.cwd, 'link');
  const text = `#!/bin/sh\ntrap '' TERM\necho "$1" > '${run.request.cwd}/at'\n[ "$1" -lt ${links} ] || exit 0\nsleep 0.01\nsetsid /bin/sh "$0" $(($1 + 1)) </dev/null >/dev/null 2>&1 &\n`;
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

test('a chain of processes that live for 10 ms each does not outlive its run', async () => {
  const links = 3_000;
  for (let round = 0; round < 5; round += 1) {
    const run = createRun('sh ./link 1; sleep 60');
    writeChain(run, links);
    const launched = await run.start();
    await until(() => Number(run.read('at')) > 10);
    await stopTree(run.folder, run.runId, { graceMs: 100 });
    const at = run.read('at');
    expect(processesOf(run.folder, run.runId)).toEqual([]);
    expect(carriersOf([run.runId])).toEqual([]);
    expect(await ended(run.folder, launched.wrapper)).not.toBeNull();
    expect(run.read('at')).toBe(at);
    expect(Number(at)).toBeLessThan(links);
  }
});

test('a run whose folder is taken away is lost, and all of its processes can still be ended', async () => {
  const run = createRun(
    "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo up > up; while :; do sleep 0.05; done' & while :; do sleep 0.05; done",
  );
  const launched = await run.start();
  const agent = agentOf(launched);
  await until(() => run.read('up') !== '');
  const tree = processesOf(run.folder, run.runId);
  const watching = watchRun(run.folder, { abort: forever, pollMs: 20 });
  rmSync(run.folder.path, { recursive: true });
  expect(await watching).toEqual({ kind: 'lost' });
  expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'lost' });
  expect(isAlive(agent)).toBe(true);
  // Nobody knows who the wrapper was: it is found by its folder's name.
  await stopTree(run.folder, run.runId, { graceMs: 100 });
  expect(tree.filter(isAlive)).toEqual([]);
});

test('after its wrapper has gone too, what is left of a run without a folder is found by what the store knows', async () => {
  const run = createRun(
    "trap '' TERM; env -i /bin/sh -c 'trap \"\" TERM; echo up > up; while :; do sleep 0.05; done' & wait",
  );
  const launched = await run.start();
  await until(() => run.read('up') !== '');
  const tree = processesOf(run.folder, run.runId);
  rmSync(run.folder.path, { recursive: true });
  process.kill(launched.wrapper.pid, 'SIGKILL');
  await until(() => !isAlive(launched.wrapper));
  await stopTree(run.folder, run.runId, { graceMs: 100, known: launched.wrapper });
  expect(tree.filter(isAlive)).toEqual([]);
});
