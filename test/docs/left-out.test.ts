/** `npm test` is every test, but for what `test/soak/left-out.ts` lists with its reason. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { drawnS, drawnSoaks } from '../soak/drawn-soaks.ts';
import { bench, soaks, wholeInSoak } from '../soak/left-out.ts';

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
  expect(() => drawnSoaks('main')).toThrow('STATOR_SOAK_SEED=main: a commit is accepted');
});
