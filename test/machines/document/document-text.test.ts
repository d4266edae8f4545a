/** The bytes and characters of a plan's file, the marks of headings, and texts of a document inside a message. */
import { describe, expect, it } from 'vitest';
import { withoutLeadingMarks, withoutTrailingMark } from '../../../machines/document/done-marks.ts';
import { quoted } from '../../../machines/document/shape.ts';
import { decodePlan, textProblem } from '../../../machines/document/text.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';

describe('a text inside a message', () => {
  it.each([
    ['a b', '`a b`'],
    ['!', '`!`'],
    ['', '``'],
    [' a ', '`a`'],
    ['ab ', '`ab`'],
    ['a\t\r\nb', '`a b`'],
    ['\u0007x', '`x`'],
    ['x\u0007', '`x`'],
    ['Tür', '`Tür`'],
    ['a\ud800b', '`a\ud800b`'],
    ['x'.repeat(80), `\`${'x'.repeat(80)}\``],
    ['x'.repeat(81), `\`${'x'.repeat(80)}…\``],
    ['ü'.repeat(80), `\`${'ü'.repeat(80)}\``],
    ['ü'.repeat(81), `\`${'ü'.repeat(80)}…\``],
    [`${'x'.repeat(79)}🧪`, `\`${'x'.repeat(79)}…\``],
  ])('%j', (text, expected) => {
    expect(quoted(text)).toBe(expected);
  });
});

describe('the bytes of a plan', () => {
  const bytes = (...parts: (string | number)[]) =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : [part])));

  it.each([
    ['UTF-8', bytes('## Wave 1 — Tür\n')],
    ['UTF-8 with a byte order mark', bytes(0xef, 0xbb, 0xbf, '## Wave 1 — Tür\n')],
  ])('%s are its text', (_name, given) => {
    expect(decodePlan(given)).toEqual({ content: '## Wave 1 — Tür\n' });
  });

  it.each([
    ['UTF-16, the low byte first', bytes(0xff, 0xfe, 'a', 0), 1, 'UTF-16'],
    ['UTF-16, the high byte first', bytes(0xfe, 0xff, 0, 'a'), 1, 'UTF-16'],
    ['the first half of a byte order mark', bytes(0xff, 'a'), 1, '0xff'],
    ['the second half of a byte order mark', bytes('a', 0xfe), 1, '0xfe'],
    ['the first half of the other byte order mark', bytes(0xfe, 'a'), 1, '0xfe'],
    ['the second half of the other byte order mark', bytes('a\n', 0xff), 2, '0xff'],
    ['Latin-1', bytes('a\nb\nT', 0xfc, 'r\n'), 3, '0xfc'],
    ['a character that is cut at the end', bytes('a\n', 0xe2, 0x82), 2, '0xe2'],
    ['a character that is cut and goes on', bytes('a\n', 0xe2, 0x82, 'b'), 2, '0xe2'],
    ['nothing but half of a character', bytes(0xe2, 0x82), 1, '0xe2'],
    ['a NUL byte', bytes('a\nb', 0, 'c\n'), 2, 'NUL'],
    ['a NUL byte at the start', bytes(0, 'a'), 1, 'NUL'],
  ])('%s are refused at their line', (_name, given, line, named) => {
    const read = decodePlan(given);
    expect(read).toMatchObject({ problem: { line, message: expect.stringContaining(named) } });
  });

  it('of more than 1 MiB are refused', () => {
    expect(decodePlan(bytes('a'.repeat(planDocumentLimitBytes)))).toMatchObject({ content: expect.any(String) });
    expect(decodePlan(bytes('a'.repeat(planDocumentLimitBytes + 1)))).toMatchObject({
      problem: { line: 1, message: expect.stringContaining(`${planDocumentLimitBytes + 1} bytes`) },
    });
  });
});

describe('the characters of a plan', () => {
  it('of at most 1 MiB are accepted, in as many bytes as UTF-8 has for them', () => {
    expect(textProblem('a'.repeat(planDocumentLimitBytes))).toBeNull();
    expect(textProblem('ü'.repeat(planDocumentLimitBytes / 2))).toBeNull();
    for (const large of ['a'.repeat(planDocumentLimitBytes + 1), `${'ü'.repeat(planDocumentLimitBytes / 2)}a`]) {
      const message = expect.stringContaining(`${planDocumentLimitBytes + 1} bytes`);
      expect(textProblem(large)).toEqual({ line: 1, message });
    }
  });

  it.each([
    ['\0', 1, 'NUL'],
    ['a\nb\0', 2, 'NUL'],
    ['\ud800', 1, 'half of a character'],
    ['a\r\nb\n\udc00 🧪', 3, 'half of a character'],
  ])('%j is refused at its line', (text, line, named) => {
    expect(textProblem(text)).toEqual({ line, message: expect.stringContaining(named) });
  });

  it('whole characters of two halves are accepted', () => {
    expect(textProblem('🧪')).toBeNull();
  });
});

