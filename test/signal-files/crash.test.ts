import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine, type FaultPoint, faultPoints } from '../../runtime/engine/engine.ts';
import { seedOf } from '../support/crash.ts';
import { drawnUnlessWhole } from '../support/drawn.ts';
import { ground } from '../support/engine.ts';
import { drop, left, reasonOf, signalsOf } from '../support/gateway.ts';
import { type Ground, until } from '../support/ground.ts';
import { live, liveHere, quiet, read } from '../support/killed-engine.ts';
import { randomOf } from '../support/random.ts';

const taken = ['planner-finished-a', 'planner-finished-b', 'implement-finished-a'] as const;
const refused = ['review-approved-a', 'implement-wave-7-b', 'implement-finished-nobody'] as const;
const noSignals = ['notes', 'review-approved-'] as const;
const names = [...taken, ...refused, ...noSignals];

/** A home with the registered repo, and two plans that are being planned. */
async function laid(): Promise<Ground & { folder: string }> {
  const on = ground();
  const engine = await createEngine({ home: on.home, env: on.env, log: quiet });
  try {
    await engine.client.addRepo(on.repo, { trust: true });
    for (const plan of ['a', 'b']) {
      await engine.client.registerPlan({ project: 'demo', plan, content: '# Plan\n\n## Wave 1\n### Task 1: one\n' });
      await engine.client.send({ project: 'demo', plan, type: 'set_status', payload: { status: 'planning' } });
    }
  } finally {
    await engine.stop();
  }
  return { ...on, folder: signalsOf(on.repo) };
}

/** The order in which `implement-finished-a` is handled is not fixed, so only its row is compared. */
const rows = (home: string) =>
  read<{ plan: string; type: string; dedupe_key: string; status: string }>(
    home,
    `SELECT plan, type, dedupe_key, status FROM signals WHERE origin = 'file' ORDER BY plan, type`,
  );

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
      const on = await laid();
      for (const name of names) drop(on.folder, name, name);
      // The pump also passes its points at the engine's start, before there is any file.
      const nths = point.startsWith('pump.') ? [3, 2] : [1, 2];
      const ends: string[] = [];
      for (const nth of nths) ends.push(await lifeUntilKilled(on, { point, nth }));
      expect(ends[0]).toBe('SIGKILL');
      expect(['SIGKILL', '0']).toContain(ends[1]);
      const last = await liveHere(on);
      await expectAllHandled(on);
      await last.stop();
    });

  it('with files of kasmos in the middle, are taken up as well', async () => {
    const on = await laid();
    const processing = join(on.folder, 'processing');
    mkdirSync(processing);
    for (const name of names) writeFileSync(join(processing, name), name);
    writeFileSync(join(processing, '.reason-of-a-killed-engine'), 'half a rea');
    const life = await liveHere(on);
    await expectAllHandled(on);
    expect(readdirSync(processing)).toEqual([]);
    await life.stop();
  });

  it('and their folder is taken away meanwhile, have been handled all the same', async () => {
    const on = await laid();
    drop(on.folder, 'planner-finished-a');
    expect(await lifeUntilKilled(on, { point: 'gateway.after-insert', nth: 1 })).toBe('SIGKILL');
    rmSync(on.folder, { recursive: true });
    const life = live(on);
    await until(() => rows(on.home).every(({ status }) => status === 'done'));
    expect(rows(on.home)).toHaveLength(1);
    life.stop();
    expect(await life.ended).toBe('0');
  });
});

/** If a life does not reach its point, it ends when everything is handled. */
async function lifeUntilKilled(
  on: Ground & { folder: string },
  fault: { point: FaultPoint; nth: number },
): Promise<string> {
  const { ended, stop } = live(on, { fault });
  let end: string | null = null;
  void ended.then((how) => {
    end = how;
  });
  const { folder } = on;
  await until(() => end !== null || (left(folder).length === 0 && left(join(folder, 'processing')).length === 0));
  stop();
  return ended;
}
