import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile } from '../../runtime/base/platform/atomic-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-atomic-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('a file is made or replaced with exactly the permissions that are asked for, and nothing else is left', () => {
  const path = join(folder, 'file');
  const umask = process.umask(0o377);
  try {
    replaceFile(path, 'first\n', { mode: 0o750 });
    expect(modeOf(path)).toBe('750');
    replaceFile(path, 'second\n', { mode: 0o600, isSynced: true });
  } finally {
    process.umask(umask);
  }
  expect(modeOf(path)).toBe('600');
  expect(readFileSync(path, 'utf8')).toBe('second\n');
  expect(readdirSync(folder)).toEqual(['file']);
});

test('without permissions of its own a file gets those that the umask leaves', () => {
  const path = join(folder, 'file');
  const umask = process.umask(0o027);
  try {
    replaceFile(path, 'text\n');
  } finally {
    process.umask(umask);
  }
  expect(modeOf(path)).toBe('640');
});

test('a reader that has the old file open keeps it: the new one is another file', () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'old\n');
  const before = statSync(path).ino;
  const held = join(folder, 'target');
  writeFileSync(held, 'old\n');
  const link = join(folder, 'link');
  symlinkSync(held, link);
  replaceFile(path, 'new\n');
  replaceFile(link, 'new\n');
  expect(statSync(path).ino).not.toBe(before);
  expect(readFileSync(held, 'utf8')).toBe('old\n');
  expect(readFileSync(link, 'utf8')).toBe('new\n');
});

test('what cannot be renamed leaves the old one alone, takes its draft away, and says which file it was', () => {
  const path = join(folder, 'taken');
  mkdirSync(join(path, 'below'), { recursive: true });
  expect(() => replaceFile(path, 'text\n')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(readdirSync(folder)).toEqual(['taken']);
});

test('a draft with a fixed name is overwritten after a kill, and a full disk is reported as ENOSPC with the path', () => {
  const path = join(folder, 'file');
  const draft = `${path}.new`;
  writeFileSync(draft, 'a longer text of one that was killed here');
  replaceFile(path, 'text\n', { mode: 0o600, draft });
  expect(readFileSync(path, 'utf8')).toBe('text\n');
  symlinkSync('/dev/full', draft);
  const modeBefore = modeOf('/dev/full');
  expect(() => replaceFile(path, 'more\n', { mode: 0o600, draft })).toThrow(
    expect.objectContaining({ code: 'ENOSPC', path: draft }),
  );
  expect(modeOf('/dev/full')).toBe(modeBefore);
  expect(readFileSync(path, 'utf8')).toBe('text\n');
});
