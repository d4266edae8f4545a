import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type FaultPoint, faultPoints } from '../../runtime/engine/engine.ts';
import { seedOf } from '../support/crash.ts';
import { drawnUnlessWhole } from '../support/drawn.ts';
import { drop, left, reasonOf, signalsOf } from '../support/gateway.ts';
import { type Ground, makeGround, until } from '../support/ground.ts';
import { randomOf } from '../support/random.ts';

const engineScript = fileURLToPath(new URL('../support/scripts/gateway-engine.mjs', import.meta.url));
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const taken = ['planner-finished-a', 'planner-finished-b', 'implement-finished-a'] as const;
const refused = ['review-approved-a', 'implement-wave-7-b', 'implement-finished-nobody'] as const;
const noSignals = ['notes', 'review-approved-'] as const;
const names = [...taken, ...refused, ...noSignals];

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A home that knows the repo, and two plans in it that are being planned. */
async function laid(): Promise<Ground & { folder: string }> {
  const ground = makeGround();
  cleanups.push(ground.remove);
  const engine = await createEngine({ home: ground.home, env: ground.env, log });
  try {
    await engine.client.addRepo(ground.repo, { trust: true });
    for (const plan of ['a', 'b']) {
      await engine.client.registerPlan({ project: 'demo', plan, content: '# Plan\n\n## Wave 1\n### Task 1: one\n' });
      await engine.client.send({ project: 'demo', plan, type: 'set_status', payload: { status: 'planning' } });
    }
  } finally {
    await engine.stop();
  }
  return { ...ground, folder: signalsOf(ground.repo) };
}

/** `implement-finished-a` is taken as its plan is implementing by then in no order that a test could name: only the row counts. */
function rows(home: string): { plan: string; type: string; dedupe_key: string; status: string }[] {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true });
  try {
    const sql = `SELECT plan, type, dedupe_key, status FROM signals WHERE origin = 'file' ORDER BY plan, type`;
    return db.prepare(sql).all() as { plan: string; type: string; dedupe_key: string; status: string }[];
  } finally {
    db.close();
  }
}

function live(ground: Ground, fault?: { point: FaultPoint; nth: number }) {
  const child: ChildProcess = spawn(process.execPath, [engineScript, JSON.stringify({ home: ground.home, fault })], {
    env: ground.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? String(code))),
  );
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { ended, stop: () => child.stdin?.end() };
}

async function expectAllHandled({ home, folder }: { home: string; folder: string }): Promise<void> {
  const isHandled = () =>
    existsSync(folder) && left(folder).length === 0 && left(join(folder, 'processing')).length === 0;
  await until(isHandled, () => `left: ${left(folder)}; processing: ${left(join(folder, 'processing'))}`);
  const found = rows(home);
  expect(found.map(({ plan, type }) => `${type} ${plan}`)).toEqual([
    'implement_finished a',
    'planner_finished a',
    'review_approved a',
    'implement_wave b',
    'planner_finished b',
    'implement_finished nobody',
  ]);
  expect(new Set(found.map((row) => row.dedupe_key)).size).toBe(found.length);
  const inFailed = readdirSync(join(folder, 'failed')).filter((name) => !name.endsWith('.reason'));
  const failedRows = found.filter(({ status }) => status === 'failed').length;
  expect(inFailed).toHaveLength(failedRows + noSignals.length);
  for (const name of [...refused, ...noSignals]) expect(inFailed).toContain(name);
  for (const name of inFailed) expect(reasonOf(folder, name)).toMatch(/^\S+Z \S.*\n/);
}

const points = [
  ...faultPoints.filter((point) => point.startsWith('gateway.')),
  'pump.before-commit',
  'pump.after-commit',
] as const satisfies readonly FaultPoint[];

describe('signal files, when the engine is killed', () => {
  for (const point of drawnUnlessWhole(points, 2, randomOf(seedOf('signal files'))))
    it(`at ${point}, count once, and what is refused is written back`, async () => {
      const ground = await laid();
      for (const name of names) drop(ground.folder, name, name);
      // The pump comes to its points with the engine's own start too, before there is any file.
      const nths = point.startsWith('pump.') ? [3, 2] : [1, 2];
      const ends: string[] = [];
      for (const nth of nths) ends.push(await lifeUntilKilled(ground, { point, nth }));
      expect(ends[0]).toBe('SIGKILL');
      expect(['SIGKILL', '0']).toContain(ends[1]);
      const last = live(ground);
      await expectAllHandled(ground);
      last.stop();
      expect(await last.ended).toBe('0');
    });

  it('with files of kasmos in the middle, are taken up as well', async () => {
    const ground = await laid();
    const processing = join(ground.folder, 'processing');
    mkdirSync(processing);
    for (const name of names) writeFileSync(join(processing, name), name);
    writeFileSync(join(processing, '.reason-of-a-killed-engine'), 'half a rea');
    const life = live(ground);
    await expectAllHandled(ground);
    expect(readdirSync(processing)).toEqual([]);
    life.stop();
    expect(await life.ended).toBe('0');
  });

  it('and their folder is taken away meanwhile, have been handled all the same', async () => {
    const ground = await laid();
    drop(ground.folder, 'planner-finished-a');
    expect(await lifeUntilKilled(ground, { point: 'gateway.after-insert', nth: 1 })).toBe('SIGKILL');
    rmSync(ground.folder, { recursive: true });
    const life = live(ground);
    await until(() => rows(ground.home).every(({ status }) => status === 'done'));
    expect(rows(ground.home)).toHaveLength(1);
    life.stop();
    expect(await life.ended).toBe('0');
  });
});

/** A life that does not come to its point is over when everything is handled. */
async function lifeUntilKilled(
  ground: Ground & { folder: string },
  fault: { point: FaultPoint; nth: number },
): Promise<string> {
  const { ended, stop } = live(ground, fault);
  let end: string | null = null;
  void ended.then((how) => {
    end = how;
  });
  const { folder } = ground;
  await until(() => end !== null || (left(folder).length === 0 && left(join(folder, 'processing')).length === 0));
  stop();
  return ended;
}
