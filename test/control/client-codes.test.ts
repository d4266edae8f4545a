/** What the comments of `Client` say that its functions throw, beside what their routes may answer. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorClasses } from '../../machines/vocabulary/errors.ts';
import type { Call } from '../../runtime/api/client/call.ts';
import { createClient } from '../../runtime/api/client/client.ts';
import { errorsOf } from '../../runtime/api/control/openapi.ts';
import { methodOf, pathOf } from '../../runtime/api/control/route.ts';
import { routes } from '../../runtime/api/control/routes.ts';

const source = readFileSync(new URL('../../runtime/api/client/client.ts', import.meta.url), 'utf8');
const [declared = ''] = /^export function createClient[\s\S]*?^\}/m.exec(source) ?? [];

/** By function, the codes that its comment names after "Throws". */
const named = [
  ...declared.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(?:async \*?)?(\w+)(?:: (?:async |ofPlan)?\(|[(,])/g),
].flatMap(([, comment = '', name = '']) => {
  const said = comment.split('Throws')[1] ?? '';
  const codes = [...said.matchAll(/`(\w+)`/g)].map(([, code = '']) => code).filter((code) => code in errorClasses);
  return codes.length === 0 ? [] : [{ name, codes }];
});

/** Thrown by the client itself. */
const own = [...source.matchAll(/new EngineError\('(\w+)'/g)].map(([, code = '']) => code);

/** The routes that a function asks, seen by a call that goes nowhere. */
async function asked(name: string): Promise<(typeof routes)[number][]> {
  const found = new Set<(typeof routes)[number]>();
  const call: Call = async (method, path) => {
    const segments = path.replace(/\?.*$/, '').split('/');
    const route = routes.find(
      ({ key }) =>
        methodOf(key) === method &&
        pathOf(key).split('/').length === segments.length &&
        pathOf(key)
          .split('/')
          .every((part, index) => part.startsWith(':') || part === segments[index]),
    );
    if (route !== undefined) found.add(route);
    return new Response('{}', { headers: { 'content-type': 'application/json' } }) as never;
  };
  const client = createClient(call, { note: null, close: async () => {} }) as unknown as Record<
    string,
    (...given: unknown[]) => unknown
  >;
  const request = { project: 'p', plan: 'p', type: 't' };
  for (const given of [['a', 'b', 'pause'], ['a', 'b', 'enable'], [request], ['a', 'b', request], ['a', request], []])
    await Promise.resolve()
      .then(() => client[name]?.(...given))
      .catch(() => {}); // these are not what it takes
  return [...found];
}

it('a function of the client throws no code that its route does not answer', async () => {
  expect(named.length).toBeGreaterThan(20);
  const wrong: string[] = [];
  for (const { name, codes } of named) {
    const routesAsked = await asked(name);
    const answers = [...routesAsked.flatMap((route): string[] => errorsOf(route)), ...own];
    const odd = codes.filter((code) => !answers.includes(code));
    if (routesAsked.length === 0) wrong.push(`${name} asks no route`);
    else if (odd.length > 0) wrong.push(`${name}: ${odd.join(', ')}`);
  }
  expect(wrong).toEqual([]);
});
