/** What closes an issue on a forge, as we write it and as it is taken out of what others wrote. */
import { expect, it } from 'vitest';
import { closingWords, disarmed } from '../../runtime/work/forges/closing-words.ts';

const server = { name: 'here', url: 'https://git.example.com', kind: 'gitea', allowPrivate: false } as const;
const issue = { host: 'git.example.com', owner: 'acme', name: 'shop', number: 12 };

it.each([
  [{ owner: 'Acme', name: 'shop' }, 'Closes #12'],
  [{ owner: 'ada', name: 'shop' }, 'Closes acme/shop#12'],
])('an issue is named as its forge reads it in %o', (repo, words) => {
  expect(closingWords({ server, repo }, issue)).toBe(words);
});

it('an issue of another forge is closed by nobody', () => {
  const repo = { owner: 'acme', name: 'shop' };
  expect(closingWords({ server, repo }, { ...issue, host: 'elsewhere.example.com' })).toBeNull();
});

it.each([
  'Fixes #99',
  'closes: acme/shop#99',
  'Resolves https://git.example.com/acme/shop/issues/99',
  'This closed GH-99',
  'Implements, as asked, https://gitlab.com/a/b/-/issues/9',
  'thanks @everyone, see !4',
])('"%s" of others closes nothing and calls nobody', (text) => {
  const safe = disarmed(text);
  expect(safe).not.toMatch(/(?:[@#!]\w)|\b(?:clos|fix|resolv|implement)\w*\b.*(?::\/\/|GH-)/i);
  expect(safe.replaceAll('\u2060', '')).toBe(text);
});

it('words that close nothing stay as they are', () => {
  expect(disarmed('It fixes the closing of files.')).toBe('It fixes the closing of files.');
});
