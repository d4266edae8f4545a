import { describe, expect, it } from 'vitest';
import { firstTelling, lastTelling } from '../../runtime/agents/reports/telling.ts';

describe('the line of an output that says why', () => {
  it.each([
    ['the last one', 'one\ntwo\n', 'two'],
    [
      'not a stack, nor what Node prints below it',
      'Error: no key\n    at a (/b.js:1:2)\n    at /c.js:3:4\n\nNode.js v20.20.2\n',
      'Error: no key',
    ],
    [
      'not what an error carries',
      "Error: ENOENT: no such file {\n  errno: -2,\n  code: 'ENOENT',\n  path: '/a'\n}\n",
      'Error: ENOENT: no such file',
    ],
    ['not a line for programs', 'Invalid API key\n{"type":"result","is_error":true}\n', 'Invalid API key'],
    ['the words in a line for programs, where there is nothing else', '{"error":{"message":"no credit"}}', 'no credit'],
    ['of a text that begins like a stack all the same', 'at last it works\n', 'at last it works'],
  ])('is %s', (_what, text, line) => {
    expect(lastTelling(text)).toBe(line);
  });

  it('is none where nothing was said, and short where it is long', () => {
    expect(lastTelling('\n----\n  \n')).toBeNull();
    expect(lastTelling('x'.repeat(10_000))).toHaveLength(300);
  });

  it('of a review are the first ones', () => {
    expect(firstTelling('\nNo French.\n\nNo tests.\nMore.\n', 2)).toEqual(['No French.', 'No tests.']);
  });
});
