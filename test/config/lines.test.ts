import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { placesOf } from '../../runtime/base/config/toml-place.ts';

describe('lines of values', () => {
  const text = `# comment with [table] and a = 1
a.b."c.d" = 1
'lit' = """
x = 1
[not] # a table ""\\" """
list = [ # one
  "]", 'it''s'.length,
  { k = 1, deep = { j = [1,
     2] } },
]
[ t . "quo\\u0074ed" ]
m = '''
[[no]]
''''
[[h]]
n = 1
[[h]]
n = 2
[h.sub]
o = 3
[[h.list]]
p = 4
`.replace(`'it''s'.length`, `'it'`);

  it.each([
    [['a'], 2],
    [['a', 'b', 'c.d'], 2],
    [['lit'], 3],
    [['list'], 6],
    [['list', 0], 7],
    [['list', 1], 7],
    [['list', 2, 'k'], 8],
    [['list', 2, 'deep', 'j', 1], 9],
    [['t', 'quoted'], 11],
    [['t', 'quoted', 'm'], 12],
    [['h', 0], 15],
    [['h', 0, 'n'], 16],
    [['h', 1, 'n'], 18],
    [['h', 1, 'sub', 'o'], 20],
    [['h', 1, 'list', 0, 'p'], 22],
    [['h', 0, 'missing'], 15],
    [['missing'], null],
  ])('%j waits in line %s', (path, line) => {
    expect(() => parse(text)).not.toThrow();
    expect(placesOf(text).line(path)).toBe(line);
  });

  it('are right for any document', () => {
    const content = fc.string({ unit: fc.constantFrom('a', '=', '[', ']', '#', '{', '}', ',', '.', ' ', '"', 'é') });
    const scalar = fc.oneof(
      content.map((value) => JSON.stringify(value)),
      content.map((value) => `'${value}'`),
      content.map((value) => `'''\nk0 = 1\n${value}'''`),
      content.map((value) => `"""\n[k0]\n${value.replaceAll('"', '\\"')}"""`),
      fc.integer().map(String),
      fc.constantFrom('true', '1979-05-27T07:32:00Z', '1e3', '-inf'),
    );
    const value = fc.oneof(
      scalar,
      fc.array(scalar, { maxLength: 3 }).map((items) => `[ # note ]\n${items.map((item) => `  ${item},\n`).join('')}]`),
      scalar.map((item) => `{ x = ${item}, y.z = [${item}] }`),
    );
    const block = fc.record({ isArray: fc.boolean(), values: fc.array(value, { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), fc.boolean(), (blocks, isCrlf) => {
        const expected: [(string | number)[], number][] = [];
        let toml = '';
        let tables = 0;
        const nextLine = () => toml.split('\n').length;
        for (const [index, { isArray, values }] of blocks.entries()) {
          const path = isArray ? ['list', tables] : [`t${index}`];
          if (isArray) tables += 1;
          expected.push([path, nextLine()]);
          toml += isArray ? '[[list]]\n' : `[t${index}]\n`;
          for (const [number, written] of values.entries()) {
            expected.push([[...path, `k${number}`], nextLine()]);
            toml += `k${number} = ${written} # k9 = "\n`;
          }
        }
        const document = isCrlf ? toml.replaceAll('\n', '\r\n') : toml;
        parse(document);
        const places = placesOf(document);
        for (const [path, line] of expected) expect(places.line(path)).toBe(line);
      }),
      { numRuns: 300 },
    );
  });

  it('ends for any text, TOML or not', () => {
    const unit = fc.constantFrom('a', '=', '[', ']', '#', '{', '}', ',', '.', '"', "'", '\\', '\n', ' ');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (any) => {
        placesOf(any).line(['a']);
      }),
    );
  });

  it('are found among very many dotted keys, and for a text that only one of two parsers takes', () => {
    const path = Array.from({ length: 1_500 }, () => 'a');
    expect(placesOf(`# deep\n${path.join('.')} = 1\n`).line(path)).toBe(2);
    expect(placesOf('a = 1\n= 2').line(['a'])).toBe(null);
  });
});
