import { existsSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf, ensureClone, isSameAddress, sharedAddress } from '../../runtime/work/git/clone.ts';
import { makeRepo } from '../support/daemon.ts';
import { write } from '../support/git.ts';
import { git } from '../support/ground.ts';

describe('the address of a repository', () => {
  it.each([
    ['https://ada:secret@forge.lan/team/shop.git', 'https://forge.lan/team/shop.git'],
    ['https://ghp_token@forge.lan/team/shop.git?token=x#y', 'https://forge.lan/team/shop.git'],
    ['ssh://git:secret@forge.lan:2222/team/shop.git', 'ssh://git@forge.lan:2222/team/shop.git'],
    ['ssh://-oProxyCommand=touch@forge.lan/shop.git', 'ssh://forge.lan/shop.git'],
    ['git@forge.lan:team/shop.git', 'git@forge.lan:team/shop.git'],
    ['/srv/git/shop.git', '/srv/git/shop.git'],
    ['file:///srv/git/shop.git', 'file:///srv/git/shop.git'],
  ])('%s is kept as %s: without what only its user may know', (url, kept) => {
    expect(addressOf(url)).toBe(kept);
    expect(addressOf(kept)).toBe(kept);
  });

  it.each([
    'ext::sh -c touch% /tmp/x',
    'ext::touch',
    '--upload-pack=touch',
    'ssh://-oProxyCommand=touch/shop',
    '-oProxyCommand=touch:shop',
    '-o@forge.lan:shop',
    '../shop.git',
    'ftp://forge.lan/shop.git',
    'https://forge.lan/a b',
  ])('%s is invalid: it would start a program, or means a different place elsewhere', (url) => {
    expect(addressOf(url)).toBeNull();
  });

  it('is the same by every transport, and another one for another path', () => {
    expect(isSameAddress('git@forge.lan:team/shop.git', 'https://Forge.lan/team/shop')).toBe(true);
    expect(isSameAddress('ssh://git@forge.lan:22/team/shop.git', 'git@forge.lan:team/shop.git')).toBe(true);
    expect(isSameAddress('git@forge.lan:team/shop.git', 'git@forge.lan:other/shop.git')).toBe(false);
    expect(isSameAddress('git@forge.lan:team/shop.git', 'git@other.lan:team/shop.git')).toBe(false);
  });
});

describe('a clone', () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'stator-clone-'));

  it('is made once, and is found again', async () => {
    const place = folder();
    const from = makeRepo(join(place, 'from'));
    write(from, 'a.txt', 'a\n');
    git(from, 'add', '-A');
    git(from, 'commit', '-q', '-m', 'a');
    const wanted = { folder: join(place, 'clones'), name: 'shop', address: from, mark: 'x' };
    const path = await ensureClone(wanted);
    expect([existsSync(join(path, 'a.txt')), await sharedAddress({ path })]).toEqual([true, from]);
    // No file is one of the other repository's, in which somebody else may write.
    const objects = readdirSync(join(path, '.git', 'objects'), { recursive: true, encoding: 'utf8' });
    const found = objects.map((name) => statSync(join(path, '.git', 'objects', name))).filter((each) => each.isFile());
    expect([found.length > 0, found.every(({ nlink }) => nlink === 1)]).toEqual([true, true]);
    expect(await ensureClone(wanted)).toBe(path);
    expect(readdirSync(wanted.folder)).toEqual(['shop']);
    // As in a bare repository to which only another branch was pushed.
    git(from, 'symbolic-ref', 'HEAD', 'refs/heads/absent');
    expect(existsSync(join(await ensureClone({ ...wanted, name: 'other' }), 'a.txt'))).toBe(true);
  });

  it('is not made if its folder is taken, or its address leads to nothing; nothing is left', async () => {
    const place = folder();
    const [one, two] = [makeRepo(join(place, 'one')), makeRepo(join(place, 'two'))];
    const wanted = { folder: join(place, 'clones'), name: 'shop', address: one, mark: 'x' };
    await ensureClone(wanted);
    await expect(ensureClone({ ...wanted, address: two })).rejects.toMatchObject({ code: 'bad_repo' });
    await expect(ensureClone({ ...wanted, name: '../shop' })).rejects.toMatchObject({ code: 'bad_repo' });
    await expect(ensureClone({ ...wanted, name: 'ext', address: 'ext::touch' })).rejects.toMatchObject({
      code: 'bad_repo',
    });
    await expect(ensureClone({ ...wanted, name: 'none', address: join(place, 'none') })).rejects.toMatchObject({
      code: 'git_failed',
    });
    expect(readdirSync(wanted.folder)).toEqual(['shop']);
  });
});
