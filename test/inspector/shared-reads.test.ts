/** Data that pages read again and again is read once for all of them, and a page sees its own change at once. */
import { expect, it } from 'vitest';
import { createSharedReads } from '../../runtime/api/inspector/shared-reads.ts';

function counting() {
  const asked: string[] = [];
  const read = createSharedReads(async (request) => {
    const { pathname, search } = new URL(request.url);
    asked.push(`${request.method} ${pathname}${search}`);
    return new Response(`answer ${asked.length}`, { status: 200, headers: { 'x-count': String(asked.length) } });
  });
  const ask = async (path: string, init?: RequestInit) =>
    (await read(new Request(`http://127.0.0.1${path}`, init))).text();
  return { asked, ask };
}

it('ten pages that look at the fleet cost one look', async () => {
  const { asked, ask } = counting();
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/v1/plans')));
  expect(new Set(answers)).toEqual(new Set(['answer 1']));
  expect(asked).toEqual(['GET /v1/plans']);
});

it('who has just changed something is shown it, and so are the others then', async () => {
  const { ask } = counting();
  expect(await ask('/v1/queue/stats')).toBe('answer 1');
  expect(await ask('/v1/queue/stats', { headers: { 'cache-control': 'no-cache' } })).toBe('answer 2');
  expect(await ask('/v1/queue/stats')).toBe('answer 2');
});

it('a plan, a filtered list and everything that changes something are asked for each time', async () => {
  const { asked, ask } = counting();
  for (const path of ['/v1/repos/demo/plans/a', '/v1/plans?project=demo', '/v1/instances'])
    for (let time = 0; time < 2; time += 1) await ask(path);
  for (let time = 0; time < 2; time += 1) await ask('/v1/queue/stats', { method: 'POST' });
  expect(asked).toHaveLength(8);
});

it('a look that failed is nobody’s answer later', async () => {
  let isBroken = true;
  const read = createSharedReads(() => {
    if (isBroken) throw new Error('the store is busy');
    return new Response('well');
  });
  const ask = () => read(new Request('http://127.0.0.1/v1/plans'));
  await expect(ask()).rejects.toThrow('the store is busy');
  isBroken = false;
  expect(await (await ask()).text()).toBe('well');
});

it('what is cheap is read as seldom as what is dear: they share one part of the time', async () => {
  const dearMs = 100;
  const read = createSharedReads(async (request) => {
    if (new URL(request.url).pathname === '/v1/plans') await new Promise((resolve) => setTimeout(resolve, dearMs));
    return new Response('well');
  });
  const freshMs = async (path: string) =>
    Number((await read(new Request(`http://127.0.0.1${path}`))).headers.get('x-fresh-in-ms'));
  const cheapMs = await freshMs('/v1/repos');
  expect(await freshMs('/v1/plans')).toBeGreaterThan(dearMs * 18);
  expect(await freshMs('/v1/queue/stats')).toBeGreaterThan(Math.max(cheapMs, dearMs * 18));
});
