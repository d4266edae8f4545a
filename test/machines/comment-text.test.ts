import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answersIn, commentMessage, commentsIn } from '../../machines/vocabulary/comment-text.ts';

const row = fc.string({ maxLength: 30 }).map((text) => text.replace(/[\r\n]/g, ' '));
const rows = fc.array(row, { minLength: 1, maxLength: 4 }).map((all) => all.join('\n'));
const path = fc.oneof(
  fc.constantFrom('a.txt', 'src/b, c.ts', 'with "quotes".md', 'two\nlines', '"odd'),
  row.filter((text) => text.trim() !== ''),
);
const comment = fc
  .record({
    id: fc.stringMatching(/^[a-z0-9]{4,8}$/),
    path,
    line: fc.integer({ min: 1, max: 99_999 }),
    side: fc.constantFrom('before' as const, 'after' as const),
    quoted: rows,
    text: rows.filter((text) => text !== '' && text !== 'Delete these lines.'),
    suggestion: fc.option(fc.oneof(fc.constant(''), rows)),
  })
  .map((one) => ({ ...one, end: one.line + one.quoted.split('\n').length - 1 }));

describe('comments on lines', () => {
  it('are read from their message as they were written, whatever their text is', () => {
    fc.assert(
      fc.property(fc.array(comment, { minLength: 1, maxLength: 3 }), row, (comments, words) => {
        const message = commentMessage({ from: 'a'.repeat(40), to: 'b'.repeat(40), comments }, words);
        expect(commentsIn(message)).toEqual({ from: 'a'.repeat(10), to: 'b'.repeat(10), comments });
      }),
    );
  });

  it('are read by an agent as places, lines and words', () => {
    const comments = [
      {
        id: 'k3f9',
        path: 'a.txt',
        line: 3,
        end: 4,
        side: 'after',
        quoted: 'one\ntwo',
        text: 'why?',
        suggestion: 'three',
      },
      {
        id: 'm2p4',
        path: 'b.txt',
        line: 7,
        end: 7,
        side: 'before',
        quoted: 'gone',
        text: 'it was right',
        suggestion: null,
      },
    ] as const;
    const message = commentMessage({ from: '1234567890abcdef', to: 'fedcba0987654321', comments }, 'Thank you.');
    expect(message).toMatchInlineSnapshot(`
      "Thank you.

      A person commented on lines of the change 1234567890..fedcba0987:

      Comment k3f9, a.txt, lines 3 to 4:
         | one
         | two
         why?
         Put exactly these lines in their place, without any difference:
         > three

      Comment m2p4, b.txt, removed line 7:
         | gone
         it was right

      Answer each comment in the message of a commit, on a line of its own: "Comment <id>: what you did, or why not". Apply a suggested replacement exactly as it is."
    `);
  });

  const place = { id: 'k3f9', path: 'a.txt', line: 3, end: 3, side: 'after', quoted: 'one', text: 'why?' } as const;
  const bodyOf = (given: object) =>
    commentMessage(
      { from: 'a'.repeat(40), to: 'b'.repeat(40), comments: [{ ...place, suggestion: null, ...given }] },
      '',
    )
      .split('\n\n')
      .slice(0, -1);

  it('without further words begin with their commits, and say only what there is', () => {
    expect(bodyOf({})).toEqual([
      'A person commented on lines of the change aaaaaaaaaa..bbbbbbbbbb:',
      'Comment k3f9, a.txt, line 3:\n   | one\n   why?',
    ]);
    expect(bodyOf({ text: '', suggestion: 'two' })[1]).toBe(
      'Comment k3f9, a.txt, line 3:\n   | one\n   Put exactly these lines in their place, without any difference:\n   > two',
    );
    expect(bodyOf({ suggestion: '' })[1]).toBe(
      'Comment k3f9, a.txt, line 3:\n   | one\n   why?\n   Delete these lines.',
    );
  });

  it.each([
    ['a text that begins like quoted lines', { text: '| not of the file' }],
    [
      'a text that ends with the words of a suggestion',
      { text: 'Put exactly these lines in their place, without any difference:' },
    ],
    ['a suggestion of these words', { suggestion: 'Delete these lines.' }],
    ['no text and a deletion', { text: '', suggestion: '' }],
    ['a text with the words of a deletion before others', { text: 'Delete these lines.\nor not' }],
    [
      'a text of replaced lines that go on as text',
      { text: 'a\nPut exactly these lines in their place, without any difference:\n> x\ny' },
    ],
    ['a path in quotation marks', { path: '"a".txt' }],
    ['a path that begins with one', { path: '"a' }],
    ['an empty line of text', { text: 'a\n\nb' }],
  ])('are read back with %s', (_what, given) => {
    const comments = [
      { ...place, suggestion: null, ...given },
      { ...place, id: 'm2p4', suggestion: null },
    ];
    const message = commentMessage({ from: 'a'.repeat(10), to: 'b'.repeat(10), comments }, 'see');
    expect(commentsIn(message)).toEqual({ from: 'a'.repeat(10), to: 'b'.repeat(10), comments });
  });

  it('end where other text begins', () => {
    const message =
      'Comment zzzz, b.txt, line 1:\nA person commented on lines of the change aaaa..bbbb:\n\nComment k3f9, a.txt, line 3:\n   | one\n   why?\nnot indented\n   not of it';
    expect(commentsIn(message)?.comments).toEqual([{ ...place, suggestion: null }]);
  });

  it('may have a path that a person wrote by hand', () => {
    const head = 'A person commented on lines of the change aaaa..bbbb:\n\n';
    const pathOf = (path: string) => commentsIn(`${head}Comment k3f9, ${path}, line 3:\n   | x`)?.comments[0]?.path;
    expect([pathOf('"a\\nb"'), pathOf('"a'), pathOf('a"'), pathOf('"\\x"')]).toEqual(['a\nb', '"a', 'a"', '"\\x"']);
  });

  it('another text is no such message', () => {
    expect(commentsIn('A person commented on lines of the change:')).toBeNull();
    expect(commentsIn('Comment k3f9, a.txt, line 3:\n   | x')).toBeNull();
  });

  it('a commit answers those that its message names', () => {
    const message =
      'spelling\n\nComment k3f9: renamed it\n- Comment m2p4: it is right, see the test\n\nComments: none\nComment k3f9: and its test';
    expect([...answersIn(message)]).toEqual([
      ['k3f9', 'renamed it\nand its test'],
      ['m2p4', 'it is right, see the test'],
    ]);
    expect([...answersIn('\t* Comment k3f9:done  \nsee Comment m2p4: no\nComment k3f9:  twice ')]).toEqual([
      ['k3f9', 'done\ntwice'],
    ]);
    expect(answersIn('Comment abc: too short\nComment k3f9:').size).toBe(0);
  });
});
