/** Five charts by an outside author, in an engine that is killed at random times again and again: each tree ends as it would have without kills. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { ground } from './engine.ts';
import type { Ground } from './ground.ts';
import { randomOf } from './random.ts';

const script = fileURLToPath(new URL('./scripts/five-charts-engine.mjs', import.meta.url));

interface End {
  readonly machine: string;
  readonly tree: string;
  readonly value: string;
  readonly output: readonly string[];
  readonly moves: readonly string[];
}

const argument = (on: Ground, id: string) => ({ home: on.home, ledger: join(on.root, 'ledger'), id });

/** Runs in this process until all trees have ended. */
async function finish(on: Ground, id: string): Promise<{ readonly ends: readonly End[]; readonly ok: boolean }> {
  const engine = (await import(script)) as { finish(of: object): ReturnType<typeof finish> }; // as that script is
  return engine.finish({ ...argument(on, id), env: on.env });
}

/** The result of each machine without kills; for orders one that is shipped and one that is not. */
async function undisturbed(): Promise<ReadonlyMap<string, Pick<End, 'value' | 'output' | 'moves'>>> {
  const on = ground();
  await finish(on, '0');
  const { ends } = await finish(on, '1');
  return new Map(ends.map((end) => [kindOf(end), comparable(end)]));
}

function kindOf({ machine, tree }: End): string {
  return machine === 'order' ? `${machine} ${tree.endsWith('1') ? 'out of stock' : 'in stock'}` : machine;
}

/** The children of a transfer may move in any order. */
function comparable({ machine, value, output, moves }: End) {
  return { value, output, moves: machine === 'transfer' ? moves.toSorted() : moves };
}

/** Kills it before it is ready, at once when it is, or shortly after. */
async function liveAndDie(on: Ground, id: string, random: () => number): Promise<void> {
  const engine = spawn(process.execPath, [script, JSON.stringify(argument(on, id))], {
    env: on.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(engine, 'exit');
  if (random() < 0.8) await once(engine.stdout, 'data');
  await delay(random() * 150);
  engine.kill('SIGKILL');
  const [, signal] = await ended;
  expect(signal).toBe('SIGKILL');
}

export async function playFiveCharts({ kills, seed }: { kills: number; seed: number }): Promise<void> {
  const random = randomOf(seed);
  const wanted = await undisturbed();
  const on = ground();
  for (let life = 0; life < kills; life += 1) await liveAndDie(on, String(life), random);
  const { ends, ok } = await finish(on, 'last');
  expect(ok).toBe(true);
  expect(new Set(ends.map(({ machine }) => machine)).size).toBe(5);
  for (const end of ends) expect(comparable(end), `${end.machine}:${end.tree}`).toEqual(wanted.get(kindOf(end)));
  const lines = readFileSync(join(on.root, 'ledger'), 'utf8').trim().split('\n');
  for (const { machine, tree, output } of ends) {
    const own = lines
      .map((line) => line.split(' '))
      .filter(([name = '']) => name.split('.')[0] === `${machine}-${tree}`);
    // Every reported step was carried out.
    const steps = { order: output.map((step) => step.replace('no ', '')), approval: [] }[machine] ?? null;
    if (steps !== null) expect(new Set(own.map(([, step]) => step)), `${machine}:${tree}`).toEqual(new Set(steps));
    // However often they were tried, each of the two entries has one key.
    if (machine === 'ledger') expect(new Set(own.map(([, , key]) => key)).size, tree).toBe(2);
  }
}
