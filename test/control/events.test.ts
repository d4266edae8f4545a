import { mkdirSync } from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { supervisorTree } from '../../machines/vocabulary/ids.ts';
import { createApp } from '../../runtime/api/control/app.ts';
import { type StreamLimits, streamLimits } from '../../runtime/api/control/events.ts';
import { personEntrance } from '../../runtime/api/control/principal.ts';
import type { AppParts } from '../../runtime/api/control/route.ts';
import { createMcpSessions } from '../../runtime/api/mcp/sessions.ts';
import { socketPath } from '../../runtime/base/config/config.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import type { Person } from '../../runtime/base/platform/people.ts';
import { insertSignal, type Store } from '../../runtime/core/store/port.ts';
import { type Core, createCore } from '../../runtime/engine/core.ts';
import type { FactEntry } from '../../runtime/engine/engine.ts';
import { openSupervisor } from '../../runtime/engine/one-shot.ts';
import {
  afterwards,
  begin,
  gate,
  ground,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectAnswer } from '../support/prose.ts';

interface Seen {
  readonly id: number;
  readonly fact: FactEntry;
}

/** Reads a stream as a browser does, and is cut off after `most` events. Returns the complete events. */
function readSome(
  started: TestEngine,
  { lastId, most, opened }: { lastId: number | null; most: number; opened?: () => void },
): Promise<Seen[]> {
  const socket = socketPath(started.home, started.env, '');
  const headers = lastId === null ? {} : { 'last-event-id': String(lastId) };
  const path = lastId === null ? '/v1/events?since=0' : '/v1/events';
  return new Promise((resolve, reject) => {
    const seen: Seen[] = [];
    let rest = '';
    const asked: ClientRequest = request({ socketPath: socket, path, headers }, (answer) => {
      answer.setEncoding('utf8').on('data', (text: string) => {
        opened?.();
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const id = /^id: (\d+)$/m.exec(block)?.[1];
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (id === undefined || data === undefined) continue;
          seen.push({ id: Number(id), fact: JSON.parse(data) as FactEntry });
          if (seen.length >= most) {
            asked.destroy();
            resolve(seen);
            return;
          }
        }
      });
    });
    asked.on('error', (thrown) => (seen.length >= most ? null : reject(thrown)));
    asked.end();
  });
}

it('a reader that is cut off goes on after the last event that it saw: none is missed, none comes twice', async () => {
  const started = await startEngine();
  const go = join(started.root, 'go');
  await begin(started, 'told', planText([`${gate(go)}; echo a > a.txt`, 'echo b > b.txt'], ['echo c > c.txt']));
  await begin(started, 'other', planText([gate(go)]));
  const seen: Seen[] = [];
  const isOver = () => seen.some(({ fact }) => fact.plan === 'told' && fact.to === 'lifecycle.done');
  for (let round = 0; !isOver(); round += 1) {
    if (round === 2) openGate(go);
    // One and two and three at a time, while more of them come.
    seen.push(...(await readSome(started, { lastId: seen.at(-1)?.id ?? null, most: 1 + (round % 3) })));
  }
  const ids = seen.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  expect(seen.every(({ id, fact }) => id === fact.seq)).toBe(true);
  await untilStatus(started, 'told', 'done');
  const last = ids.at(-1) ?? 0;
  for (const plan of ['told', 'other']) {
    const whole = (await started.client.history('demo', plan)).filter(({ seq }) => seq <= last);
    expect(seen.filter(({ fact }) => fact.plan === plan).map(({ fact }) => fact.seq)).toEqual(
      whole.map(({ seq }) => seq),
    );
  }
});

it('a number from another store hides nothing that comes', async () => {
  const started = await startEngine();
  let isOpen = false;
  const opened = () => {
    isOpen = true;
  };
  const reading = readSome(started, { lastId: 999_999_999, most: 1, opened });
  await until(() => isOpen);
  await begin(started, 'fresh', planText(['echo a > a.txt']));
  await untilStatus(started, 'fresh', 'done');
  expect(await reading).toHaveLength(1);
});

/** The app alone, with limits that a test can wait for, over an engine in which nothing runs. */
async function smallApp(given: Partial<StreamLimits>, between: (started: Core) => Partial<Store> = () => ({})) {
  const limits = { ...streamLimits, ...given };
  const { home } = ground();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const watched = { count: 0 };
  const note = () => {};
  const log = { debug: note, info: note, warn: note, error: note };
  const started = await createCore({
    home,
    clock: systemClock,
    log,
    mode: 'verb',
  });
  afterwards(() => {
    started.bus.close();
    started.store.close();
  });
  await openSupervisor(started);
  const watch = () => {
    watched.count += 1;
    return () => {
      watched.count -= 1;
    };
  };
  const { views, commands, bus } = started;
  const store = { ...started.store, ...between(started) };
  const parts = {
    store,
    views,
    commands,
    bus,
    log,
    uptimeMs: () => 0,
    nowMs: () => Date.now(),
    watch,
    lock: () => null,
    mcp: createMcpSessions(),
    host: null,
    inspect: null,
    whatIf: () => Promise.reject(new Error('nobody asks')),
    relay: null,
  };
  // No operation is asked here.
  const people = (name: string): Person => ({ name, role: 'look', hash: '', createdAt: 0 });
  const app = createApp(
    { ...parts, parts: {} as AppParts['parts'] },
    { limits, entrance: personEntrance(commands, people) },
  );
  const open = async (query = '', headers: Readonly<Record<string, string>> = {}) =>
    app.fetch(new Request(`http://stator/v1/events${query}`, { headers }));
  return { started, watched, open };
}

