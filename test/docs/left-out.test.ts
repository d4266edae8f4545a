/** `npm test` is every test, but for what `test/soak/left-out.ts` lists with its reason. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { drawnS, drawnSoaks } from '../soak/drawn-soaks.ts';
import { bench, soaks, wholeInSoak } from '../soak/left-out.ts';
import { hangMs } from '../support/hang.ts';

const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((file) => `test/${file}`);

it('every soak is in the list, and every file of the list is there', () => {
  expect(Object.keys(soaks).sort()).toEqual(files.filter((file) => file.endsWith('.soak.ts')).sort());
  expect(Object.keys(wholeInSoak).filter((file) => !files.includes(file))).toEqual([]);
  expect(files.some((file) => file.startsWith(bench))).toBe(true);
});

it('every file that tests has a name by which it is found', () => {
  const isSupport = (file: string) =>
    /^test\/(?:support|soak|bench|mutants|mutation|simulation|store|real)\//.test(file);
  const others = files.filter((file) => file.endsWith('.ts') && !/\.(?:test|soak)\.ts$/.test(file));
  expect(others.filter((file) => !isSupport(file))).toEqual([]);
});

it('a commit draws the same soaks each time, as many as fit, and another commit others', () => {
  const one = drawnSoaks('6f9d11b2');
  expect(one).toEqual(drawnSoaks('6f9d11b2'));
  expect(one).not.toEqual(drawnSoaks('d7472be5'));
  expect(one.reduce((sum, [, seconds]) => sum + seconds, 0)).toBeLessThanOrEqual(drawnS);
  expect(() => drawnSoaks('main')).toThrow('main is no commit');
});

it('no test has a shorter limit of its own than all have: what takes its time on a busy machine is waited for', () => {
  const ofATest =
    /^ *\}, (?<last>[\d_]{5,})\);$|^ *(?:it|test)[.(].*\btimeout: (?<first>[\d_]+)|^ {2}timeout: (?<own>[\d_]+),$/gm;
  const shorter = files
    .filter((file) => file.endsWith('.test.ts') && !file.startsWith('test/real/'))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(ofATest)].flatMap(({ groups = {} }) => {
        const ms = Number((groups.last ?? groups.first ?? groups.own ?? '').replaceAll('_', ''));
        return ms < 2 * hangMs ? [`${file}: ${ms} ms`] : [];
      }),
    );
  expect(shorter).toEqual([]);
});
