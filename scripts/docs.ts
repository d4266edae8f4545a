/**
 * The generated parts of the documents, each between `<!-- generated: name -->` and `<!-- end -->`. `npm run docs` writes them, and the machines'
 * charts and pictures with them. Tests fail if something is outdated.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  agentKeys,
  budgetKeys,
  chatKeys,
  documentsKeys,
  hookKeys,
  hostKeys,
  httpKeys,
  intakeKeys,
  landingKeys,
  memberKeys,
  notesKeys,
  notificationsKeys,
  pullRequestsKeys,
  storeKeys,
  wavesKeys,
  worktreeKeys,
} from '../runtime/base/config/reference.ts';
import { routeTable } from './api-section.ts';
import { chartFiles } from './chart-files.ts';
import { commandPages, otherNames } from './cli-section.ts';
import { keyTable, topKeyTable } from './config-section.ts';
import { errorTable } from './errors-section.ts';
import { exampleFile } from './examples-section.ts';
import { importGraph } from './imports-section.ts';
import { machineCharts } from './machines-section.ts';
import { metricsTable } from './metrics-section.ts';
import { realTable } from './real-section.ts';
import { signalsDefinition, signalTable } from './signals-section.ts';

/** The functions by document and section name; each gets the repository's folder. */
const sections: Readonly<Record<string, Readonly<Record<string, (root: string) => string>>>> = {
  'docs/agents.md': { tried: realTable },
  'docs/architecture.md': { imports: importGraph },
  'docs/cli.md': { pages: commandPages, others: otherNames },
  'docs/configuration.md': {
    'daemon keys': () => topKeyTable('daemon'),
    'http keys': () => keyTable(httpKeys),
    'notifications keys': () => keyTable(notificationsKeys),
    'store keys': () => keyTable(storeKeys),
    'host keys': () => keyTable(hostKeys),
    'intake keys': () => keyTable(intakeKeys),
    'chat keys': () => keyTable(chatKeys),
    'repo keys': () => topKeyTable('repo'),
    'worktree keys': () => keyTable(worktreeKeys),
    'landing keys': () => keyTable(landingKeys),
    'members keys': () => keyTable(memberKeys),
    'waves keys': () => keyTable(wavesKeys),
    'documents keys': () => keyTable(documentsKeys),
    'notes keys': () => keyTable(notesKeys),
    'keys of both files': () => topKeyTable('both'),
    flags: () => topKeyTable('flags'),
    'agent keys': () => keyTable(agentKeys),
    'budget keys': () => keyTable(budgetKeys),
    'pull request keys': () => keyTable(pullRequestsKeys),
    'hook keys': () => keyTable(hookKeys),
  },
  'docs/control-api.md': { routes: routeTable, errors: errorTable },
  'docs/embedding.md': {
    embed: exampleFile('embed.mjs'),
    'agent function': exampleFile('agent-function.mjs'),
    hono: exampleFile('servers/hono.mjs'),
  },
  'docs/machines.md': { machines: machineCharts },
  'docs/operating.md': { metrics: metricsTable },
  'docs/signals.md': {
    ddl: signalsDefinition,
    'public signals': () => signalTable('public'),
    'engine signals': () => signalTable('engine'),
  },
};

export const generatedDocuments = Object.keys(sections);

/** The document with its sections up to date. Throws if a section has no place in it. */
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
  const write = (file: string, after: string) => {
    const path = join(root, file);
    const isSame = existsSync(path) && readFileSync(path, 'utf8') === after;
    mkdirSync(dirname(path), { recursive: true });
    if (!isSame) writeFileSync(path, after);
    console.log(`${isSame ? 'unchanged' : 'written  '} ${file}`);
  };
  for (const [file, text] of await chartFiles()) write(file, text);
  for (const file of generatedDocuments) write(file, documentWithSections(root, file));
}
