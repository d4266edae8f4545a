import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  errorLine,
  firstInformative,
  lastInformative,
  whyFailed,
} from '../../runtime/work/agents/reports/informative-lines.ts';

/**
 * What checks write that fail, as their tools wrote it (npm, make, gcc, cargo, pytest, pip, CMake, Maven, Vitest, Node: run for this; the others as their
 * documents show it). The first line of each file is the line that says why; the output begins below it.
 */
const folder = join(import.meta.dirname, '../support/fixtures/check-outputs');
const checkOutputs = readdirSync(folder).map((name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const end = text.indexOf('\n');
  return { tool: name.replace('.txt', ''), why: text.slice(0, end), output: text.slice(end + 1) };
});

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
    ['not the news of a package manager', 'no key\nnpm notice New version\nnpm notice\n', 'no key'],
    [
      'what a package manager says, where nobody else says anything',
      'npm notice\nnpm error code 1\n',
      'npm error code 1',
    ],
    ['of a text that begins like a stack all the same', 'at last it works\n', 'at last it works'],
  ])('is %s', (_what, text, line) => {
    expect(lastInformative(text)).toBe(line);
  });

  it('is null if the output has no text, and is shortened if it is long', () => {
    expect(lastInformative('\n----\n  \n')).toBeNull();
    expect(lastInformative('x'.repeat(10_000))).toHaveLength(300);
  });

  it('of work that could not be committed or merged is what happened, and not the hint below it', () => {
    const text =
      '`git add -A` in /w ended with exit code 128: fatal: a.bin: clean filter failed\nrun it by hand to see more';
    expect(whyFailed(text, 'merge-failed')).toBe(text.split('\n')[0]);
    expect(whyFailed(text, 'exit-code')).toBe('run it by hand to see more');
  });

  it('of an agent that ends with a long paragraph is its last sentence', () => {
    const text = `${'I looked at everything. '.repeat(40)}The key is missing. Please set it.`;
    expect(lastInformative(text)).toMatch(/^I looked .* The key is missing\. Please set it\.$/);
    expect(lastInformative(text)?.length).toBeLessThanOrEqual(300);
  });

  it.each([
    ['node', 'not ok 1 - adds\n  ---\n  duration_ms: 3.5\n  ...\n1..1\n# fail 1\n', 'not ok 1 - adds'],
    [
      'vitest',
      ' FAIL  a.test.ts > adds\nAssertionError: expected 2 to be 3\n ❯ a.test.ts:4:20\n\n Tests  1 failed (1)\n   Start at  10:00:00\n   Duration  300ms\n',
      'AssertionError: expected 2 to be 3',
    ],
    ['pytest', 'E       assert 1 == 2\n\nt.py:2: AssertionError\n==== 1 failed in 0.02s ====\n', 'E assert 1 == 2'],
    [
      'go',
      '--- FAIL: TestAdds (0.00s)\n    a_test.go:5: expected 3, got 2\nFAIL\nexit status 1\nFAIL\tx 0.1s\n',
      '--- FAIL: TestAdds (0.00s): a_test.go:5: expected 3, got 2',
    ],
    [
      'tsc',
      "a.ts(3,5): error TS2322: Type 'string' is not assignable.\n\nFound 1 error.\n",
      "a.ts(3,5): error TS2322: Type 'string' is not assignable.",
    ],
    [
      'cargo',
      "thread 'adds' panicked at src/lib.rs:3:5:\nnote: run with `RUST_BACKTRACE=1`\ntest result: FAILED. 0 passed\nerror: test failed, to rerun pass `--lib`\n",
      "thread 'adds' panicked at src/lib.rs:3:5:",
    ],
    ['a shell', 'building\nsh: 1: frob: not found\nmake: *** [Makefile:2: test] Error 127\n', 'sh: 1: frob: not found'],
    ['npm around any of them', 'Error: no key\nnpm error code 1\nnpm notice\n', 'Error: no key'],
    ['nobody that is known', 'one\ntwo\n', 'two'],
  ])('of the check of %s names the error', (_who, output, line) => {
    expect(errorLine(output)).toBe(line);
  });

  it.each(checkOutputs)('of the output of $tool says why, and is no trailer of the tool', ({ output, why }) => {
    expect(errorLine(output)).toBe(why);
  });

  it('of a setup that fails is no trailer of npm either', () => {
    const missing = checkOutputs.find(({ tool }) => tool === 'npm-missing-script');
    expect(lastInformative(missing?.output ?? '')).toBe(missing?.why);
  });

  it('of a review are the first ones', () => {
    expect(firstInformative('\nNo French.\n\nNo tests.\nMore.\n', 2)).toEqual(['No French.', 'No tests.']);
  });
});
