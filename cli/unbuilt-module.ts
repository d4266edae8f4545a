/**
 * SQLite's native module: `npm install --ignore-scripts` leaves it out, or it was built for another Node. That is no bug of stator, and one command
 * repairs it.
 */
import { EngineError, messageOf } from '../machines/vocabulary/errors.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import { inPackage } from '../runtime/base/platform/package-files.ts';

/** null: another error was thrown. */
export function unbuiltModule(thrown: unknown): EngineError | null {
  const text = messageOf(thrown);
  const isMissing = /Could not locate the bindings file|Cannot find (?:package|module) '?better-sqlite3/.test(text);
  const isOther = /better_sqlite3\.node/.test(text) && /NODE_MODULE_VERSION|invalid ELF|mach-o|cannot open/.test(text);
  if (!isMissing && !isOther) return null;
  const what = isMissing ? 'is not built' : `is built for another Node than this one, ${process.version}`;
  const hint = `build it: cd ${shellWord(inPackage())} && npm rebuild better-sqlite3 --ignore-scripts=false`;
  return new EngineError('store_unreadable', `the SQLite module (better-sqlite3) ${what}`, hint, { cause: thrown });
}
