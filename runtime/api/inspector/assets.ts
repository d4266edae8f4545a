/** The files of the page in the package: its own files, the files for drawing machines, and the drawing library. No other file is served. */
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inPackage } from '../../base/platform/package-files.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** Handwritten files are in the package unchanged; compiled files are in `dist`. */
const whole = inPackage();
const built = inPackage('dist');

/** The folder for each path prefix. A file name has only letters, digits and dashes, so no path leads out of the folder. */
const folders: readonly (readonly [pattern: RegExp, folder: string])[] = [
  [/^\/(page\/[a-z-]+\.(?:html|css|svg|png|webmanifest))$/, whole],
  [/^\/(charts\/[a-z-]+\.json)$/, whole],
  [/^\/((?:page|runtime\/base\/charts)\/[a-z-]+\.js)$/, built],
  [/^\/(machines\/vocabulary\/(?:(?:account|comment|merge|time)-text|ids|numbers|plan-status|run-state)\.js)$/, built],
];

/** Replaces a library's name in a page module's import by the library's address, because a browser knows no packages. */
const libraries: ReadonlyMap<string, string> = new Map([['preact', '/page/preact.js']]);
const imported = /\bfrom ?(['"])([a-z@/-]+)\1/g;

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** null: there is no such file. */
export function assetAt(path: string): Asset | null {
  const wanted = path === '/' ? '/page/index.html' : path === '/stately' ? '/page/stately.html' : path;
  for (const [name, address] of libraries)
    if (address === wanted) return asset(fileURLToPath(import.meta.resolve(name)), '.js');
  for (const [pattern, folder] of folders) {
    const name = pattern.exec(wanted)?.[1];
    if (name === undefined) continue;
    const file = join(folder, name);
    return existsSync(file) ? asset(file, extname(name)) : null;
  }
  return null;
}

function asset(file: string, ending: string): Asset {
  const type = types[ending] ?? 'application/octet-stream';
  if (ending !== '.js') return { type, bytes: new Uint8Array(readFileSync(file)) };
  const text = readFileSync(file, 'utf8').replace(imported, (found, _quote, name: string) => {
    const address = libraries.get(name);
    return address === undefined ? found : `from '${address}'`;
  });
  return { type, bytes: new TextEncoder().encode(text) };
}
