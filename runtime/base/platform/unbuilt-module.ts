/**
 * SQLite's native module: package managers leave it unbuilt unless they may run scripts, or it was built for another Node or system. That is no bug of stator,
 * and one command repairs it.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { systemCode } from './system-code.ts';

/** null: another error was thrown. */
export function unbuiltModule(thrown: unknown): EngineError | null {
  const text = messageOf(thrown);
  const name = 'the SQLite module (better-sqlite3)';
  // Its own packages are required from its folder, which the message names.
  if (
    /Cannot find (?:package|module) '?(?:better-sqlite3\b|(?:bindings|file-uri-to-path)'.*better-sqlite3)/s.test(text)
  ) {
    const hint = 'install the package again; with Yarn, set this in .yarnrc.yml first: nodeLinker: node-modules';
    return new EngineError('store_unreadable', `${name} is not installed`, hint, { cause: thrown });
  }
  // The thirteen places where it was looked for help nobody.
  if (/Could not locate the bindings file/.test(text))
    return new EngineError('store_unreadable', `${name} is not built`, `build it: ${inModule('install')}`);
  if (systemCode(thrown) !== 'ERR_DLOPEN_FAILED' || !text.includes('better_sqlite3.node')) return null;
  if (/file too short|truncated/.test(text))
    return new EngineError('store_unreadable', `${name} is not built to its end`, `build it: ${inModule('install')}`);
  const isOtherNode = text.includes('NODE_MODULE_VERSION');
  // Other words are of the system: too many open files, no memory.
  if (!isOtherNode && !/invalid ELF|mach-o|architecture|GLIBC|CXXABI|undefined symbol/.test(text)) return null;
  const what = isOtherNode ? `another Node than this one, ${process.version}` : 'another system than this one';
  // What is fetched for this Node would be the same file again.
  const hint = `build it: ${inModule(isOtherNode ? 'install' : 'build-release')}`;
  return new EngineError('store_unreadable', `${name} is built for ${what}`, hint, { cause: thrown });
}

/** In the module's own folder: `npm rebuild` of another folder finds nothing that pnpm or Yarn installed, and says that it is rebuilt. */
function inModule(script: string): string {
  const folder = dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
  return `cd ${shellWord(folder)} && npm run ${script}`;
}
