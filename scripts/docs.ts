/**
 * The parts of the documents that are taken from the code. Each stands between `<!-- generated: name -->` and `<!-- end -->`; `npm run docs`
 * writes them anew, and a test fails where one is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { routeTable } from './api-section.ts';
import { commandPages } from './cli-section.ts';
import { agentKeyTable, hookKeyTable, httpKeyTable, topKeyTable, worktreeKeyTable } from './config-section.ts';
import { errorTable } from './errors-section.ts';
import { importGraph } from './imports-section.ts';
import { machineCharts } from './machines-section.ts';
import { signalsDefinition, signalTable } from './signals-section.ts';

/** By the document they stand in, then by name; each gets the repository's folder. */
const sections: Readonly<Record<string, Readonly<Record<string, (root: string) => string>>>> = {
  'docs/architecture.md': { imports: importGraph },
  'docs/cli.md': { pages: commandPages },
  'docs/configuration.md': {
    'daemon keys': () => topKeyTable('daemon'),
    'http keys': httpKeyTable,
    'repo keys': () => topKeyTable('repo'),
    'worktree keys': worktreeKeyTable,
    'keys of both files': () => topKeyTable('both'),
    flags: () => topKeyTable('flags'),
    'agent keys': agentKeyTable,
    'hook keys': hookKeyTable,
  },
  'docs/control-api.md': { routes: routeTable, errors: errorTable },
  'docs/machines.md': { machines: machineCharts },
  'docs/signals.md': {
    ddl: signalsDefinition,
    'public signals': () => signalTable('public'),
    'engine signals': () => signalTable('engine'),
  },
};

export const generatedDocuments = Object.keys(sections);

/** The document as it should stand. Throws where a section has no place in it. */
export function documentWithSections(root: string, file: string): string {
  let text = readFileSync(join(root, file), 'utf8');
  for (const [name, write] of Object.entries(sections[file] ?? {})) {
    const begin = `<!-- generated: ${name} -->\n`;
    const start = text.indexOf(begin);
    const end = text.indexOf('<!-- end -->', start);
    if (start < 0 || end < 0) throw new Error(`${file} has no place for the section "${name}"`);
    text = `${text.slice(0, start)}${begin}\n${write(root).trim()}\n\n${text.slice(end)}`;
  }
  return text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.cwd();
  for (const file of generatedDocuments) {
    const before = readFileSync(join(root, file), 'utf8');
    const after = documentWithSections(root, file);
    if (after !== before) writeFileSync(join(root, file), after);
    console.log(`${after === before ? 'unchanged' : 'written  '} ${file}`);
  }
}
