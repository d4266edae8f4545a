/**
 * Watches the files of one repo that decide what it starts: its configuration, its prompts, and other files on which its trust depends. Only existing files
 * are watched.
 */
import { lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createFileWatcher, type FileWatcher } from '../../base/platform/file-watcher.ts';
import { templateNames } from '../agents/prompts/template-files.ts';

export interface ConfigWatcherParts {
  /** Further files besides the configuration and the prompts; absolute. */
  trustedFiles(): readonly string[];
  /** Called when a file was written and is complete, or was deleted. Must not throw. */
  onChange(): void;
}

export interface ConfigWatcher {
  /** Watches the files of the repo at `main`, a real path, as they are now. Without changes it costs one check of each file. */
  keep(main: string): void;
  /** May be called twice; `keep` opens it again. */
  close(): void;
}

const quietMs = 250;
/** The most watched files; a program may load a hundred. The regular poll notices changes of the others. */
const filesLimit = 100;
/** A watch that ended by itself is started again after this time. */
const retryMs = 30_000;
/** The least time between two comparisons of the places. */
const compareMs = 1_000;

export function createConfigWatcher({ trustedFiles, onChange }: ConfigWatcherParts): ConfigWatcher {
  let open: { readonly key: string; readonly watcher: FileWatcher | null } | null = null;
  let retryAtMs = 0;
  let comparedAtMs = Number.NEGATIVE_INFINITY;
  /** The last known states of all files, because a watch can lose events. null: other code has read the files before the first check here. */
  let state: string | null = null;

  function close(): void {
    open?.watcher?.close();
    open = null;
    comparedAtMs = Number.NEGATIVE_INFINITY;
  }

  function begin(main: string, paths: readonly string[]): FileWatcher | null {
    if (paths.length === 0) return null;
    const configs = configsOf(main);
    const [prompts = ''] = promptsOf(main);
    return createFileWatcher({
      paths,
      includes: (path) =>
        configs.includes(path) || path === prompts || (dirname(path) === prompts && path.endsWith('.md')),
      quietMs,
      onFile() {
        // The watch may lose the event of a deletion, so the next check compares with nothing, and reports once more.
        state = null;
        onChange();
      },
      onReady: () => compare(main, filesNow()),
      onEnd() {
        open = null;
        retryAtMs = performance.now() + retryMs;
      },
    });
  }

  function filesNow(): readonly string[] {
    return trustedFiles().slice(0, filesLimit);
  }

  /** Reports files that differ from the last check, or that another watch was made for. */
  function compare(main: string, files: readonly string[], isReplaced = false): void {
    const before = state;
    state = [...configsOf(main), ...promptsOf(main), ...files].map(stateAt).join('\n');
    if (state !== before || isReplaced) onChange();
  }

  return {
    keep(main) {
      if (performance.now() - comparedAtMs < compareMs) return;
      const files = filesNow();
      const places = [...foldersOf(main), ...files].map((path) => [path, kindAt(path)] as const);
      const key = places.map(([path, kind]) => `${path} ${kind}`).join('\n');
      const isFirst = open === null;
      const isSame = open?.key === key || (isFirst && performance.now() < retryAtMs);
      if (!isSame) close();
      comparedAtMs = performance.now();
      // The ended watch did not report a replacement or a deletion.
      compare(main, files, !isSame && !isFirst);
      if (isSame) return;
      const found = places.filter(([, kind]) => kind !== null).map(([path]) => path);
      open = { key, watcher: begin(main, found) };
    },
    close,
  };
}

function foldersOf(main: string): string[] {
  return [join(main, '.stator'), join(main, '.kasmos')];
}

function configsOf(main: string): string[] {
  return foldersOf(main).map((folder) => join(folder, 'config.toml'));
}

/** Their folder, whose own state changes when a file comes or goes, and the files that roles read. */
function promptsOf(main: string): string[] {
  const folder = join(main, '.stator', 'prompts');
  return [folder, ...templateNames.map((name) => join(folder, `${name}.md`))];
}

function stateAt(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
}

/** A text that changes when another file or folder takes its place; null: there is nothing to watch. */
function kindAt(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined || !(found.isFile() || found.isDirectory()) ? null : String(found.ino);
}