it('a person with a token takes no more than a share of the streams', async () => {
  const { open } = await smallApp({ streams: 3, streamsOfPerson: 1 });
  const first = await open('', { authorization: 'ada' });
  const refused = await open('', { authorization: 'ada' });
  expect([first.status, refused.status]).toEqual([200, 429]);
  expectAnswer(await refused.json(), 'limit_reached', 'for a person, and ada has');
  const others = await Promise.all([open('', { authorization: 'ben' }), open()]);
  expect(others.map(({ status }) => status)).toEqual([200, 200]);
  await first.body?.cancel();
  await until(async () => (await open('', { authorization: 'ada' })).status === 200);
  await Promise.all(others.map(({ body }) => body?.cancel()));
});

it('a reader who takes nothing is cut off, and makes room for the next', async () => {
  const { open, watched } = await smallApp({ streams: 1, stallMs: 100, heartbeatMs: 10 });
  const stalled = await open('?since=0&project=demo&plan=a&watch=1');
  expect([stalled.status, watched.count]).toEqual([200, 1]);
  const refused = await open();
  expect(refused.status).toBe(429);
  expectAnswer(await refused.json(), 'limit_reached');
  let next = await open();
  await until(async () => {
    if (next.status !== 200) next = await open();
    return next.status === 200;
  });
  // Nobody looks on any more, so its plan's agents do not start for it.
  expect(watched.count).toBe(0);
  // It finds what was on its way to it, and then the end.
  expect(await stalled.text()).toContain(': connected');
  await next.body?.cancel();
});

it('a waiting reader receives regular heartbeats from the stream', async () => {
  const { open } = await smallApp({ streams: 1, stallMs: 10_000, heartbeatMs: 10 });
  const answer = await open();
  const reader = answer.body?.getReader();
  let text = '';
  while (!text.includes(': heartbeat\n\n: heartbeat')) {
    const part = await reader?.read();
    text += new TextDecoder().decode(part?.value);
  }
  await reader?.cancel();
});

it('a calm stream has every line once, in its order, and leaves out what is looked up', async () => {
  const { started, open } = await smallApp({ streams: 4, stallMs: 10_000, heartbeatMs: 10_000 });
  const last = await started.store.lastLine();
  expect((await open('?since=0')).headers.get('last-event-id')).toBe('0');
  expect((await open()).headers.get('last-event-id')).toBe(String(last));
  expect((await open('?since=0', { 'last-event-id': '1' })).headers.get('last-event-id')).toBe('1');
  const answer = await open('?since=0&calm=1');
  const reader = answer.body?.getReader();
  let text = '';
  while (!text.includes(`id: ${last}\n`)) text += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  const facts = [...text.matchAll(/^data: (.*)$/gm)].map(([, line]) => JSON.parse(line ?? '') as { seq: number });
  expect(facts.map(({ seq }) => seq)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  expect(facts[0]).toMatchObject({ why: null, attempt: null, reason: null, until: null, resumed: false });
});

describe('what happens while the journal is read', () => {
  /** A line more: the supervisor gets a signal about a repo that it does not know, and refuses it. */
  async function happen({ store, pump, clock }: Core): Promise<number> {
    const payload = { project: 'nowhere' };
    const tree = supervisorTree;
    await insertSignal(store, { tree, type: 'repo_removed', payload, origin: 'engine', at: clock.nowMs() });
    await pump.drain();
    return store.lastLine();
  }

  /** The lines up to the one with that number; the number is known later. */
  async function idsUpTo(answer: Response, last: () => number | null): Promise<number[]> {
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    const ids = () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    while (!ids().includes(last() ?? 0)) {
      const part = await reader?.read();
      if (part === undefined || part.done) break;
      text += decoder.decode(part.value, { stream: true });
    }
    await reader?.cancel();
    return ids();
  }

  it.each(['before', 'after'] as const)('comes once, where it is written %s the last page was taken', async (when) => {
    let written = 0;
    const limits = { streams: 1, stallMs: 10_000, heartbeatMs: 10 };
    const { started, open } = await smallApp(limits, (core) => ({
      async journal(query) {
        if (when === 'before' && written === 0) written = await happen(core);
        const page = await core.store.journal(query);
        if (when === 'after' && page.length === 0 && written === 0) written = await happen(core);
        return page;
      },
    }));
    const first = await happen(started);
    let last: number | null = null;
    const reading = idsUpTo(await open('?since=0'), () => last);
    await until(() => written > 0);
    last = await happen(started);
    expect(await reading).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect([first, written, last]).toEqual([...new Set([first, written, last])].sort((a, b) => a - b));
  });
});
