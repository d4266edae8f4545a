import { expect, it } from 'vitest';
import type { HostRow, LostRepo } from '../../runtime/core/store/port.ts';
import { takeoverStep, turnsOf } from '../../runtime/engine/takeover.ts';

const host = (name: string, more: Partial<HostRow> = {}): HostRow => ({
  ...{ name, labels: [], address: name, home: '/', since: 0, seen: 0, drained: null, gone: null, repos: [] },
  ...{ isAlive: true, isSilent: false, clones: [], ...more },
});
const lost = (...projects: string[]) =>
  projects.map((project) => ({ project, host: 'lost', remote: '/x', comingFrom: null, path: null }));
const turns = (...given: Parameters<typeof turnsOf>) => Object.fromEntries(turnsOf(...given));

it('a host that has the clone comes first, then the one that does least; each repo that is given counts as work', () => {
  const hosts = [host('a', { clones: ['shop'] }), host('b'), host('c')];
  expect(turns(lost('docs', 'shop', 'site'), hosts, new Map([['b', 1]]))).toEqual({
    docs: ['a', 'c', 'b'],
    shop: ['a', 'c', 'b'],
    site: ['c', 'b', 'a'],
  });
});

it('nobody is asked who is lost, drained, removed, or takes over nothing', () => {
  const hosts = [
    host('lost', { isAlive: false }),
    host('drained', { drained: 1 }),
    host('gone', { gone: 1 }),
    host('alone', { clones: null }),
    host('here'),
  ];
  expect(turns(lost('shop'), hosts, new Map())).toEqual({ shop: ['here'] });
});

it.each([
  ['a repo on its way here is taken at once', { comingFrom: 'b' }, [], undefined, true],
  ['a lost repo whose next host is this one', {}, ['own', 'b'], undefined, true],
  ['a lost repo that another host comes before', {}, ['b', 'own'], undefined, false],
  ['the same when that host had its time', {}, ['b', 'own'], { sinceMs: 0, tryAtMs: 0 }, true],
  ['the same just before', {}, ['b', 'own'], { sinceMs: 1, tryAtMs: 0 }, false],
  ['a takeover that failed shortly before', {}, ['own'], { sinceMs: 0, tryAtMs: 10_001 }, false],
  ['a lost repo that this host may not take', {}, ['b'], { sinceMs: 0, tryAtMs: 0 }, false],
  ['a lost repo before the hosts had their time to come back', {}, null, { sinceMs: 0, tryAtMs: 0 }, false],
] as const)('%s', (_case, more, line, wait, isTaken) => {
  const [shop] = lost('shop');
  const repo = { ...shop, ...more } as LostRepo; // `lost` makes one for the name
  const { take, waiting } = takeoverStep({
    ...{ found: [repo], turns: new Map(line === null ? [] : [['shop', line]]), own: 'own', nowMs: 10_000 },
    waiting: new Map([
      ['elsewhere', { sinceMs: 0, tryAtMs: 0 }],
      ...(wait === undefined ? [] : [['shop', wait] as const]),
    ]),
  });
  expect(take.map(({ repo: { project } }) => project)).toEqual(isTaken ? ['shop'] : []);
  expect([...waiting]).toEqual([['shop', wait ?? { sinceMs: 10_000, tryAtMs: 10_000 }]]);
});
