/** The part of a request's text that links the others: what it says, and that nothing else of the text is ever replaced. */
import { describe, expect, it } from 'vitest';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import { linkedText, withLinks } from '../../runtime/work/forges/linked-text.ts';

const at = (kind: ForgeKind, url: string, name: string) => ({
  server: { name: kind, url, kind, allowPrivate: false },
  repo: { owner: 'ada', name },
});
const [hub, lab] = ['https://hub.test', 'https://lab.test'];
const all = [
  { folder: 'api', forge: at('github', hub, 'api'), number: 1, url: `${hub}/ada/api/pull/1` },
  { folder: 'app', forge: at('github', hub, 'app'), number: 2, url: `${hub}/ada/app/pull/2` },
  { folder: 'web', forge: at('gitlab', lab, 'web'), number: 3, url: `${lab}/ada/web/-/merge_requests/3` },
  { folder: 'ops', forge: at('gitlab', lab, 'ops'), number: 4, url: `${lab}/ada/ops/-/merge_requests/4` },
] as const;
const textOf = (own: (typeof all)[number], made: readonly (typeof all)[number][] = all) =>
  linkedText({ forge: own.forge, member: own }, made);
const linesOf = (text: string) => text.split('\n').filter((line) => line.startsWith('- '));

describe('the links of a request', () => {
  it('are short at one forge, and addresses at another', () => {
    const [api, , web, ops] = all;
    expect(linesOf(textOf(api))).toEqual([
      '- api: this one',
      '- app: ada/app#2',
      `- web: ${web.url}`,
      `- ops: ${ops.url}`,
    ]);
    expect(linesOf(textOf(ops)).slice(2)).toEqual(['- web: ada/web!3', '- ops: this one']);
  });

  it('name itself last as long as it is not made', () => {
    const [api, app] = all;
    expect(linesOf(textOf(api, []))).toEqual(['- api: this one']);
    expect(linesOf(textOf(app, [api]))).toEqual(['- api: ada/api#1', '- app: this one']);
  });
});

describe('a text whose links are brought up to date', () => {
  const [earlier, now] = [textOf(all[0], []), textOf(all[0])];
  const [begin = '', ...rest] = earlier.split('\n');
  const end = rest.at(-1) ?? '';

  it.each([
    ['has the rest as it was', `before\n${earlier}\nafter`, `before\n${now}\nafter`],
    ['has line ends of the web', `before\r\n${earlier.replaceAll('\n', '\r\n')}\r\nafter`, `before\r\n${now}\r\nafter`],
    ['loses what was written between our lines', `${begin}\nby hand\n${end}`, now],
    ['keeps a later copy of them', `${earlier}\n\n> ${earlier}`, `${now}\n\n> ${earlier}`],
    ['is the same when it has them already', `a $& b\n${now}`, `a $& b\n${now}`],
  ])('%s', (_, body, expected) => {
    expect(withLinks(body, now)).toBe(expected);
    expect(withLinks(expected, now)).toBe(expected);
  });

  it.each([
    ['has none of ours', 'by hand'],
    ['is empty', ''],
    ['has only the first line', `${begin}\nby hand`],
    ['has only the last line', `by hand\n${end}`],
    ['has them the wrong way round', `${end}\nby hand\n${begin}`],
    ['lost the last line of the first of two', `${begin}\nby hand\n${earlier}`],
  ])('stays as it is where it %s', (_, body) => {
    expect(withLinks(body, now)).toBe(body);
  });
});
