import { expect, it } from 'vitest';
import { literalText } from '../../runtime/base/platform/terminal-text.ts';

it('of a change nothing is hidden: not before a return, and not behind an escape that has no end', () => {
  expect(literalText('+evil() //\r+fine()')).toBe('+evil() //\\x0d+fine()');
  expect(literalText('+fine() \u001b]0; evil()\n+more()')).toBe('+fine() \\x1b]0; evil()\n+more()');
  expect(literalText('+if (a\u2066 || b)\ta  ü 漢 🙂')).toBe('+if (a\\u{2066} || b)\ta  ü 漢 🙂');
});
