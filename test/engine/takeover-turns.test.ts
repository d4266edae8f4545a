import { expect, it } from 'vitest';
import type { HostRow } from '../../runtime/core/store/port.ts';
import { turnsOf } from '../../runtime/engine/takeover.ts';

const host = (name: string, more: Partial<HostRow> = {}): HostRow => ({
  ...{ name, labels: [], address: name, home: '/', since: 0, seen: 0, drained: null, gone: null, repos: [] },
  ...{ isAlive: true, clones: [], ...more },
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
