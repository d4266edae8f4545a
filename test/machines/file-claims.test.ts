/** Which declared files overlap: a table of paths, folders and patterns. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { claimOf, createClaims, overlapOf } from '../../machines/vocabulary/file-claims.ts';

const together: [string, string][] = [
  ['src/a.ts', 'src/a.ts'],
  ['src/a.ts', './src//a.ts'],
  ['migrations/', 'migrations/0001.sql'],
  ['src/ui', 'src/ui/login.ts'],
  ['src/*.ts', 'src/a.ts'],
  ['src/*.ts', 'src/login*'],
  ['src/**', 'src/ui/login.ts'],
  ['src/**/*.test.ts', 'src/ui/login.test.ts'],
  ['src/**/*.test.ts', 'src/login.test.ts'],
  ['**/*.css', 'src/**'],
  ['src/{ui,api}/index.ts', 'src/api/index.ts'],
  ['{a,b}/{c,d}', 'b/c'],
  ['src/?.ts', 'src/a.ts'],
  ['./', 'anything/at.all'],
  ['app/[id]/page.tsx', 'app/*/page.tsx'],
  ['app/[id]/page.tsx', 'app/[id]/page.tsx'],
  ['**', 'a'],
  ['a/**/z', 'a/z'],
];
const apart: [string, string][] = [
  ['src/a.ts', 'src/b.ts'],
  ['src/ui', 'src/uix/login.ts'],
  ['src/*.ts', 'src/a.css'],
  ['src/*.ts', 'src/ui/login.ts'],
  ['src/**/*.test.ts', 'src/ui/login.ts'],
  ['src/{ui,api}/index.ts', 'src/cli/index.ts'],
  ['src/?.ts', 'src/ab.ts'],
  ['app/[id]/page.tsx', 'app/[slug]/page.tsx'],
  ['a/**/z', 'b/z'],
  ['A.ts', 'a.ts'],
];

it('a path, a folder and a pattern overlap where one file may be of both', () => {
  for (const [one, other] of together) {
    expect([one, other, overlapOf([one], [other])]).toEqual([one, other, one]);
    expect([other, one, overlapOf([other], [one])]).toEqual([other, one, other]);
  }
});

it('what can have no file in common does not overlap', () => {
  for (const [one, other] of apart) {
    expect([one, other, overlapOf([one], [other])]).toEqual([one, other, null]);
    expect([other, one, overlapOf([other], [one])]).toEqual([other, one, null]);
  }
});

it('overlapping is mutual, whatever the patterns', () => {
  const name = fc.constantFrom('a', 'b', '*', 'a*', '*b', '?', '**', '{a,b}');
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
  fc.assert(
    fc.property(
      path,
      path,
      (one, other) => (overlapOf([one], [other]) === null) === (overlapOf([other], [one]) === null),
    ),
  );
});

it('a pattern overlaps with each path that it fits', () => {
  const part = fc.constantFrom('a', 'b', 'ab');
  const fitted = fc.array(fc.tuple(part, fc.constantFrom('same', 'any', 'star')), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fitted, (parts) => {
      const path = parts.map(([name]) => name).join('/');
      const pattern = parts.map(([name, how]) => ({ same: name, any: '*', star: '**' })[how]).join('/');
      return overlapOf([pattern], [path]) === pattern;
    }),
  );
});

it('more patterns than are compared, and forms without end, overlap with everything', () => {
  const claims = createClaims();
  claims.add(Array.from({ length: 300 }, (_, index) => `f${index}/*.ts`));
  expect(claims.takenOf(['elsewhere.md'])).toBe('elsewhere.md');
  const endless = '{a,b}'.repeat(20);
  expect(overlapOf([endless], ['zzz'])).toBe(endless);
  expect(overlapOf([`${'x'.repeat(600)}*`], ['zzz'])).not.toBeNull();
  expect(overlapOf(['{{a,b}'], ['c'])).toBeNull();
});

it('what claims nothing overlaps with nothing', () => {
  expect(overlapOf([], ['a'])).toBeNull();
  expect(overlapOf(['a'], [])).toBeNull();
});

it('a plan claims each of its paths once, and everything if it has too many or too long ones', () => {
  expect(claimOf(['b', 'a', 'b'])).toEqual(['b', 'a']);
  const many = Array.from({ length: 501 }, (_, at) => `f${at}`);
  expect(claimOf(many.slice(1))).toHaveLength(500);
  expect(claimOf(many)).toEqual(['**']);
  const long = 'x'.repeat(200);
  expect([claimOf([long]), claimOf(['a', `${long}y`])]).toEqual([[long], ['**']]);
});

it('a long path is compared as it is written, and a long pattern is any path', () => {
  const long = `src/${'x'.repeat(600)}`;
  expect([overlapOf([long], [long]), overlapOf([long], ['src']), overlapOf([long], ['other'])]).toEqual([
    long,
    long,
    null,
  ]);
  for (const pattern of [`${long}*`, `${long}{a,b}`]) expect(overlapOf([pattern], ['other'])).toBe(pattern);
});
