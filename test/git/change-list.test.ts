/** The files of a change as a reader sees them: the state and size of each, and whether it is folded at first. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesWithStates } from '../../runtime/work/git/change-list.ts';
import { makeRepository, run, temporaryHome, write } from '../support/git.ts';

const home = temporaryHome();
const all = { after: 0, most: 1_000 };

function commit(path: string, message: string): string {
  run(path, 'add', '-A');
  run(path, '-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false', 'commit', '-qm', message);
  return run(path, 'rev-parse', 'HEAD');
}

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}\n`).join('');

test('each file says what became of it, and which reason there is to skip it', async () => {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  write(path, '.gitattributes', '*.gen.ts linguist-generated\nkept.lock -diff\n');
  write(path, 'api/.gitattributes', 'types/** linguist-generated=true\nyarn.lock -linguist-generated\n');
  write(path, 'gone.txt', 'x\n');
  const from = commit(path, 'begin');
  write(path, 'a.txt', 'changed\n');
  run(path, 'rm', '-q', 'gone.txt');
  write(path, 'one.gen.ts', lines(3));
  write(path, 'api/types/two.ts', lines(3));
  write(path, 'api/yarn.lock', lines(3));
  write(path, 'sub/yarn.lock', lines(3));
  write(path, 'long.txt', lines(401));
  write(path, 'short.txt', lines(400));
  write(path, 'zero.bin', 'a\0b');
  write(path, ':1 </script>\n\u001b[31m.txt', 'x\n');
  // A change cannot mark its own files as generated.
  write(path, 'hidden/.gitattributes', '* linguist-generated\n');
  write(path, 'hidden/evil.ts', 'x\n');
  const to = commit(path, 'change');
  const { files, total } = await filesWithStates({ path }, { from, to }, all);
  expect(files.map(({ path: name, state, added, removed, folded }) => [name, state, added, removed, folded])).toEqual([
    [':1 </script>\n\u001b[31m.txt', 'added', 1, 0, null],
    ['a.txt', 'changed', 1, 3, null],
    ['api/types/two.ts', 'added', 3, 0, 'generated'],
    ['api/yarn.lock', 'added', 3, 0, null],
    ['gone.txt', 'removed', 0, 1, null],
    ['hidden/.gitattributes', 'added', 1, 0, null],
    ['hidden/evil.ts', 'added', 1, 0, null],
    ['long.txt', 'added', 401, 0, 'long'],
    ['one.gen.ts', 'added', 3, 0, 'generated'],
    ['short.txt', 'added', 400, 0, null],
    ['sub/yarn.lock', 'added', 3, 0, 'lock_file'],
    ['zero.bin', 'added', null, null, 'binary'],
  ]);
  expect(total).toEqual({ files: 12, insertions: 1 + 1 + 3 + 3 + 1 + 1 + 401 + 3 + 400 + 3, deletions: 4 });
  // Another content has another text; the same content has the same text.
  write(path, 'a.txt', 'changed once more\n');
  const later = (await filesWithStates({ path }, { from, to: commit(path, 'again') }, all)).files;
  const contentOf = (list: typeof files, name: string) => list.find((each) => each.path === name)?.content;
  expect(contentOf(later, 'a.txt')).not.toBe(contentOf(files, 'a.txt'));
  expect(contentOf(later, 'short.txt')).toBe(contentOf(files, 'short.txt'));
});

test('a long list comes in parts, with the sums of all', async () => {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const from = run(path, 'rev-parse', 'HEAD');
  for (let at = 0; at < 25; at += 1) write(path, `many/${at}.txt`, 'x\n');
  const to = commit(path, 'many');
  const seen: string[] = [];
  for (let after = 0; after < 25; after += 10) {
    const { files, total } = await filesWithStates({ path }, { from, to }, { after, most: 10 });
    expect(total).toEqual({ files: 25, insertions: 25, deletions: 0 });
    seen.push(...files.map((file) => file.path));
  }
  expect(seen).toEqual(run(path, 'diff', '--name-only', from, to).split('\n'));
});

test('a change of nothing has no files', async () => {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const head = run(path, 'rev-parse', 'HEAD');
  expect(await filesWithStates({ path }, { from: head, to: head }, all)).toEqual({
    files: [],
    total: { files: 0, insertions: 0, deletions: 0 },
  });
});
