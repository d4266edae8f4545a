/** Engines in processes of their own over a home with intakes, which are killed, and what is in the store afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { createEngine, type FaultPoint } from '../../runtime/engine/engine.ts';
import type { Ground } from './ground.ts';

const engineScript = fileURLToPath(new URL('./scripts/intake-engine.mjs', import.meta.url));
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface Life {
  /** The signal that ended it, or its exit code. */
  readonly ended: Promise<string>;
  /** The port of its HTTP API, when it has its home; null: it has ended. */
  readonly up: Promise<number | null>;
  kill(): Promise<string>;
  stop(): void;
}

/** Registers the repo, and pauses the queue: plans start, and no agent does. */
export async function pausedHome(ground: Ground): Promise<void> {
  const engine = await createEngine({ home: ground.home, env: ground.env, log });
  try {
    await engine.client.addRepo(ground.repo, { trust: true });
    await engine.client.pauseQueue();
  } finally {
    await engine.stop();
  }
}

export function live(
  ground: Pick<Ground, 'home' | 'env'>,
  fault?: { point: FaultPoint; nth: number },
  at?: string,
): Life {
  const child: ChildProcess = spawn(
    process.execPath,
    [engineScript, JSON.stringify({ home: ground.home, fault, at })],
    {
      env: ground.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? String(code))),
  );
  const up = new Promise<number | null>((resolve) => {
    child.stdout?.once('data', (text: Buffer) => resolve(Number(text.toString())));
    child.once('close', () => resolve(null));
  });
  const kill = async () => {
    child.kill('SIGKILL');
    return ended;
  };
  return { ended, up, kill, stop: () => child.stdin?.end() };
}

export function read<Row>(home: string, sql: string): Row[] {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true });
  try {
    return db.prepare(sql).all() as Row[];
  } finally {
    db.close();
  }
}
