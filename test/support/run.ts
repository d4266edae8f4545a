/** Runs with real processes for tests: each in its own folder under a temporary home, and killed at the end of its test. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { type Identity, isAlive } from '../../runtime/base/platform/process-table.ts';
import { createRunFolder, type RunFolder, readExit, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { type Launched, type LaunchRequest, launch } from '../../runtime/work/agents/wrapper.ts';
import { hangMs } from './hang.ts';
import { killLeft, type LeftProcess, processesWith, readOrEmpty } from './leftovers.ts';
import { removeFolder } from './remove-folder.ts';

export interface TestRun {
  readonly folder: RunFolder;
  readonly runId: string;
  readonly request: LaunchRequest;
  /** The text of a file in the run's working folder; empty if it is missing. */
  read(name: string): string;
  start(): Promise<Extract<Launched, { kind: 'started' }>>;
}

const homes: string[] = [];
const runIds: string[] = [];

afterEach(async () => {
  const ids = runIds.splice(0);
  try {
    await until(() => carriersOf(ids).length === 0).catch(() => undefined);
    const left = carriersOf(ids);
    killLeft(left);
    expect(left, 'processes left behind by the test').toEqual([]);
  } finally {
    for (const home of homes.splice(0)) removeFolder(home);
  }
});

export function createHome(): string {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'stator-run-')));
  homes.push(home);
  return home;
}

/** A run of `sh -c <script>`, not started yet; its working folder is the home. */
export function createRun(script: string, more: Partial<LaunchRequest> = {}): TestRun {
  const home = createHome();
  const runId = `plan:test/run#${randomBytes(6).toString('hex')}`;
  runIds.push(runId);
  const folder = runFolderAt(join(home, 'runs'), 'run-1', 'of-the-test');
  createRunFolder(folder);
  const request: LaunchRequest = {
    folder,
    argv: ['sh', '-c', script],
    walls: [],
    cwd: home,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', STATOR_RUN: runId },
    stdinFile: null,
    ...more,
  };
  return {
    folder,
    runId,
    request,
    read: (name) => readOrEmpty(join(home, name)),
    async start() {
      const launched = await launch(request);
      if (launched.kind !== 'started') throw new Error(`not started: ${JSON.stringify(launched)}`);
      return launched;
    },
  };
}

/** The agent of a run that has certainly started. */
export function agentOf(launched: { agent: Identity | null }): Identity {
  if (launched.agent === null) throw new Error('the run has no agent');
  return launched.agent;
}

const longestPauseMs = 50;

export async function until(isTrue: () => boolean, limitMs = hangMs): Promise<void> {
  const limitAtMs = performance.now() + limitMs;
  // A look may read all processes, which takes milliseconds of processor.
  for (let pauseMs = 5; !isTrue(); pauseMs = Math.min(1.5 * pauseMs, longestPauseMs)) {
    if (performance.now() > limitAtMs) throw new Error(`still not so after ${limitMs} ms: ${isTrue}`);
    await sleep(pauseMs);
  }
}

/** Waits for the end of a run without the code under test; returns its exit code, null if it was lost. */
export async function ended(folder: RunFolder, wrapper: Identity): Promise<number | null> {
  await until(() => !isAlive(wrapper));
  return readExit(folder);
}

/** The live processes of these runs. */
export function carriersOf(ids: readonly string[]): LeftProcess[] {
  return processesWith((entries) => ids.some((id) => entries.includes(`STATOR_RUN=${id}`)));
}
