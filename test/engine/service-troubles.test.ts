/** What the engine tries again by itself is shown wherever a person asks for the state, and no longer than it lasts. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import {
  gate,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { callHere, watchHere } from '../support/in-process.ts';

/** The checks of `stator doctor` with that name that are not ok. */
async function doctorOn(engine: TestEngine, name: string): Promise<string[]> {
  const { stdout } = await callHere({ args: ['doctor', '--json'], cwd: engine.root, env: engine.env, input: '' });
  const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string; hint: string }[] };
  return checks.flatMap((check) => (check.name === name && !check.ok ? [`${check.detail}; ${check.hint}`] : []));
}

function running(engine: TestEngine, go: string) {
  writeFileSync(join(engine.repo, 'p.md'), planText([`${gate(go)}\necho x > x.txt`], ['echo y > y.txt']));
  return watchHere({ args: ['run', 'p.md'], cwd: engine.repo, env: engine.env, input: '' });
}

it('a full disk under an engine is reported by explain, the warnings and a run; with free space again it goes on, and nothing is lost', async () => {
  let isFull = false;
  const engine = await startEngine({
    faults(point) {
      if (isFull && point === 'store.after-begin')
        throw new BetterSqlite3.SqliteError('database or disk is full', 'SQLITE_FULL');
    },
  });
  const go = join(engine.root, 'go');
  const run = running(engine, go);
  await untilRunning(engine, 'p-w1-t1');
  isFull = true;
  openGate(go);
  const waiting = async () => (await engine.client.explain('demo', 'p')).waiting_for;
  await until(async () => /nothing can be written down.*disk is full/s.test((await waiting())?.detail ?? ''));
  await until(() => /nothing can be written down.*disk is full/s.test(run.stdout()));
  expect((await engine.client.warnings()).filter((warning) => warning.includes('disk is full'))).toHaveLength(1);
  expect(await doctorOn(engine, 'store')).toEqual([expect.stringMatching(/accepts no writes.*disk is full/)]);
  isFull = false;
  await untilStatus(engine, 'p', 'done');
  await until(async () => (await engine.client.warnings()).every((warning) => !warning.includes('disk is full')));
  expect((await engine.client.plan('demo', 'p')).tasks_done).toBe(2);
  expect((await run.ended).code).toBe(0);
  expect([await doctorOn(engine, 'store'), await doctorOn(engine, 'repo demo')]).toEqual([[], []]);
  mkdirSync(join(engine.repo, '.stator'), { recursive: true });
  writeFileSync(join(engine.repo, '.stator', 'config.toml'), 'agnts = 1\n');
  await until(async () => (await engine.client.repos())[0]?.state === 'degraded');
  expect(await doctorOn(engine, 'repo demo')).toEqual([expect.stringContaining('unknown key agnts')]);
});

it('signal files that cannot be taken are reported by status, explain and a run, until they can', async () => {
  const engine = await startEngine();
  const go = join(engine.root, 'go');
  const run = running(engine, go);
  await untilRunning(engine, 'p-w1-t1');
  const folder = join(engine.repo, '.stator', 'signals');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'needs-decision-p'), 'Which colour?');
  chmodSync(folder, 0o777);
  const trouble = /signal files in .* are not taken: other users may write there; close it: chmod go-w/;
  await until(async () => (await engine.client.warnings()).some((warning) => trouble.test(warning)));
  await until(() => trouble.test(run.stdout() + run.stderr()));
  const stator = async (...args: string[]) =>
    (await callHere({ args, cwd: engine.repo, env: engine.env, input: '' })).stdout;
  expect(await stator('status')).toMatch(trouble);
  expect((await stator('plan', 'explain', 'p')).replaceAll(/\s+/g, ' ')).toMatch(trouble);
  chmodSync(folder, 0o700);
  await until(async () => (await engine.client.warnings()).every((warning) => !trouble.test(warning)));
  await untilBlocked(engine, 'p');
  expect(await stator('plan', 'explain', 'p')).not.toContain('are not taken');
  openGate(go);
  expect((await run.ended).code).toBe(1);
});
