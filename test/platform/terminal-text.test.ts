import { expect, it } from 'vitest';
import { literalText, localTime } from '../../runtime/base/platform/terminal-text.ts';

it('a time is said as the time of day where the person is, with its date on another day', () => {
  const at = new Date(2026, 10, 20, 14, 3, 59);
  expect(localTime(at.toISOString(), new Date(2026, 10, 20, 23, 0).getTime())).toBe('14:03');
  expect(localTime(at.toISOString(), new Date(2026, 10, 21, 0, 1).getTime())).toBe('2026-11-20 14:03');
  expect(localTime('some time', 0)).toBe('some time');
});

it('of a change nothing is hidden: not before a return, and not behind an escape that has no end', () => {
  expect(literalText('+evil() //\r+fine()')).toBe('+evil() //\\x0d+fine()');
  expect(literalText('+fine() \u001b]0; evil()\n+more()')).toBe('+fine() \\x1b]0; evil()\n+more()');
  expect(literalText('+if (a\u2066 || b)\ta  ü 漢 🙂')).toBe('+if (a\\u{2066} || b)\ta  ü 漢 🙂');
});
