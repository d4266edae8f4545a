/** Lines for a terminal: no row is wider than it, and no word is broken where it fits in a row. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { folded } from '../../cli/output.ts';
import { brief, widthOf } from '../../cli/text.ts';
import notifyViews from '../../cli/views/notify.ts';

const rows = (text: string, width: number) => folded(text, width).split('\n');

it('a row goes on beside a name, and a command begins on a row of its own', () => {
  expect(rows('  shop/cart  question 1: which port is it to be?  for 3m 07s', 40)).toEqual([
    '  shop/cart  question 1: which port is',
    '             it to be?  for 3m 07s',
  ]);
  expect(rows('take it as it is: stator plan answer dark-mode --accept', 40)).toEqual([
    'take it as it is:',
    'stator plan answer dark-mode --accept',
  ]);
});

it('a word that has no room beside the name begins further left', () => {
  const path = '/home/ada/work/shop/test/fixtures/cart.test.ts';
  expect(rows(`  shop/search-facets  there is no ${path} yet`, 60)).toEqual([
    '  shop/search-facets  there is no',
    `              ${path}`,
    '                      yet',
  ]);
});

it('lines that are put on one are set off from each other, where no mark does it', () => {
  expect(brief('p-coder: changed nothing\nthe run changed nothing since 1234\n')).toBe(
    'p-coder: changed nothing; the run changed nothing since 1234',
  );
  const notice = { id: 1, type: 'machine_notice', project: '', plan: null, tree: 'release:1.2', read: false } as const;
  const message = '1.2 is not published: no registry\na further try would not help';
  const at = '2026-01-31T12:00:00.000Z';
  const { list } = notifyViews.notifications;
  const { row } = typeof list === 'function' ? list({}, []) : list;
  expect(row({ ...notice, message, at }).at(-1)).toBe(
    '1.2 is not published: no registry; a further try would not help',
  );
  expect(brief('which one?\n  a: left,\n\n  b: right.')).toBe('which one? a: left, b: right.');
});

it('characters of two columns are counted as two, and a text without blanks is broken between them', () => {
  expect(rows('  店/支払い  どの港を使いますか、そしてその理由は何ですか', 40)).toEqual([
    '  店/支払い  どの港を使いますか、そして',
    '             その理由は何ですか',
  ]);
});

it('whatever the text: all of it is there, and only a word that needs more than a row is wider than one', () => {
  const word = fc.oneof(fc.stringMatching(/^[a-z]{1,30}$/), fc.constantFrom('支払い方法', '港', 'über', 'a…b'));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), fc.integer({ min: 20, max: 80 }), (words, width) => {
      const text = `  demo/plan  ${words.join(' ')}`;
      const shown = folded(text, width);
      expect(shown.replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
      for (const row of shown.split('\n')) if (widthOf(row) > width) expect(row.trim().split(' ')).toHaveLength(1);
    }),
  );
});
