/** The file watcher reports files that no longer change, touches no link and no pipe, has limits, and leaves nothing open. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createFileWatcher, type FileWatcher } from '../../runtime/base/platform/file-watcher.ts';
import { hangMs } from '../support/hang.ts';
import { until } from '../support/run.ts';

let root: string;
beforeEach(async () => {
  await until(() => watches() === 0); // of the test before
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stator-files-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function watches(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;
}

interface Watched {
  readonly watcher: FileWatcher;
  readonly files: string[];
  /** The number of reported files when the watcher began to report changes. */
  readonly readyAt: number[];
  readonly ends: string[];
}

async function watchRoot(quietMs = 100): Promise<Watched> {
  const [files, ends, readyAt]: [string[], string[], number[]] = [[], [], []];
  const watcher = createFileWatcher({
    paths: [root],
    includes: (path) => !basename(path).startsWith('.'),
    quietMs,
    onFile: (path) => files.push(basename(path)),
    onReady: () => readyAt.push(files.length),
    onEnd: (reason) => ends.push(reason.message),
  });
  onTestFinished(watcher.close);
  await until(() => watcher.isLive());
  return { watcher, files, ends, readyAt };
}

describe('a watch on files', () => {
  it('reports a file once it no longer changes, and no file that existed before', async () => {
    writeFileSync(join(root, 'old'), 'x');
    const { files, readyAt } = await watchRoot(300);
    expect(readyAt).toEqual([0]);
    const file = join(root, 'new');
    // On a busy machine the writer itself may pause for that long.
    let pauses = 0;
    for (let part = 0; part < 8; part += 1) {
      appendFileSync(file, 'part');
      const writtenMs = performance.now();
      await delay(60);
      if (performance.now() - writtenMs > 250) pauses += 1;
      expect(files.length).toBeLessThanOrEqual(pauses);
    }
    const before = files.length;
    await until(() => files.length > before);
    expect(files).toEqual(Array(files.length).fill('new'));
    expect(files.length).toBeLessThanOrEqual(pauses + 1);
  });

  it('tells of a file that was put in the place of another', async () => {
    const { files } = await watchRoot();
    writeFileSync(join(root, '.draft'), 'one');
    renameSync(join(root, '.draft'), join(root, 'file'));
    await until(() => files.includes('file'));
    files.length = 0;
    writeFileSync(join(root, '.draft'), 'another');
    renameSync(join(root, '.draft'), join(root, 'file'));
    await until(() => files.includes('file'));
    expect(files).not.toContain('.draft');
  });

  it('follows no link, and watches neither a pipe nor a link', async () => {
    const outside = realpathSync(mkdtempSync(join(tmpdir(), 'stator-outside-')));
    onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
    mkdirSync(join(outside, 'folder'));
    const { files } = await watchRoot();
    const before = watches();
    symlinkSync(join(outside, 'folder'), join(root, 'to-folder'));
    symlinkSync(join(root, 'loop'), join(root, 'loop'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    writeFileSync(join(root, 'file'), '');
    await until(() => files.includes('file'));
    writeFileSync(join(outside, 'folder', 'secret'), '');
    writeFileSync(join(root, 'last'), '');
    await until(() => files.includes('last'));
    expect([...new Set(files)]).toEqual(['file', 'last']);
    expect(watches()).toBe(before + 2);
  });

  it('ends if there are more changes than its limit, says so once, and leaves nothing open', async () => {
    const { watcher, ends } = await watchRoot();
    for (let file = 0; file < 1_200; file += 1) writeFileSync(join(root, `file-${file}`), '');
    await until(() => ends.length > 0);
    expect(ends).toEqual(['more than 1000 changes within 5 s']);
    expect(watcher.isLive()).toBe(false);
    await until(() => watches() === 0);
  });

  it('that is closed just when all of its files are deleted leaves nothing open', async () => {
    const { watcher } = await watchRoot();
    const files = Array.from({ length: 200 }, (_, file) => join(root, `file-${file}`));
    for (const file of files) writeFileSync(file, '');
    await until(() => watches() === files.length + 1);
    for (const file of files) rmSync(file);
    await nextTurn();
    watcher.close();
    await until(() => watches() === 0);
    for (let turn = 0; turn < 50; turn += 1) {
      await delay(10);
      expect(watches()).toBe(0);
    }
  });

  it('is not live if chokidar takes one of its paths for another path', async () => {
    const watcher = createFileWatcher({
      paths: [join(root, 'a\\b'), root],
      includes: () => true,
      quietMs: 100,
      onFile() {},
      onReady() {},
      onEnd() {},
    });
    onTestFinished(watcher.close);
    await until(() => watches() === 1);
    expect(watcher.isLive()).toBe(false);
  });

  it('that is closed while a file grows asks for it no more, and outlives what is put in the place of its folder', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../dist/runtime/base/platform/file-watcher.js'));
    // The process ends by itself: nothing keeps polling, and no error lacks a listener.
    const text = `
      import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
      const { createFileWatcher } = await import(${module});
      const folder = ${JSON.stringify(join(root, 'signals'))};
      const watcher = createFileWatcher({ paths: [folder], includes: () => true, quietMs: 60_000, onFile() {}, onReady() {}, onEnd() {} });
      while (!watcher.isLive()) await new Promise((resolve) => setTimeout(resolve, 5));
      appendFileSync(folder + '/grows', 'x');
      await new Promise((resolve) => setTimeout(resolve, 300));
      watcher.close();
      renameSync(folder, folder + '-away');
      writeFileSync(folder, '');
      console.log('closed');`;
    mkdirSync(join(root, 'signals'));
    const args = ['--input-type=module', '-e', text];
    const said = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: hangMs });
    expect(said).toBe('closed\n');
  });
});
