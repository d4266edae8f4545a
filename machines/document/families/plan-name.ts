/** A name for a plan whose file is called like those of all other plans of its family. */
import type { Sheet } from './sheet.ts';

const commonFiles = /^(?:tasks?|todo|plan|prd|implementation[-_]?plan|spec|index|readme)\.(?:md|markdown|json)$/i;
/** Folders that hold plans of a kind; their names do not name a plan. */
const commonFolders = new Set([
  ...[
    'tasks',
    'plans',
    'plan',
    'specs',
    'spec',
    'changes',
    'archive',
    'tracks',
    'phases',
    'quick',
    'todo',
    'todos',
    'prd',
    'docs',
    'doc',
  ],
  ...[
    'scripts',
    'ralph',
    'conductor',
    'openspec',
    'backlog',
    'stories',
    'features',
    'feature',
    'src',
    'work',
    'planning',
    'agent',
    'agents',
  ],
]);

/** The name of the folder that sets a plan apart, or of a JSON file without its ending; null where the file's own name does. */
export function folderName({ file, folders }: Pick<Sheet, 'file' | 'folders'>): string | null {
  const numbered = /^(\d+(?:\.\d+)?-(?:.+-)?\d+[A-Za-z]?)-PLAN\.md$/i.exec(file)?.[1];
  if (numbered !== undefined) return numbered;
  const own = /^(.+)\.json$/i.exec(file)?.[1] ?? null;
  if (!commonFiles.test(file) && !/^(?:\d+-)?PLAN\.md$/i.test(file)) return own;
  const folder = folders.at(-1);
  const isCommon = folder === undefined || folder.startsWith('.') || commonFolders.has(folder.toLowerCase());
  return isCommon ? own : folder;
}