describe('the marks at the start of a heading', () => {
  const done = [
    ...['[x]', '[X]', '[✓]', '[✔]', '[✅]', '✅', '☑', '✔', '✓', '🗹', ':white_check_mark:', ':heavy_check_mark:'],
    ...[':ballot_box_with_check:', '[DONE]', '(DONE)', '[COMPLETE]', '(COMPLETE)', '[COMPLETED]', '(COMPLETED)'],
  ];
  const open = [
    ...['[ ]', '[~]', '[/]', '⬜', '🔲', '☐', '◻', '🔳', '⏳', '⌛', '🚧', '🔄', ':white_large_square:'],
    ...[':black_square_button:', ':hourglass:', ':construction:', '[TODO]', '(TODO)', '[WIP]', '(WIP)'],
    ...['[IN PROGRESS]', '(IN PROGRESS)'],
  ];

  it.each([...done.map((mark) => [mark, true] as const), ...open.map((mark) => [mark, false] as const)])(
    '%s',
    (mark, isDone) => {
      const expected = { text: 'Labels', marks: [isDone] };
      expect(withoutLeadingMarks(`${mark} Labels`)).toEqual(expected);
      expect(withoutTrailingMark(`Labels ${mark}`)).toEqual(expected);
      expect(withoutTrailingMark(`Labels - ${mark}`)).toEqual(expected);
    },
  );

  it.each([
    [' [x]Labels ', 'Labels', [true]],
    ['☑\uFE0F Labels', 'Labels', [true]],
    ['[x] ⏳ Labels', 'Labels', [true, false]],
    ['[x][x][x][x][ ] Labels', '[ ] Labels', [true, true, true, true]],
    ['Labels [x] b', 'Labels [x] b', []],
    ['(done) Labels', '(done) Labels', []],
    ['', '', []],
  ])('%j', (text, rest, marks) => {
    expect(withoutLeadingMarks(text)).toEqual({ text: rest, marks });
  });
});

describe('the mark at the end of a title', () => {
  it.each([
    ['  Labels  ', 'Labels', []],
    ['Labels — DONE', 'Labels', [true]],
    ['Labels -- DONE', 'Labels', [true]],
    ['Labels –  DONE', 'Labels', [true]],
    ['  Labels — COMPLETE ', 'Labels', [true]],
    ['Labels — COMPLETED', 'Labels', [true]],
    ['Labels — DONE twice', 'Labels — DONE twice', []],
    ['Labels — DONE [b]', 'Labels — DONE [b]', []],
    ['Labels — done', 'Labels — done', []],
    ['Labels DONE', 'Labels DONE', []],
    ['Labels ✅ Done', 'Labels', [true]],
    ['Labels ✅  done!', 'Labels', [true]],
    ['Labels ✅ (completed).', 'Labels', [true]],
    ['Labels ✅ complete', 'Labels', [true]],
    ['Labels ✅ finished.', 'Labels', [true]],
    ['Labels ✅ done later', 'Labels ✅ done later', []],
    ['Labels ✅ done (b)', 'Labels ✅ done (b)', []],
    ['Labels ⏳ done', 'Labels ⏳ done', []],
    ['Labels ⏳', 'Labels', [false]],
    ['Labels ☑\uFE0F', 'Labels', [true]],
    ['items[x]', 'items[x]', []],
    ['items [x]', 'items', [true]],
    ['items✅', 'items', [true]],
    ['[x]', '', [true]],
    ['✅', '', [true]],
    ['Labels -- ✅', 'Labels', [true]],
    ['Labels - b ✅', 'Labels - b', [true]],
    ['Labels - b - ✅', 'Labels - b', [true]],
    ['Replace the text with ✅', 'Replace the text with ✅', []],
    ['an ✅', 'an ✅', []],
    ['plan ✅', 'plan', [true]],
    ['The ✅', 'The ✅', []],
    ['Prints ✅', 'Prints ✅', []],
    ['Print ✅', 'Print ✅', []],
    ['uses ✅', 'uses ✅', []],
    ['use ✅', 'use ✅', []],
    ['shows ✅', 'shows ✅', []],
    ['show ✅', 'show ✅', []],
    ['a ✅', 'a ✅', []],
    ['❌ becomes ✅', '❌ becomes ✅', []],
    ['no → ✅', 'no → ✅', []],
    ['no -> ✅', 'no -> ✅', []],
    [`${'x'.repeat(60)} — DONE`, 'x'.repeat(60), [true]],
    [`${'x'.repeat(60)} with ✅`, `${'x'.repeat(60)} with ✅`, []],
  ])('%j', (text, rest, marks) => {
    expect(withoutTrailingMark(text)).toEqual({ text: rest, marks });
  });
});
