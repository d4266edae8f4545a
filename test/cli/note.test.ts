/** The verbs of `note`; no engine runs in any of them. */
import { expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';

it('a person adds, lists, shows, refuses, takes and forgets notes', async () => {
  const { stator, repo } = terminal();
  expect((await stator(['note', 'list'])).stderr).toContain('no notes; one is added with');
  expect((await stator(['repo', 'add', repo, '--trust'])).code).toBe(0);
  const added = await stator(['note', 'add', 'the tests need a redis']);
  expect([added.code, added.stdout]).toEqual([
    0,
    'note 1 is taken: the next agents get it, and it is in .stator/notes.md\n',
  ]);
  expect((await stator(['note', 'list'])).stdout).toMatch(/^1 +taken +demo +person +the tests need a redis$/m);
  expect((await stator(['note', 'show', '1'])).stdout).toMatch(/^state +taken by person, /m);
  expect((await stator(['note', 'refuse', '1'])).stdout).toBe('note 1 is refused: no agent gets it\n');
  const again = await stator(['note', 'add', 'the tests need a redis']);
  expect([again.code, again.stdout]).toEqual([1, 'note 1 is refused: no agent gets it\n']);
  await stator(['note', 'add', 'another']);
  expect((await stator(['note', 'take', '1', '2'])).stdout.trimEnd().split('\n')).toHaveLength(2);
  expect(JSON.parse((await stator(['note', 'list', '--state', 'taken', '--json'])).stdout)).toHaveLength(2);
  expect(JSON.parse((await stator(['note', 'list', '--all', '--json'])).stdout)).toHaveLength(2);
  expect((await stator(['note', 'forget', '1', '2'])).stdout).toBe('note 1 is forgotten\nnote 2 is forgotten\n');
});

it('says why a note, or the number of a note, is invalid', async () => {
  const { stator, repo } = terminal();
  await stator(['repo', 'add', repo, '--trust']);
  for (const [words, code, said] of [
    [['add', 'the', 'tests'], 64, 'put a text of several words in quotes'],
    [['add', 'two\nlines'], 64, 'error: this is no note: it has more than one line'],
    [['add', 'x'.repeat(501)], 64, 'hint: write one line of at most 500 characters'],
    [['take', '9'], 1, 'error: demo has no note 9\nhint: list them with: stator note list'],
    [['forget', 'the tests'], 64, 'the number of a note is "the tests"'],
    [['list', '--state', 'open'], 64, 'hint: write one of proposed, taken, refused'],
  ] as const) {
    const ended = await stator(['note', ...words]);
    expect([ended.code, ended.stderr], words.join(' ')).toEqual([code, expect.stringContaining(said)]);
  }
});
