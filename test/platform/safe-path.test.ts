import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inFolder, type OpenOptions, openFolder } from '../../runtime/base/platform/safe-path.ts';

let root: string;
let elsewhere: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stator-safe-')));
  elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'stator-elsewhere-')));
  mkdirSync(join(root, 'a', 'b'), { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  rmSync(elsewhere, { recursive: true, force: true });
});

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const mine = process.getuid?.() ?? 0;
const unsafe = expect.objectContaining({ code: 'unsafe_path' });

describe.each<[string, OpenOptions]>([
  ['through descriptors', {}],
  ['by path, where a system shows no descriptors', { descriptors: '/nowhere' }],
])('a folder that is worked in %s', (_title, by) => {
  const use = <T>(way: string, work: Parameters<typeof inFolder<T>>[1], options: OpenOptions = {}) =>
    inFolder<T>({ root, way, ...by, ...options }, work);

  test('reads, writes, adds, moves, lists and takes away what is in it', () => {
    use('a/b', (folder) => {
      folder.write('one', 'text', { mode: 0o640, isSynced: true });
      folder.append('one', ' and more', { makeMode: 0o600 });
      folder.append('two', 'new', { makeMode: 0o600 });
      expect(folder.read('one', { maxBytes: 100, ownerUid: mine })?.toString()).toBe('text and more');
      expect(folder.list().map(String).sort()).toEqual(['one', 'two']);
      folder.rename('one', { folder, name: 'three' });
      expect(folder.stat('three')?.size).toBe(13n);
      expect([folder.remove('two'), folder.remove('two'), folder.stat('two')]).toEqual([true, false, null]);
      expect([folder.read('two', { maxBytes: 1 }), folder.folder('two')]).toEqual([null, null]);
    });
    expect(readdirSync(join(root, 'a', 'b'))).toEqual(['three']);
  });

  test('gives what it makes just the permissions that were asked for, whatever the umask says', () => {
    const umask = process.umask(0o077);
    try {
      use('new/er', (folder) => folder.write('file', '', { mode: 0o644 }), { makeMode: 0o750 });
    } finally {
      process.umask(umask);
    }
    expect([modeOf(join(root, 'new')), modeOf(join(root, 'new', 'er'))]).toEqual(['750', '750']);
    expect(modeOf(join(root, 'new', 'er', 'file'))).toBe('644');
  });

  test('is not found where a part is missing, and follows no link, no file and no way out to it', () => {
    expect(use('a/c', () => 'there')).toBeNull();
    expect(use('', () => 'there')).toBe('there');
    expect(use(join(root, 'a'), () => 'there')).toBe('there');
    symlinkSync(elsewhere, join(root, 'link'));
    writeFileSync(join(root, 'file'), '');
    for (const way of ['link', 'link/x', 'file', '../x', 'a/../..', 'a\0']) {
      expect(() => use(way, () => 'there', { makeMode: 0o700 })).toThrow(unsafe);
    }
    expect(() => openFolder(join(root, 'link'), '', by)).toThrow(unsafe);
    symlinkSync(root, join(elsewhere, 'way'));
    expect(() => openFolder(join(elsewhere, 'way', 'a'), '', by)).toThrow(unsafe);
    expect(readdirSync(elsewhere)).toEqual(['way']);
  });

  test('reads no link, pipe, folder, file of another user, or file that is too large', () => {
    writeFileSync(join(elsewhere, 'secret'), 'secret');
    symlinkSync(join(elsewhere, 'secret'), join(root, 'link'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    writeFileSync(join(root, 'file'), '12345');
    use('', (folder) => {
      for (const name of ['link', 'pipe', 'a']) expect(() => folder.read(name, { maxBytes: 10 })).toThrow(unsafe);
      expect(() => folder.read('file', { maxBytes: 10, ownerUid: mine + 1 })).toThrow(unsafe);
      expect(() => folder.read('file', { maxBytes: 4 })).toThrow(expect.objectContaining({ code: 'too_large' }));
      expect(folder.read('file', { maxBytes: 5 })?.length).toBe(5);
      for (const name of ['', '.', '..', 'a/b', 'a\0b']) expect(() => folder.stat(name)).toThrow(unsafe);
    });
    expect(() => use('a', () => null, { ownerUid: mine + 1 })).toThrow(unsafe);
  });

  test('replaces a link instead of writing through it, appends nothing through one, and creates nothing over an existing name', () => {
    writeFileSync(join(elsewhere, 'secret'), 'secret');
    symlinkSync(join(elsewhere, 'secret'), join(root, 'link'));
    symlinkSync(join(elsewhere, 'born'), join(root, 'dangling'));
    use('', (folder) => {
      expect(() => folder.append('link', 'x', { makeMode: 0o600 })).toThrow(unsafe);
      expect(() => folder.append('dangling', 'x', { makeMode: 0o600 })).toThrow(unsafe);
      expect(() => folder.write('dangling', 'x', { mode: 0o600, isNew: true })).toThrow(
        expect.objectContaining({ code: 'EEXIST' }),
      );
      folder.write('link', 'x', { mode: 0o600 });
    });
    expect(readFileSync(join(elsewhere, 'secret'), 'utf8')).toBe('secret');
    expect([existsSync(join(elsewhere, 'born')), readFileSync(join(root, 'link'), 'utf8')]).toEqual([false, 'x']);
    expect(readdirSync(root).sort()).toEqual(['a', 'dangling', 'link']);
  });

  test('takes names that are no UTF-8, and another name of a file for that file', () => {
    const name = Buffer.from([0xff, 0x41]);
    use('a', (folder) => {
      folder.write(name, 'x', { mode: 0o600 });
      expect(folder.list().some((found) => found.equals(name))).toBe(true);
      expect(folder.read(name, { maxBytes: 1 })?.toString()).toBe('x');
      folder.remove(name);
      writeFileSync(join(root, 'one'), '');
      linkSync(join(root, 'one'), join(root, 'a', 'two'));
      expect(folder.remove('two')).toBe(true);
    });
    expect(existsSync(join(root, 'one'))).toBe(true);
  });

  test('never writes to what took its name while it was open', () => {
    const folder = openFolder(root, 'a/b', by);
    if (folder === null) throw new Error('it is there');
    renameSync(join(root, 'a', 'b'), join(root, 'kept'));
    symlinkSync(elsewhere, join(root, 'a', 'b'));
    try {
      folder.write('word', 'x', { mode: 0o600 });
    } catch (thrown) {
      expect(thrown).toEqual(unsafe); // where the path has to be compared, it is refused instead
    }
    folder.close();
    folder.close();
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(() => folder.stat('word')).toThrow('was closed');
  });
});
