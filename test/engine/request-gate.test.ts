/** Many requests at once: the embedding program goes on meanwhile, and the number of waiting requests is limited. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { callApp } from '../../runtime/api/client/call.ts';
import { createClient } from '../../runtime/api/client/client.ts';
import { createRequestGate } from '../../runtime/engine/request-gate.ts';
import { expectFailure } from '../support/prose.ts';

it('begin a few at a time, with turns of the event loop between them', async () => {
  let begun = 0;
  const fetch = createRequestGate()(() => {
    begun += 1;
    return new Response('');
  });
  const answers = Array.from({ length: 100 }, () => fetch(new Request('http://stator/')));
  const seen: number[] = [];
  while (begun < 100) {
    seen.push(begun);
    await nextTurn();
  }
  await Promise.all(answers);
  const most = Math.max(...seen.map((count, turn) => count - (seen[turn - 1] ?? 0)));
  expect(seen.length).toBeGreaterThan(4);
  expect(most).toBeLessThanOrEqual(32);
});

it('beyond a limit are refused at once, with the time after which to ask again', async () => {
  const open: (() => void)[] = [];
  const app = {
    fetch: createRequestGate(2)(() => new Promise((answer) => open.push(() => answer(Response.json({ ok: 'yes' }))))),
  };
  const client = createClient(callApp(app, undefined), { note: null, close: async () => {} } as never);
  const first = [client.status(), client.status()];
  await expectFailure(client.status(), 'busy', '2 requests');
  await expect(client.status()).rejects.toMatchObject({ code: 'busy', retryAfterMs: 1_000 });
  for (let turns = 0; open.length < 2 && turns < 100; turns += 1) await nextTurn();
  for (const answer of open.splice(0)) answer();
  await Promise.all(first);
  const third = client.status();
  for (let turns = 0; open.length < 1 && turns < 100; turns += 1) await nextTurn();
  for (const answer of open.splice(0)) answer();
  expect(await third).toEqual({ ok: 'yes' });
});
