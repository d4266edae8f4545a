/**
 * A receiver that fails in every way, and an engine that is killed while it delivers many events: the received events are compared with the expected
 * ones.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { makeGround, until } from './ground.ts';
import { putHooks } from './hooks.ts';

const engineScript = fileURLToPath(new URL('./scripts/hook-engine.mjs', import.meta.url));

export interface HookTrial {
  readonly plans: number;
  /** Each round is two events of every plan. */
  readonly rounds: number;
  readonly kills: number;
  readonly seed: number;
}

interface Delivery {
  readonly id: string;
  readonly plan: string;
  readonly event: string;
  readonly sequence: number;
  /** Answered with 2xx, in time. */
  readonly isTaken: boolean;
  /** Not answered on purpose, or too late. */
  readonly isSlow: boolean;
}

/** Numbers from 0 to 1 that follow from the seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Three of ten requests fail: refused, never answered, broken off, or answered too late. Throws if any event is lost, out of order, or delivered
 * twice without a reason.
 */
export async function tryHooks({ plans, rounds, kills, seed }: HookTrial): Promise<void> {
  const ground = makeGround();
  const random = numbers(seed);
  const deliveries: Delivery[] = [];
  const late: NodeJS.Timeout[] = [];
  /** The deliveries without an answer in time, once for each try. */
  const untimely: string[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as {
      plan_file: string;
      event: string;
      sequence: number;
      delivery_id: string;
    };
    const id = String(request.headers['webhook-id']);
    expect(body.delivery_id).toBe(id);
    const chance = random();
    const isTaken = answer(chance, response, late);
    const isSlow = chance >= slowFrom && chance < slowTo;
    deliveries.push({ id, plan: body.plan_file, event: body.event, sequence: body.sequence, isTaken, isSlow });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  putHooks(
    ground.repo,
    `[[hooks]]\ntype = "webhook"\nname = "trial"\nurl = "http://127.0.0.1:${port}/"\nallow_private = true\ntimeout = "1s"\nevents = ["cancel", "reopen"]\n`,
  );
  const all = plans * rounds * 2;
  const taken = () => new Set(deliveries.filter(({ isTaken }) => isTaken).map(({ id }) => id));
  const engines: ChildProcess[] = [];
  try {
    const argument = JSON.stringify({ home: ground.home, repo: ground.repo, plans, rounds });
    for (let life = 0; life <= kills; life += 1) {
      const child = spawn(process.execPath, [engineScript, argument], {
        env: ground.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      engines.push(child);
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
      // An equal part of all events for each life, so that kills come while signals are sent and while the last events are delivered.
      const goal = life === kills ? all : Math.ceil((all * (life + random())) / (kills + 1));
      await until(() => taken().size >= goal || child.exitCode !== null);
      expect(child.exitCode, said).toBeNull();
      child.kill('SIGKILL');
      await ended;
      for (const [, id = ''] of said.matchAll(/ of (\S+) failed: .* gave no answer within /g)) untimely.push(id);
    }
  } finally {
    for (const child of engines) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    for (const timer of late) clearTimeout(timer);
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    ground.remove();
  }
  proveDelivered(deliveries, untimely, { plans, rounds, kills });
}

/** The probabilities from here on mean an answer that is too late. */
const slowFrom = 0.17;
const slowTo = 0.3;

/** Whether the answer is a success, in time. */
function answer(chance: number, response: ServerResponse, late: NodeJS.Timeout[]): boolean {
  if (chance < 0.1) response.writeHead(chance < 0.05 ? 500 : 429, chance < 0.05 ? {} : { 'retry-after': '0' }).end();
  else if (chance < slowFrom) response.socket?.destroy();
  else if (chance < 0.24)
    void response; // never answered
  else if (chance < slowTo) late.push(setTimeout(() => response.writeHead(204).end(), 2_500));
  else {
    response.writeHead(204).end();
    return true;
  }
  return false;
}

function proveDelivered(
  deliveries: readonly Delivery[],
  untimely: readonly string[],
  { plans, rounds, kills }: Omit<HookTrial, 'seed'>,
): void {
  let again = 0;
  for (let index = 0; index < plans; index += 1) {
    const own = deliveries.filter(({ plan }) => new RegExp(`(^|/)p${index}(\\.md)?$`).test(plan));
    const first = new Map<string, Delivery>();
    const seen = new Set<string>();
    for (const one of own) {
      if (first.has(one.id)) again += 1;
      if (one.isTaken && !first.has(one.id)) first.set(one.id, one);
      // A delivery begins only after the one before was accepted.
      if (!seen.has(one.id))
        for (const id of seen) expect(first.has(id), `p${index}: ${id} before ${one.id}`).toBe(true);
      seen.add(one.id);
    }
    const sequences = [...first.values()].map(({ sequence }) => sequence);
    expect(sequences, `p${index}: each once and in order`).toEqual(Array.from({ length: rounds * 2 }, (_, n) => n + 1));
    expect([...first.values()].map(({ event }) => event)).toEqual(
      Array.from({ length: rounds * 2 }, (_, n) => (n % 2 === 0 ? 'cancel' : 'reopen')),
    );
    // An event has one id at every try.
    expect(new Set(own.map(({ id }) => id)).size).toBe(rounds * 2);
  }
  // A success that the engine could not store before a kill is requested again, and so is a success that came too late: at most the open ones at each
  // kill.
  const countOf = (ids: readonly string[], id: string) => ids.filter((each) => each === id).length;
  const slow = deliveries.filter(({ isSlow }) => isSlow).map(({ id }) => id);
  const late = [...new Set(untimely)].map((id) => Math.max(0, countOf(untimely, id) - countOf(slow, id)));
  expect(again).toBeLessThanOrEqual(kills * 16 + late.reduce((sum, count) => sum + count, 0));
}
