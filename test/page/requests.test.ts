/** A person's action on the page is carried out once, even if its answer is lost: the page repeats the request with the same key. */
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { SignalAnswer } from '../../runtime/api/contract/signals.ts';
import { planText, register, startEngine } from '../support/engine.ts';

/** The functions that are used here: the module's own types are those of a browser, which tests do not have. */
interface Api {
  send(named: { project: string; plan: string }, type: string): Promise<SignalAnswer>;
  plan(named: { project: string; plan: string }): Promise<unknown>;
}

async function apiFor(token: () => string | null): Promise<Api> {
  const { createApi } = await import(join(import.meta.dirname, '../../page/api.ts'));
  return createApi({ token, untilDoubt: () => new AbortController().signal }, () => {});
}

afterEach(() => vi.unstubAllGlobals());

it('a change whose answer got lost is asked for again by its key, and done once', async () => {
  const engine = await startEngine();
  await register(engine, 'p', planText(['true']));
  let token: string | null = 'first';
  const keys: (string | null)[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const { authorization: _page, ...headers } = init.headers as Record<string, string>; // as the page gives them
    keys.push(new Headers(headers).get('idempotency-key'));
    const answer = await engine.engine.fetch(new Request(`http://stator${path}`, { ...init, headers }));
    if (keys.length > 1) return answer;
    // The daemon ends, and another one starts.
    token = 'second';
    throw new TypeError('network error');
  });
  const api = await apiFor(() => token);
  const answer = await api.send({ project: 'demo', plan: 'p' }, 'pause');
  expect(answer.signal.status).toBe('done');
  expect(keys).toHaveLength(2);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
  const pauses = (await engine.client.signals({})).filter(({ type }) => type === 'pause');
  expect(pauses.map(({ id }) => id)).toEqual([answer.signal.id]);
  // Reading needs no key, and a repeated action gets a new one.
  await api.plan({ project: 'demo', plan: 'p' });
  await api.send({ project: 'demo', plan: 'p' }, 'resume');
  expect(keys[2]).toBeNull();
  expect(keys[3]).not.toBe(keys[0]);
});
