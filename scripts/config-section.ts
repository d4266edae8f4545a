/** Every key of the configuration, as its schema checks it. */
import { flagKeyNames, type KeyReference, topKeys } from '../runtime/base/config/reference.ts';
import { code, markdownTable } from './markdown.ts';

/**
 * `daemon`: only keys of daemon.toml; `repo`: only keys of a repo's file; `both`: keys of both files, except for flags; `flags`: keys of both files
 * that guards read.
 */
export function topKeyTable(which: 'daemon' | 'repo' | 'both' | 'flags'): string {
  return keyTable(topKeys.filter((entry) => groupOf(entry) === which));
}

function groupOf({ key, files }: KeyReference): 'daemon' | 'repo' | 'both' | 'flags' {
  if (flagKeyNames.has(key)) return 'flags';
  if (files.length > 1) return 'both';
  return files[0] === 'daemon.toml' ? 'daemon' : 'repo';
}

export function keyTable(entries: readonly KeyReference[]): string {
  return markdownTable(
    ['key', 'default', 'accepted', 'what it does'],
    entries.map(({ key, default: fallback, accepted, does }) => [
      code(key),
      fallback === null ? '' : code(fallback),
      quoted(accepted),
      quoted(does),
    ]),
  );
}

/** Text in quotes is typed literally. What is code already stays as it is. */
function quoted(text: string): string {
  return text.replace(/`[^`]*`|\["[^\]]*\]|"[^"]*"/g, (found) => (found.startsWith('`') ? found : code(found)));
}
