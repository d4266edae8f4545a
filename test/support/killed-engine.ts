/** Engines in separate processes over one home, which are killed, and the content of the store afterwards. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { createEngine, type Engine, type FaultPoint } from '../../runtime/engine/engine.ts';
import { afterwards, createHere } from './engine.ts';
import type { Ground } from './ground.ts';

const engineScript = fileURLToPath(new URL('./scripts/killed-engine.mjs', import.meta.url));
/** A log that writes nothing. */
export const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface Life {
  /** The signal that ended it, or its exit code. */
  readonly ended: Promise<string>;
  /** The port of its HTTP API, once it owns its home; null: it has ended. */
  readonly up: Promise<number | null>;
  kill(): Promise<string>;
  stop(): void;
}

/** Registers the repo, and pauses the queue: plans start, and no agent does. */
export async function pausedHome(ground: Ground): Promise<void> {
  const engine = await createEngine({ home: ground.home, env: ground.env, log: quiet });
  try {
    await engine.client.addRepo(ground.repo, { trust: true });
    await engine.client.pauseQueue();
  } finally {
    await engine.stop();
  }
}

interface LiveOptions {
  /** The fault point at which it kills itself, at the nth visit. */
  readonly fault?: { readonly point: FaultPoint; readonly nth: number } | undefined;
  /** The initial time of its clock. */
  readonly at?: string | undefined;
  readonly options?: object;
  /** The user id under which it runs. */
  readonly uid?: number;
}

/** It is killed after the test. */
export function live({ home, env }: Pick<Ground, 'home' | 'env'>, { uid, ...more }: LiveOptions = {}): Life {
  const child = spawn(process.execPath, [engineScript, JSON.stringify({ home, ...more })], {
    ...{ env, stdio: ['pipe', 'pipe', 'inherit'] },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ended = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? String(code))),
  );
  const up = new Promise<number | null>((resolve) => {
    child.stdout.once('data', (text: Buffer) => resolve(Number(text.toString().slice('up '.length))));
    child.once('close', () => resolve(null));
  });
  const kill = async () => {
    child.kill('SIGKILL');
    return ended;
  };
  afterwards(async () => void (await kill()));
  return { ended, up, kill, stop: () => child.stdin.end() };
}

/** The same in this process, for a life that is not killed: a process takes half a second of processor to start. It is stopped after the test. */
export async function liveHere(
  { home, env }: Pick<Ground, 'home' | 'env'>,
  more: Pick<LiveOptions, 'at' | 'options'> = {},
): Promise<Engine> {
  const { createLife } = (await import(engineScript)) as {
    createLife(create: ReturnType<typeof createHere>, of: object): Promise<Engine>;
  }; // as that script is
  return createLife(createHere([]), { home, env, ...more });
}

export function read<Row>(home: string, sql: string): Row[] {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { readonly: true });
  try {
    return db.prepare(sql).all() as Row[];
  } finally {
    db.close();
  }
}
