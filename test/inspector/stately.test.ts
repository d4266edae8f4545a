/** Stately's protocol, as its official package receives it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { planMachine } from '../../machines/plan/machine.ts';
import { callSocket } from '../../runtime/api/client/call.ts';
import { type Client, createClient } from '../../runtime/api/client/client.ts';
import { createStatelyHub } from '../../runtime/api/inspector/stately.ts';
import { createStatelySocket } from '../../runtime/api/inspector/stately-socket.ts';
import { shownContext } from '../../runtime/api/queries/shown-actor.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { type Core, createCore } from '../../runtime/engine/core.ts';
import { type Daemon, startDaemon } from '../../runtime/engine/daemon.ts';
import { openSupervisor } from '../../runtime/engine/one-shot.ts';
import { afterwards, gate, ground, openGate, planText, waves } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';

type Actor = Extract<StatelyInspectionEvent, { type: '@xstate.actor' }>;
type Shot = Extract<StatelyInspectionEvent, { type: '@xstate.snapshot' }>;

interface Served {
  readonly daemon: Daemon;
  readonly client: Client;
  /** Collects the messages that a receiver of the package gets from now on. */
  watch(): Promise<Watch>;
}

const example = fileURLToPath(new URL('../../examples/release/release.mjs', import.meta.url));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function served(made: Ground = ground(), more = ''): Promise<Served> {
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(made.home, 'daemon.toml'), `${waves}${more}`);
  const daemon = await startDaemon({
    home: made.home,
    env: made.env,
    log: quiet,
    agents: { default: { preset: 'sh', attempts: 1 } },
  });
  afterwards(() => daemon.stop({ agents: 'stop' }));
  const call = callSocket(daemon.socketPath, undefined);
  const client = createClient(call, { note: null, close: async () => {} });
  await until(async () => (await client.status()).waiting === null);
  await client.addRepo(made.repo, { trust: true });
  return {
    daemon,
    client,
    async watch() {
      const answer = await call('POST', '/v1/inspect', { body: { stately: true } });
      const { websocket } = (await answer.json()) as { websocket: string };
      return watching(websocket);
    },
  };
}

class Watch {
  readonly frames: StatelyInspectionEvent[] = [];

  get actors(): Actor[] {
    return this.frames.filter((frame) => frame.type === '@xstate.actor');
  }

  named(name: string): Actor {
    const found = this.actors.findLast((actor) => actor.name === name);
    if (found === undefined) throw new Error(`nobody is called ${name}: ${this.actors.map((actor) => actor.name)}`);
    return found;
  }

  /** The actor's state in the last message. */
  last({ sessionId }: Pick<Actor, 'sessionId'>): { status?: string; value?: unknown; context?: unknown } {
    const shot = this.frames.findLast(
      (frame): frame is Shot => frame.type === '@xstate.snapshot' && frame.sessionId === sessionId,
    );
    return (shot?.snapshot ?? {}) as { status?: string; value?: unknown };
  }

  living(): string[] {
    return this.actors.filter((actor) => this.last(actor).status === 'active').map((actor) => actor.name);
  }
}

function watching(websocket: string): Watch {
  const watch = new Watch();
  createWebSocketReceiver({ server: websocket }).subscribe((frame) => void watch.frames.push(frame));
  return watch;
}

/** Throws if a watcher gets an actor after its events, or before its parent. */
function inOrder(frames: readonly StatelyInspectionEvent[]): void {
  const known = new Set<string>();
  for (const frame of frames) {
    if (frame.type === '@xstate.actor') {
      expect(known, 'an id is given once').not.toContain(frame.sessionId);
      if (frame.parentId !== undefined) expect(known, frame.name).toContain(frame.parentId);
      known.add(frame.sessionId);
    } else expect(known, JSON.stringify(frame)).toContain(frame.sessionId);
  }
}

async function begin(client: Client, plan: string, content: string): Promise<void> {
  await client.registerPlan({ project: 'demo', plan, content });
  await client.send({ project: 'demo', plan, type: 'implement_start' });
}

const lifecycle = (value: unknown) => (value as { lifecycle?: unknown } | undefined)?.lifecycle;

