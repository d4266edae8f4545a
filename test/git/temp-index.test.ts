/** A temporary index: what it is, and that it leaves nothing behind. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { ownGit } from '../../runtime/work/git/git.ts';
import { withTempIndex } from '../../runtime/work/git/temp-index.ts';
import { makeRepository, run, temporaryHome } from '../support/git.ts';

const home = temporaryHome();

it('leaves the index of the working tree unchanged, is closed to other users, and is gone after the work', async () => {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const parent = join(home.path, 'parent');
  mkdirSync(parent);
  const before = run(path, 'ls-files');
  const staged = await withTempIndex(parent, async (env, folder) => {
    expect([dirname(folder), statSync(folder).mode & 0o777]).toEqual([parent, 0o700]);
    await ownGit(path, ['read-tree', '--empty'], { env });
    return ownGit(path, ['ls-files'], { env });
  });
  expect(before).not.toBe('');
  expect([staged, run(path, 'ls-files'), readdirSync(parent)]).toEqual(['', before, []]);
});

it('is gone after work that throws', async () => {
  const failing = withTempIndex(home.path, async (_env, folder) => {
    writeFileSync(join(folder, 'more'), '');
    throw new Error('that work');
  });
  await expect(failing).rejects.toThrow('that work');
  expect(readdirSync(home.path).filter((name) => name.startsWith('stator-index-'))).toEqual([]);
});
