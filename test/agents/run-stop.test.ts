/** Stopping, sweeping, freezing: all of a run, and nothing else. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  findProcess,
  type Identity,
  isAlive,
  readProcessTable,
  signalProcess,
} from '../../runtime/base/platform/process-table.ts';
import { readStandstill } from '../../runtime/work/agents/frozen.ts';
import { lastActivityMs, watchRun } from '../../runtime/work/agents/liveness.ts';
import { tailOf } from '../../runtime/work/agents/output-log.ts';
import { processesOf } from '../../runtime/work/agents/process-tree.ts';
import { voidOrAdopt } from '../../runtime/work/agents/run-folder.ts';
import { freezeTree, stopTree, sweepLeftovers, thawTree } from '../../runtime/work/agents/stopping.ts';
import { launch } from '../../runtime/work/agents/wrapper.ts';
import { agentOf, carriersOf, createRun, ended, type TestRun, until } from '../support/run.ts';

const forever = new AbortController().signal;

test('an agent that never ends is stopped with TERM, and its exit code is kept', async () => {
  const run = createRun('trap "echo bye; exit 12" TERM; echo ready; while :; do sleep 0.05; done');
  await run.start();
  await until(() => tailOf(run.folder).includes('ready'));
  await stopTree(run.folder, run.runId);
  expect(processesOf(run.folder, run.runId)).toEqual([]);
  expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 12 });
  expect(tailOf(run.folder)).toContain('bye');
});

test('an agent that ignores TERM, forks, and starts sessions of their own is gone after the grace', async () => {
  const script = `
    trap "" TERM HUP INT
    setsid sh -c 'trap "" TERM; echo one >>up; while :; do sleep 0.05; done' &
    (setsid setsid sh -c 'trap "" TERM; echo two >>up; sleep 301; true' &)
    env -i /bin/sh -c 'trap "" TERM; echo three >>up; sleep 302; true' &
    echo four >>up; while :; do sleep 0.05; done`;
  const run = createRun(script);
  const launched = await run.start();
  await until(() => lines(run, 'up').length === 4);
  const tree = processesOf(run.folder, run.runId);
  expect(tree.length).toBeGreaterThanOrEqual(5);
  await stopTree(run.folder, run.runId, { graceMs: 300 });
  expect(tree.filter(isAlive)).toEqual([]);
  expect(await ended(run.folder, launched.wrapper)).toBe(137);
});

test('an agent that is killed alone is reported with 137, and what it left is swept', async () => {
  const run = createRun('(setsid sleep 300 &) ; env -i sleep 301 & echo up; sleep 302');
  const launched = await run.start();
  await until(() => tailOf(run.folder).includes('up') && processesOf(run.folder, run.runId).length === 5);
  signalProcess(agentOf(launched), 'SIGKILL');
  expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 137 });
  await until(() => !isAlive(launched.wrapper));
  const left = processesOf(run.folder, run.runId);
  // The three, and the process that still empties the pipe that they hold open.
  expect(left.length).toBe(5);
  await sweepLeftovers(run.folder, run.runId, { waitMs: 50, graceMs: 1000 });
  expect(left.filter(isAlive)).toEqual([]);
});

test('a leftover that ends by itself in time is not signalled', async () => {
  const run = createRun(
    `sh -c 'trap "echo told >>said" TERM; while [ ! -e go ]; do sleep 0.02; done; echo done >>said' & exit 0`,
  );
  await run.start();
  await watchRun(run.folder, { abort: forever });
  const swept = sweepLeftovers(run.folder, run.runId, { waitMs: 20_000 });
  writeFileSync(join(run.request.cwd, 'go'), '');
  await swept;
  expect(lines(run, 'said')).toEqual(['done']);
});

test('a leftover without environment or output of the run is still found by its session after the wrapper has gone', async () => {
  const run = createRun('env -i sleep 300 >/dev/null 2>&1 & exit 0');
  const launched = await run.start();
  await ended(run.folder, launched.wrapper);
  // The process that empties the output's pipe ends shortly after the wrapper.
  await until(() => processesOf(run.folder, run.runId).length === 1);
  await sweepLeftovers(run.folder, run.runId, { waitMs: 0 });
  expect(processesOf(run.folder, run.runId)).toEqual([]);
});

test("another run's process is never touched, also when this run's agent started it or shares its session", async () => {
  const bystander = createRun('exec sleep 300');
  const other = await bystander.start();
  const script = `
    STATOR_RUN=${bystander.runId} setsid sleep 301 &
    STATOR_RUN=${bystander.runId} sleep 302 &
    (STATOR_RUN=${bystander.runId} setsid sleep 303 &)
    echo up; sleep 304`;
  const run = createRun(script);
  await run.start();
  await until(() => tailOf(run.folder).includes('up') && carriersOf([bystander.runId]).length === 7);
  const theirs = carriersOf([bystander.runId]);
  await stopTree(run.folder, run.runId, { graceMs: 500 });
  expect(carriersOf([run.runId])).toEqual([]);
  expect(carriersOf([bystander.runId])).toEqual(theirs);
  expect(isAlive(agentOf(other))).toBe(true);
  await stopTree(bystander.folder, bystander.runId, { graceMs: 500 });
  expect(carriersOf([bystander.runId])).toEqual([]);
});

test('a process that carries the id of a run but has a living parent elsewhere is somebody else’s child', async () => {
  const run = createRun('exec sleep 300');
  await run.start();
  const server = spawn('sh', ['-c', 'sleep 301 & wait'], {
    stdio: 'ignore',
    env: { ...process.env, STATOR_RUN: run.runId },
  });
  await until(() => carriersOf([run.runId]).length === 6);
  expect(processesOf(run.folder, run.runId)).toHaveLength(2);
  await stopTree(run.folder, run.runId);
  const left = readProcessTable().rows.filter((row) => row.identity.pid === server.pid || row.parent === server.pid);
  expect(left).toHaveLength(2);
  for (const row of left) signalProcess(row.identity, 'SIGKILL');
});

test('stopping can be given up half-way and done again', async () => {
  const run = createRun('trap "" TERM; echo up; while :; do sleep 0.05; done');
  const launched = await run.start();
  await until(() => tailOf(run.folder).includes('up'));
  const abort = new AbortController();
  const stopped = stopTree(run.folder, run.runId, { abort: abort.signal });
  abort.abort(new Error('the engine leaves'));
  await expect(stopped).rejects.toThrow('the engine leaves');
  expect(isAlive(agentOf(launched))).toBe(true);
  await stopTree(run.folder, run.runId, { graceMs: 0 });
  expect(await ended(run.folder, launched.wrapper)).toBe(137);
});

test('a run that was not started yet is never started once it was stopped', async () => {
  const run = createRun('echo started >>starts');
  await stopTree(run.folder, run.runId);
  expect(voidOrAdopt(run.folder)).toEqual({ kind: 'void' });
  expect(await launch(run.request)).toEqual({ kind: 'void' });
  expect(run.read('starts')).toBe('');
});

test('a run that is stopped while it starts leaves nothing behind', async () => {
  for (let round = 0; round < 20; round++) {
    const run = createRun('sleep 300; true');
    const launched = launch(run.request);
    await until(() => round % 4 === 0 || hasStarted(run));
    await stopTree(run.folder, run.runId);
    await launched;
    await until(() => carriersOf([run.runId]).length === 0); // a wrapper that lost to the void needs a moment to end
  }
});

test('a frozen run makes no progress, and continues when it is thawed', async () => {
  const run = createRun(
    `setsid sh -c 'while :; do date +%N >>ticks; sleep 0.01; done' & while :; do date +%N; sleep 0.01; done`,
  );
  const launched = await run.start();
  await until(() => tailOf(run.folder).length > 0 && run.read('ticks').length > 0);
  await freezeTree(run.folder, run.runId);
  // The watch for stops from outside reads that it was stator.
  expect(readStandstill(run.folder).isFrozen).toBe(true);
  const states = processesOf(run.folder, run.runId).map((identity) => findProcess(identity)?.state);
  // A shell that forks by vfork(2) is D, not T, for as long as its child is stopped before the exec.
  expect(states.slice(1).filter((state) => state !== 'T' && state !== 'D')).toEqual([]);
  const [output, ticks, atMs] = [tailOf(run.folder), run.read('ticks'), lastActivityMs(run.folder)];
  const watched = watchRun(run.folder, { abort: forever, pollMs: 20 });
  await Promise.race([watched, until(() => false, 300).catch(() => undefined)]);
  expect([tailOf(run.folder), run.read('ticks'), lastActivityMs(run.folder)]).toEqual([output, ticks, atMs]);
  thawTree(run.folder, run.runId);
  expect(readStandstill(run.folder).isFrozen).toBe(false);
  await until(() => tailOf(run.folder) !== output && run.read('ticks') !== ticks);
  await stopTree(run.folder, run.runId, { graceMs: 2000 });
  expect(await watched).toEqual({ kind: 'exited', code: 143 });
  expect(isAlive(launched.wrapper)).toBe(false);
});

test('a frozen run, its wrapper too, can be stopped', async () => {
  const run = createRun('while :; do sleep 0.05; done');
  const launched = await run.start();
  await freezeTree(run.folder, run.runId);
  signalProcess(launched.wrapper, 'SIGSTOP');
  await until(() => findProcess(launched.wrapper)?.state === 'T');
  await stopTree(run.folder, run.runId);
  expect(await ended(run.folder, launched.wrapper)).toBe(143);
});

test('a TERM to the whole group, from any sender, loses no exit code', async () => {
  for (let round = 0; round < 10; round++) {
    const run = createRun('echo up; sleep 300; true');
    const launched = await run.start();
    await until(() => tailOf(run.folder).includes('up'));
    const { pid } = launched.wrapper;
    for (let again = 0; again < 20 && isAlive(launched.wrapper); again++) killGroup(pid);
    expect(await watchRun(run.folder, { abort: forever, pollMs: 50 })).toEqual({ kind: 'exited', code: 143 });
  }
});

function killGroup(pid: Identity['pid']): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function lines(run: TestRun, name: string): string[] {
  return run.read(name).split('\n').filter(Boolean);
}

function hasStarted(run: TestRun): boolean {
  return processesOf(run.folder, run.runId).length > 0;
}
