/** Which folder imports from which, as the sources have it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fenced } from './markdown.ts';

/** What this reads of dependency-cruiser's answer. */
interface Cruised {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly resolved: string }[];
  }[];
}

/** Far above what a thousand files take. */
const sizeLimitBytes = 64 * 1024 * 1024;
const layers = ['cli', 'runtime', 'actors', 'machines'] as const;
/** What a folder is called in the picture where its name alone says too little. */
const captions: Readonly<Record<string, string>> = {
  cli: 'cli<br/>who asks',
  actors: 'actors<br/>what',
  machines: 'machines<br/>when',
  runtime: 'engine, pump, lanes,<br/>views, commands',
  // Without arrows: one from each of the others would hide the rest.
  'runtime/ground': 'clock, log, home, faults<br/>seen by all of the runtime',
};

export function importGraph(root: string): string {
  const edges = folderEdges(root);
  const folders = [...new Set(edges.flat())].sort();
  const inside = folders.filter((folder) => layerOf(folder) === 'runtime');
  const lines = [
    'flowchart TD',
    ...['cli', 'actors', 'machines'].map(nodeLine),
    '  subgraph runtime_layer ["runtime, how"]',
    ...inside.map((folder) => `  ${nodeLine(folder)}`),
    '  end',
    ...[...new Set(edges.filter(([, to]) => to !== 'runtime/ground').map(arrowLine))].sort().map((line) => `  ${line}`),
  ];
  return fenced('mermaid', lines.join('\n'));
}

function folderEdges(root: string): [string, string][] {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [program, ...layers, '--output-type', 'json'];
  const answer = execFileSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: sizeLimitBytes,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { modules } = JSON.parse(answer) as Cruised; // its own documented shape
  const placeOf = placesOf(modules);
  return modules.flatMap(({ source, dependencies }) =>
    dependencies.flatMap(({ resolved }) => {
      const [from, to] = [placeOf(source), placeOf(resolved)];
      return from === null || to === null || from === to ? [] : [[from, to] satisfies [string, string]];
    }),
  );
}

/**
 * `runtime/git/refs.ts` lies in `runtime/git`, `runtime/config.ts` speaks for the folder of its name, and the other files of `runtime` are
 * told apart: `runtime/ground` for those that import nothing of the runtime, so that everybody may see them. What is not ours lies nowhere.
 */
function placesOf(modules: Cruised['modules']): (file: string) => string | null {
  const folders = new Set(modules.map(({ source }) => /^runtime\/([^/]+)\//.exec(source)?.[1]));
  const ground = new Set(
    modules
      .filter(({ source }) => /^runtime\/[^/]+$/.test(source))
      .filter(({ dependencies }) => !dependencies.some(({ resolved }) => resolved.startsWith('runtime/')))
      .map(({ source }) => source),
  );
  return (file) => {
    const [layer = '', name = '', rest] = file.split('/');
    if (!layers.some((known) => known === layer)) return null;
    if (layer !== 'runtime') return layer;
    if (rest !== undefined) return `runtime/${name}`;
    const base = name.replace(/\.ts$/, '');
    if (folders.has(base)) return `runtime/${base}`;
    return ground.has(file) ? 'runtime/ground' : 'runtime';
  };
}

function layerOf(folder: string): string {
  return folder.split('/')[0] ?? folder;
}

function idOf(folder: string): string {
  return folder.replaceAll('/', '_');
}

function nodeLine(folder: string): string {
  return `  ${idOf(folder)}["${captions[folder] ?? folder.replace('runtime/', '')}"]`;
}

/** All of the runtime may see the layers below it, so that is one arrow. */
function arrowLine([from, to]: [string, string]): string {
  const isDown = layerOf(from) === 'runtime' && layerOf(to) !== 'runtime';
  return isDown ? `runtime_layer --> ${idOf(to)}` : `${idOf(from)} --> ${idOf(to)}`;
}
