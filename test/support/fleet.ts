/** A daemon under load from all sides: its socket, its signal folders, rows of another program, agents, and a reader of the event stream. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Running } from './cli.ts';
import type { DaemonGround } from './daemon.ts';
import { until } from './ground.ts';

const scripts = join(import.meta.dirname, './scripts');

/** A daemon in a process that a test may kill; it answers when this resolves. */
export async function startDaemonProcess(ground: DaemonGround): Promise<Running> {
  const running = ground.start(['daemon', 'start', '--foreground']);
  await until(
    async () => {
      if (running.child.exitCode !== null) throw new Error(`the daemon ended: ${running.stderr()}`);
      return ground.owner()?.pid === running.child.pid && (await isReady(ground));
    },
    () => running.stderr(),
  );
  return running;
}

/** Whether the daemon answers, and waits for nothing. */
export async function isReady(ground: DaemonGround): Promise<boolean> {
  if (ground.owner()?.socketPath === null) return false;
  return ground
    .client()
    .status()
    .then(
      ({ waiting }) => waiting === null,
      () => false, // it does not listen yet
    );
}

export async function killDaemon({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

/** The sent signals in order, and the number of acknowledged ones. */
export interface Source {
  readonly acknowledged: () => readonly string[];
  stop(): Promise<void>;
}

const everyMs = 30;

interface Load {
  readonly project: string;
  /** Their names are `p0`, `p1`, … */
  readonly plans: number;
}

/**
 * People at the socket: each signal has a key, and is repeated with it if no answer arrives, as the command line does. The ids of acknowledged
 * signals are recorded.
 */
export function sayBySocket(ground: DaemonGround, { project, plans }: Load): Source & { ids: Map<string, number> } {
  const ids = new Map<string, number>();
  const open = new Set<Promise<void>>();
  let count = 0;

  async function say(word: string, number: number): Promise<void> {
    const type = number % 2 === 0 ? 'pause' : 'resume';
    const words = { project, plan: `p${number % plans}`, type, payload: { body: word }, dedupeKey: word };
    for (;;) {
      try {
        const { signal } = await ground.client().send({ ...words, waitMs: 1_000 });
        ids.set(word, signal.id);
        return;
      } catch (thrown) {
        if (!isAway(thrown)) throw thrown;
        await delay(everyMs);
      }
    }
  }

  const timer = setInterval(() => {
    const saying = say(`socket-${count}`, count).finally(() => open.delete(saying));
    count += 1;
    open.add(saying);
  }, everyMs);
  return {
    ids,
    acknowledged: () => [...ids.keys()],
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

/** No process owns the home, or its owner ended during the request. */
function isAway(thrown: unknown): boolean {
  if (thrown instanceof EngineError) return thrown.code === 'unavailable';
  return thrown instanceof Error && thrown.message === 'nobody listens';
}

/** Every tenth file is for a plan `f…`, which accepts it; the others are for unknown plans, and end in `failed/`. */
export function dropFiles(folder: string, { taken }: { taken: number }): Source {
  const dropped: string[] = [];
  const timer = setInterval(() => {
    const number = dropped.length;
    const name =
      number % 10 === 0 && number / 10 < taken ? `planner-finished-f${number / 10}` : `review-changes-nobody-${number}`;
    writeFileSync(join(folder, name), `file-${number}`);
    dropped.push(`file-${number}`);
  }, everyMs);
  return {
    acknowledged: () => dropped,
    async stop() {
      clearInterval(timer);
    },
  };
}

/** Another process that inserts rows; a committed row counts as acknowledged. */
export function insertRows(ground: DaemonGround, { project, plans }: Load): Source {
  const file = join(ground.home, 'taskstore.db');
  const child = spawn(
    process.execPath,
    [join(scripts, 'fleet-rows.mjs'), file, project, String(plans), String(everyMs)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return {
    acknowledged: () => said.split('\n').slice(0, -1),
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Reads all events from the first on. When the stream ends, it continues after the last complete event. */
export function followEvents(ground: DaemonGround): { seen: readonly number[]; stop(): Promise<void> } {
  const seen: number[] = [];
  const isOver = new AbortController();
  const reading = (async () => {
    while (!isOver.signal.aborted) {
      const socketPath = ground.owner()?.socketPath ?? null;
      if (socketPath !== null) await readUntilCut(socketPath, seen, isOver.signal);
      else await delay(10);
    }
  })();
  return {
    seen,
    async stop() {
      isOver.abort();
      await reading;
    },
  };
}

function readUntilCut(socketPath: string, seen: number[], signal: AbortSignal): Promise<void> {
  const headers = { 'last-event-id': String(seen.at(-1) ?? 0) };
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/v1/events', headers, signal }, (answer) => {
      let rest = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const id = /^id: (\d+)$/m.exec(block)?.[1];
          if (id !== undefined && answer.statusCode === 200) seen.push(Number(id));
        }
      });
      answer.on('close', resolve);
      answer.on('error', () => resolve());
    });
    asked.on('error', () => resolve());
    asked.end();
  });
}

/** Rows of the store, read beside its owner. */
export function rowsOf<Row>(ground: Pick<DaemonGround, 'home'>, sql: string, ...given: unknown[]): Row[] {
  const db = new BetterSqlite3(join(ground.home, 'taskstore.db'), { readonly: true, timeout: 2_000 });
  try {
    return db.prepare(sql).all(...given) as Row[]; // as the query names its columns
  } finally {
    db.close();
  }
}

/** A child process that locks the store until the returned function is called. */
export async function lockStore(ground: Pick<DaemonGround, 'home'>): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [join(scripts, 'fleet-lock.mjs'), join(ground.home, 'taskstore.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  return async () => {
    child.stdin.end();
    await ended;
  };
}

/** A burst of files for unknown plans; resolves when the last one is written. */
export function burst(folder: string, count: number): Promise<void> {
  const child = spawn(process.execPath, [join(scripts, 'fleet-files.mjs'), folder, String(count)], {
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.once('close', () => resolve()));
}
