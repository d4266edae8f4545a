/** Exactly one start, whichever process dies or wins at any time. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchRun } from '../../runtime/work/agents/liveness.ts';
import { processesOf } from '../../runtime/work/agents/process-tree.ts';
import { voidOrAdopt } from '../../runtime/work/agents/run-folder.ts';
import { launch } from '../../runtime/work/agents/wrapper.ts';
import { runsOf } from '../support/drawn.ts';
import { gate } from '../support/engine.ts';
import { carriersOf, createRun, type TestRun, until } from '../support/run.ts';

const forever = new AbortController().signal;
const countedStart = 'echo started >>starts; exit 6';

function startsOf(run: TestRun): number {
  return run.read('starts').split('\n').filter(Boolean).length;
}

test('a run that is voided while it starts is started once or never, as the void says', async () => {
  const outcomes = { void: 0, claimed: 0 };
  const rounds = runsOf(48);
  for (let round = 0; round < rounds; round++) {
    const run = createRun(countedStart);
    const launched = launch(run.request);
    // The first is voided before its wrapper can claim it, the last when it has; those between race.
    if (round === rounds - 1) await launched;
    else if (round % 3 > 0) await sleep((6 * round) / rounds);
    const adoption = voidOrAdopt(run.folder);
    const result = await launched;
    if (adoption.kind === 'void') {
      outcomes.void++;
      expect(['void', 'failed']).toContain(result.kind);
      await until(() => carriersOf([run.runId]).length === 0);
      expect(startsOf(run)).toBe(0);
    } else {
      outcomes.claimed++;
      expect(result.kind).toBe('started');
      expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 6 });
      expect(startsOf(run)).toBe(1);
    }
  }
  expect(outcomes.void).toBeGreaterThan(0);
  expect(outcomes.claimed).toBeGreaterThan(0);
});

test('a run that is launched several times at once is started once, and every launcher knows the same agent', async () => {
  for (let round = 0; round < runsOf(12); round++) {
    const run = createRun(countedStart);
    const launched = await Promise.all([1, 2, 3].map(() => launch(run.request)));
    expect(new Set(launched.map((each) => JSON.stringify(each))).size).toBe(1);
    await watchRun(run.folder, { abort: forever });
    await until(() => carriersOf([run.runId]).length === 0);
    expect(startsOf(run)).toBe(1);
    expect(await launch(run.request)).toEqual(launched[0]);
    expect(startsOf(run)).toBe(1);
  }
});

test('an engine that is killed right after the spawn leaves a run that is adopted, or was never started', async () => {
  let adopted = 0;
  for (let round = 0; round < runsOf(20); round++) {
    const run = createRun(countedStart);
    await launchAndDie(run);
    if (round % 2 === 0) await sleep(round / 2);
    const adoption = voidOrAdopt(run.folder);
    if (adoption.kind === 'void') {
      await until(() => carriersOf([run.runId]).length === 0);
      expect(startsOf(run)).toBe(0);
    } else {
      adopted++;
      expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 6 });
      expect(startsOf(run)).toBe(1);
    }
  }
  expect(adopted).toBeGreaterThan(0);
});

test('an engine that is killed right after the spawn can simply be started again: its launch finds the agent or starts it', async () => {
  for (let round = 0; round < runsOf(10); round++) {
    const run = createRun(countedStart);
    await launchAndDie(run);
    expect(await launch(run.request)).toMatchObject({ kind: 'started' });
    expect(await watchRun(run.folder, { abort: forever })).toEqual({ kind: 'exited', code: 6 });
    await until(() => carriersOf([run.runId]).length === 0);
    expect(startsOf(run)).toBe(1);
  }
});

test('an agent survives its engine and is watched by the next one to its end', async () => {
  const run = createRun(`${gate('go')}; exit 9`);
  await launchAndDie(run);
  const launched = await launch(run.request);
  expect(launched.kind).toBe('started');
  expect(processesOf(run.folder, run.runId).length).toBeGreaterThanOrEqual(2);
  const watched = watchRun(run.folder, { abort: forever, pollMs: 30_000 });
  writeFileSync(join(run.request.cwd, 'go'), '');
  expect(await watched).toEqual({ kind: 'exited', code: 9 });
});

/** A process of its own launches the run and kills itself in the same turn, after the spawn and before any claim can be seen. */
async function launchAndDie(run: TestRun): Promise<void> {
  const program = `
    import { launch } from ${JSON.stringify(new URL('../../dist/runtime/work/agents/wrapper.js', import.meta.url).href)};
    void launch(JSON.parse(process.argv[1]));
    process.kill(process.pid, 'SIGKILL');`;
  const args = ['--input-type=module', '-e', program, JSON.stringify(run.request)];
  const engine = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await until(() => engine.signalCode !== null || engine.exitCode !== null);
  expect(engine.signalCode).toBe('SIGKILL');
}
