/** Selects the checks that a pull request needs: the required ones, if its forge names them. Pure. */
import type { Check } from './forge.ts';

/** The most pages of a commit's checks that are read. */
export const checkPages = 10;

/**
 * `required` are names, in which `*` matches any letters; empty: the forge names none, and all checks count. A required check that has not begun is
 * `missing`. `isWhole`: these are all checks of the commit; otherwise one more counts as `missing`, because those that were not read may have failed.
 */
export function countedChecks(checks: readonly Check[], required: readonly string[], isWhole: boolean): Check[] {
  if (required.length === 0) return isWhole ? [...checks] : [...checks, unread(checks.length)];
  const patterns = [...new Set(required)].map((name) => ({ name, pattern: patternOf(name) }));
  const counted = checks.filter(({ name }) => patterns.some(({ pattern }) => pattern.test(name)));
  const missing = patterns.filter(({ pattern }) => !checks.some(({ name }) => pattern.test(name)));
  return [
    ...counted,
    ...missing.map(({ name }): Check => ({ name, state: 'missing', detail: 'not begun', log: '', url: null })),
  ];
}

function unread(count: number): Check {
  return { name: `more than ${count} checks`, state: 'missing', detail: 'not read', log: '', url: null };
}

function patternOf(name: string): RegExp {
  const words = name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${words.join('.*')}$`);
}
