/** The folder watcher reports changes, has limits, and leaves nothing open. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createFolderWatcher, type FolderWatcher } from '../../runtime/base/platform/folder-watcher.ts';
import { until } from '../support/run.ts';

let root: string;
beforeEach(async () => {
  await until(() => watches() === 0); // of the test before
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stator-watch-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Watched {
  readonly watcher: FolderWatcher;
  readonly changes: string[];
  readonly ends: string[];
}

async function watchRoot(
  includes = (_folder: string) => true,
  limitBytes = (_folder: string) => Number.POSITIVE_INFINITY,
): Promise<Watched> {
  const changes: string[] = [];
  const ends: string[] = [];
  const watcher = createFolderWatcher({
    roots: [root],
    includes,
    limitBytes,
    onChange: (folder, name) => changes.push(join(folder, name ?? '')),
    onEnd: (reason) => ends.push(reason.message),
  });
  onTestFinished(watcher.close);
  await until(() => watcher.isComplete((folder) => limitBytes(folder) > 0));
  return { watcher, changes, ends };
}

function watches(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;
}

describe('a watch on folders', () => {
  it('tells of a file that is made, and of one in a folder that was made since', async () => {
    const { changes } = await watchRoot();
    mkdirSync(join(root, 'a', 'b'), { recursive: true });
    await until(() => watches() === 3);
    writeFileSync(join(root, 'a', 'b', 'file'), '');
    await until(() => changes.includes(join(root, 'a', 'b', 'file')));
    expect(changes).toContain(join(root, 'a'));
  });

  it('watches the folders that it is to, and none of their files', async () => {
    for (const name of ['a', 'b', 'c']) mkdirSync(join(root, name));
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name, 'file'), '');
    await watchRoot((folder) => folder === join(root, 'a'));
    expect(watches()).toBe(2);
  });

  it('leaves out a folder of more names than are read at each change, and says of the others that they are watched', async () => {
    for (const name of ['many', 'few']) mkdirSync(join(root, name));
    const isMany = (folder: string) => folder === join(root, 'many');
    const { watcher } = await watchRoot(undefined, (folder) => (isMany(folder) ? 0 : Number.POSITIVE_INFINITY));
    expect(watches()).toBe(2);
    expect(watcher.isComplete()).toBe(false);
    expect(watcher.isComplete(isMany)).toBe(false);
    expect(watcher.isComplete((folder) => !isMany(folder))).toBe(true);
  });

  it('goes on watching a folder that was put in the place of another', async () => {
    mkdirSync(join(root, 'a', 'b'), { recursive: true });
    const { changes } = await watchRoot();
    rmSync(join(root, 'a'), { recursive: true });
    mkdirSync(join(root, 'a', 'b'), { recursive: true });
    await until(() => watches() === 3);
    await until(() => {
      writeFileSync(join(root, 'a', 'b', 'file'), '');
      return changes.includes(join(root, 'a', 'b', 'file'));
    });
    rmSync(join(root, 'a'), { recursive: true });
    await until(() => watches() === 1);
  });

  it('follows no link', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'stator-outside-'));
    onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
    symlinkSync(outside, join(root, 'link'));
    const { changes } = await watchRoot();
    expect(watches()).toBe(1);
    writeFileSync(join(outside, 'file'), '');
    writeFileSync(join(root, 'own'), '');
    await until(() => changes.includes(join(root, 'own')));
    expect(changes.filter((path) => path !== join(root, 'own'))).toEqual([]);
  });

  it('ends if there are more changes than its limit, says so once, and leaves nothing open', async () => {
    const { watcher, changes, ends } = await watchRoot();
    for (let file = 0; file < 3_000; file += 1) writeFileSync(join(root, String(file)), '');
    await until(() => ends.length > 0);
    expect(ends).toEqual(['more than 2000 changes within 5 s']);
    expect(watcher.isComplete()).toBe(false);
    await until(() => watches() === 0);
    const told = changes.length;
    writeFileSync(join(root, 'later'), '');
    expect(changes).toHaveLength(told);
  });

  it('is not complete if a root is missing, so its caller keeps looking', async () => {
    const missing = createFolderWatcher({
      roots: [root, join(root, 'missing')],
      includes: () => false,
      limitBytes: () => Number.POSITIVE_INFINITY,
      onChange: () => {},
      onEnd: () => {},
    });
    onTestFinished(missing.close);
    await until(() => watches() === 1);
    const { watcher } = await watchRoot(() => false);
    expect(missing.isComplete()).toBe(false);
    watcher.close();
    watcher.close();
    expect(watcher.isComplete()).toBe(false);
  });

  it('says once what the system refused', () => {
    const module = join(import.meta.dirname, '..', '..', 'dist', 'runtime', 'base', 'platform', 'folder-watcher.js');
    // The process has all of its files open, so the system has none for the watch.
    const text = `
      import { openSync } from 'node:fs';
      const { createFolderWatcher } = await import(${JSON.stringify(module)});
      try { for (;;) openSync('/dev/null'); } catch {}
      createFolderWatcher({ roots: [${JSON.stringify(root)}], includes: () => true, limitBytes: () => 1e9, onChange() {}, onEnd: ({ code }) => console.log(code) });`;
    const command = 'ulimit -n 200; exec "$0" --input-type=module -e "$1"';
    const said = execFileSync('sh', ['-c', command, process.execPath, text], { encoding: 'utf8' });
    expect(said.trim()).toBe('EMFILE');
  });
});