describe("the package's own receiver", () => {
  it('sees a plan run to its end: its actors under their parents, what happened, their states', async () => {
    const made = ground();
    const { client, watch } = await served(made);
    const first = await watch();
    const go = join(made.root, 'go');
    await begin(client, 'live', planText([{ title: 'store it', sh: `${gate(go)}; echo x > live.txt` }]));
    await until(() => first.living().includes('agent'));

    const plan = first.named('demo/live');
    expect(first.actors.find(({ sessionId }) => sessionId === plan.parentId)?.name).toBe('demo');
    expect(first.actors.find(({ sessionId }) => sessionId === first.named('demo').parentId)?.name).toBe('supervisor');
    expect(new Set(first.frames.map(({ rootId }) => rootId))).toEqual(new Set([first.named('supervisor').sessionId]));
    // The definition is the complete one of the running machine.
    const { states } = JSON.parse(plan.definition ?? '{}') as { states: Record<string, unknown> };
    expect(states).toEqual(JSON.parse(JSON.stringify(planMachine.config.states, functions)));

    const late = await watch();
    await until(() => late.living().includes('agent'));
    const firstEvent = late.frames.findIndex(({ type }) => type === '@xstate.event');
    const met = late.frames.slice(0, firstEvent === -1 ? undefined : firstEvent);
    expect(new Set(late.living())).toEqual(new Set(first.living()));
    expect(new Set(met.flatMap((frame) => (frame.type === '@xstate.actor' ? frame.name : [])))).toEqual(
      new Set(first.living()),
    );
    expect(late.named('agent').sessionId).toBe(first.named('agent').sessionId);

    openGate(go);
    for (const each of [first, late]) {
      await until(() => lifecycle(each.last(each.named('demo/live')).value) === 'done');
      expect(each.last(each.named('agent'))).toMatchObject({ status: 'done', value: 'succeeded' });
      expect(each.last(each.named('demo/live')).status).toBe('active');
      inOrder(each.frames);
    }
    const events = first.frames.flatMap((frame) => (frame.type === '@xstate.event' ? [frame.event] : []));
    expect(events).toContainEqual(expect.objectContaining({ type: 'implement_start', origin: 'person' }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'run_exited', origin: 'engine' }));
  });

  it('sees trees of a user-defined machine: those that live when it joins, what happens to them, their view and nothing else', async () => {
    const { client, watch } = await served(ground(), `[machines]\nrelease = "${example}"\n`);
    await client.startMachine({ name: 'release', id: 'idle', input: { project: 'demo', version: '1', plans: [] } });
    await client.startMachine({ name: 'release', id: 'over', input: { project: 'demo', version: '2', plans: [] } });
    await client.sendMachine({ name: 'release', id: 'over', type: 'refuse', payload: { reason: 'no' } });
    const watcher = await watch();
    await until(() => watcher.living().includes('idle'));
    const idle = watcher.named('idle');
    expect(watcher.actors.map(({ name }) => name)).not.toContain('over');
    expect(idle.parentId).toBe(watcher.named('supervisor').sessionId);
    expect(watcher.last(idle)).toMatchObject({
      status: 'active',
      value: 'asking',
      context: { version: '1', waiting: [] },
    });
    await client.sendMachine({ name: 'release', id: 'idle', type: 'refuse', payload: { reason: 'the secret reason' } });
    await until(() => watcher.last(idle).status === 'done');
    expect(watcher.last(idle).value).toBe('refused');
    await client.startMachine({ name: 'release', id: 'later', input: { project: 'demo', version: '3', plans: [] } });
    await until(() => watcher.living().includes('later'));
    inOrder(watcher.frames);
    expect(JSON.stringify(watcher.frames)).not.toContain('secret reason');
  });

  it('never meets an id of the daemon before', async () => {
    const made = ground();
    const look = async (): Promise<string[]> => {
      const { client, daemon, watch } = await served(made);
      if ((await client.plans()).length === 0)
        await client.registerPlan({ project: 'demo', plan: 'here', content: planText(['true']) });
      const watched = await watch();
      await until(() => watched.living().includes('demo/here'));
      await daemon.stop();
      return watched.actors.map(({ sessionId }) => sessionId);
    };
    const ids = [...(await look()), ...(await look())];
    expect(ids).toHaveLength(6);
    expect(new Set(ids)).toHaveLength(6);
  });

  it('receives no text of a document, a prompt, a question or an output, and no password', async () => {
    const made = ground();
    const { client, watch } = await served(made);
    const watched = await watch();
    const asks = 'stator signal emit needs_decision --payload "WORD-of-a-question"';
    const cli = join(import.meta.dirname, '../../dist/bin/stator.js');
    await begin(
      client,
      'quiet',
      planText([
        {
          title: 'fetch https://me:WORD-of-a-password@host/x',
          sh: `echo WORD-of-output; exec ${asks.replace('stator', `${process.execPath} ${cli}`)}`,
        },
      ]),
    );
    await until(async () => (await client.plan('demo', 'quiet')).blocked !== null);
    const plan = () => watched.last(watched.named('demo/quiet')).context as { blocked?: unknown } | undefined;
    await until(() => (plan()?.blocked ?? null) !== null);
    expect(JSON.stringify(watched.frames)).not.toMatch(/WORD-of/);
  });
});

