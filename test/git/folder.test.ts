/** The possible places of worktrees, and how often a repository is inspected. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSharedAccess } from '../../runtime/work/git/repository.ts';
import { createRepositoryLook } from '../../runtime/work/git/repository-look.ts';
import {
  realPlace,
  refuseInsideGit,
  worktreeExcludes,
  worktreesFolder,
} from '../../runtime/work/git/worktree-folder.ts';
import { makeRepository, openRepository, run, temporaryHome } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';

const home = temporaryHome();

describe('the folder of the worktrees', () => {
  test('is named relative to the repo or absolutely, and need not be there yet', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    mkdirSync(join(home.path, 'disk'));
    symlinkSync(join(home.path, 'disk'), join(home.path, 'away'));
    const place = (dir: string) => [worktreesFolder(repo, dir), worktreeExcludes(repo, dir)];
    expect(place('.worktrees')).toEqual([join(repo.path, '.worktrees'), ['/.worktrees/']]);
    expect(place('a/b*/c')).toEqual([join(repo.path, 'a/b*/c'), ['/a/b\\*/c/']]);
    expect(place(join(home.path, 'other/trees'))).toEqual([join(home.path, 'other/trees'), []]);
    expect(place(join(home.path, 'away/deep'))).toEqual([join(home.path, 'disk/deep'), []]);
    expect(existsSync(join(repo.path, '.worktrees'))).toBe(false);
  });

  test('that would lie in .git, or at the end of a broken link, is refused', async () => {
    const repo = await openRepository(join(home.path, 'demo'));
    symlinkSync('.git', join(repo.path, 'sly'));
    symlinkSync('nowhere', join(repo.path, 'broken'));
    symlinkSync(join(repo.path, '.git'), join(home.path, 'crooked'));
    for (const dir of [join(home.path, 'crooked/trees'), join(repo.path, '.git', 'trees')]) {
      await expectFailure(() => refuseInsideGit(repo, dir), 'bad_config', dir, repo.commonDir);
    }
    const broken = join(repo.path, 'broken');
    await expectFailure(() => realPlace(join(broken, 'x')), 'bad_config', broken);
  });
});

test('worktrees are never made through a link of the repo, wherever it leads', async () => {
  const repo = await openRepository(join(home.path, 'demo'));
  mkdirSync(join(repo.path, 'inner'));
  mkdirSync(join(repo.path, 'deep'));
  const links = { away: home.path, near: 'inner', sly: '.git', 'deep/link': '/tmp', broken: 'nowhere' };
  for (const [link, target] of Object.entries(links)) {
    symlinkSync(target, join(repo.path, link));
    const refused = { code: 'bad_config', message: expect.stringContaining(join(repo.path, link)) };
    for (const dir of [link, `${link}/trees`, join(repo.path, link, 'trees')])
      expect(() => worktreesFolder(repo, dir)).toThrow(expect.objectContaining(refused));
  }
  await expectFailure(() => worktreesFolder(repo, 'near'), 'bad_config', join(repo.path, 'near'), 'inner');
});

describe('a look at a repository', () => {
  test('is taken once, and again when something that it rests on has changed', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const look = createRepositoryLook(createSharedAccess());
    const first = await look.at(path);
    expect(first.defaultBase).toBe('main');
    expect(await look.at(path)).toBe(first);
    writeFileSync(join(path, 'b.txt'), 'b');
    run(path, 'add', '.');
    run(path, 'commit', '-q', '-m', 'second');
    expect(await look.at(path)).toBe(first);
    run(path, 'switch', '-q', '-c', 'other');
    expect((await look.at(path)).defaultBase).toBe('other');
    run(home.path, 'clone', '-q', path, 'clone');
    run(path, 'remote', 'add', 'origin', join(home.path, 'clone'));
    run(path, 'fetch', '-q', 'origin');
    run(path, 'remote', 'set-head', 'origin', 'other');
    run(path, 'switch', '-q', 'main');
    expect((await look.at(path)).defaultBase).toBe('other');
    run(path, 'branch', '-q', '-D', 'other');
    expect((await look.at(path)).defaultBase).toBe('origin/other');
  });

  test('sees that the repository is gone, and that another one lies there', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const look = createRepositoryLook(createSharedAccess());
    const first = await look.at(path);
    await rename(path, join(home.path, 'away'));
    await expect(look.at(path)).rejects.toMatchObject({ code: 'bad_repo' });
    makeRepository(path, { isHostile: false });
    const second = await look.at(path);
    expect(second).not.toBe(first);
    expect(await look.at(path)).toBe(second);
  });

  test('at a file is refused as one', async () => {
    const file = join(home.path, 'file');
    writeFileSync(file, '');
    const look = createRepositoryLook(createSharedAccess());
    await expect(look.at(file)).rejects.toMatchObject({ code: 'bad_repo' });
  });
});