it('context values that are not listed, or are not JSON, are not sent', () => {
  const context = {
    project: 'demo',
    plan: 1n,
    branch: new Error('no'),
    head: Number.NaN,
    questions: [],
    content: 'WORD',
    now: () => 1,
  };
  expect(shownContext({ machine: machines.plan, context })).toMatchObject({ project: 'demo', plan: null, head: null });
  expect(JSON.stringify(shownContext({ machine: machines.plan, context }))).not.toContain('WORD');
});

/** A stream that accepts no data until it is opened. */
class Stuck extends Duplex {
  readonly #inner: Duplex;
  #held: (() => void)[] = [];
  #isOpen = true;

  constructor(inner: Duplex) {
    super({ allowHalfOpen: false });
    this.#inner = inner;
    inner.on('data', (part) => this.push(part)).on('end', () => this.push(null));
    inner.on('close', () => this.destroy());
  }

  stick(): void {
    this.#isOpen = false;
  }

  open(): void {
    this.#isOpen = true;
    for (const write of this.#held.splice(0)) write();
  }

  override _read(): void {}

  override _write(part: Buffer, _: string, done: (error?: Error | null) => void): void {
    const write = () => void this.#inner.write(part, done);
    if (this.#isOpen) write();
    else this.#held.push(write);
  }

  override _final(done: () => void): void {
    this.#inner.end(done);
  }
}

/** The parts of an engine with only the supervisor. */
async function smallCore(): Promise<Core> {
  const { home } = ground();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const core = await createCore({ home, clock: systemClock, log: quiet, mode: 'verb' });
  afterwards(() => {
    core.bus.close();
    core.store.close();
  });
  await openSupervisor(core);
  return core;
}

it('an id is given once, also where one engine follows the other and where nobody watched for a time', async () => {
  const [one, two] = [await smallCore(), await smallCore()];
  let engine = one;
  const hub = createStatelyHub({ boot: 'one', watched: () => engine, log: quiet });
  afterwards(() => hub.stop());
  const watch = () => {
    const watched = new Watch();
    const send = (frame: string) => void watched.frames.push(JSON.parse(frame) as StatelyInspectionEvent);
    const leave = hub.add({ send, close() {} });
    return { watched, leave, meets: (count: number) => until(() => watched.actors.length === count) };
  };
  const first = watch();
  await first.meets(1);
  first.leave();
  const second = watch();
  await second.meets(1);
  engine = two;
  one.bus.close();
  await second.meets(2);
  inOrder(second.watched.frames);
  const [before] = second.watched.actors;
  expect(before && second.watched.last(before).status).toBe('stopped');
  const ids = [first, second].flatMap(({ watched }) => watched.actors.map(({ sessionId }) => sessionId));
  expect(new Set(ids)).toHaveLength(3);
});

it('a client that leaves too much unread is disconnected with the reason, and nothing more is kept for it', async () => {
  const core = await smallCore();
  const warned: string[] = [];
  const log = { warn: (line: string) => void warned.push(line) };
  const sockets = createStatelySocket({ boot: 'one', watched: () => core, log, unreadMost: 1 });
  const server = createServer();
  let line = null as Stuck | null; // set by a listener
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    line = new Stuck(socket);
    sockets.welcome(request, line, head);
    line.stick();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(async () => {
    await sockets.stop();
    server.close();
  });
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const frames: string[] = [];
  socket.on('message', (frame) => void frames.push(String(frame)));
  const closed = new Promise<[number, string]>((resolve) =>
    socket.on('close', (code, reason) => resolve([code, String(reason)])),
  );
  await until(() => warned.length > 0);
  line?.open();
  expect(await closed).toEqual([1_013, 'too slow: over 1 bytes are unread']);
  expect(frames.map((frame) => (JSON.parse(frame) as { type: string }).type)).toEqual(['@xstate.actor']);
});

/** The package replaces functions by their names. */
function functions(_: string, value: unknown): unknown {
  return typeof value === 'function' ? { type: value.name } : value;
}
