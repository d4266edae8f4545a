/** Which room imports from which, according to the sources. An arrow that follows from two others is left out. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fenced } from './markdown.ts';

const layers = ['cli', 'runtime', 'actors', 'machines'] as const;
/** The layers of the runtime with several rooms; `engine` is one room. */
const boxes = ['api', 'work', 'core', 'base'] as const;
/** The label of a room in the picture, if its name alone is not clear. */
const captions: Readonly<Record<string, string>> = {
  cli: 'cli<br/>who asks',
  actors: 'actors<br/>what',
  'runtime/engine': 'engine<br/>the parts, put together',
  'runtime/api/control': 'control<br/>HTTP',
  'runtime/core/inbox': 'inbox<br/>signals in',
  'runtime/core/outbox': 'outbox<br/>effects out',
  'runtime/api/queries': 'queries<br/>to see',
  'runtime/api/commands': 'commands<br/>to change',
  'runtime/api/contract': 'contract<br/>what leaves the process',
  'machines/vocabulary': 'vocabulary<br/>the shared words',
};

type Arrow = readonly [from: string, to: string];

export function importGraph(root: string): string {
  const arrows = withoutDetours(roomArrows(root));
  const rooms = [...new Set(arrows.flat())].sort();
  const inside = (layer: string) =>
    rooms.filter((room) => room.startsWith(`${layer}/`)).map((room) => `  ${nodeLine(room)}`);
  const boxed = boxes.flatMap((box) => [
    `    subgraph runtime_${box}_box ["${box}"]`,
    ...inside(`runtime/${box}`).map((line) => `    ${line}`),
    '    end',
  ]);
  const lines = [
    'flowchart TD',
    ...['cli', 'actors'].map(nodeLine),
    '  subgraph runtime_layer ["runtime: how"]',
    `  ${nodeLine('runtime/engine')}`,
    ...boxed,
    '  end',
    '  subgraph machines_layer ["machines: when"]',
    ...inside('machines'),
    '  end',
    ...arrows.map(([from, to]) => `  ${idOf(from)} --> ${idOf(to)}`).sort(),
  ];
  return fenced('mermaid', lines.join('\n'));
}

/** What a source imports of other sources: all are named with a relative path, in single quotes. */
const imported = /\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

function roomArrows(root: string): Arrow[] {
  const sources = layers.flatMap((layer) =>
    readdirSync(join(root, layer), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${layer}/${file}`),
  );
  const seen = new Map<string, Arrow>();
  for (const source of sources)
    for (const [, path = ''] of readFileSync(join(root, source), 'utf8').matchAll(imported)) {
      const [from, to] = [roomOf(source), roomOf(join(dirname(source), path))];
      if (from !== null && to !== null && from !== to) seen.set(`${from} ${to}`, [from, to]);
    }
  return [...seen.values()];
}

/**
 * `runtime/work/git/refs.ts` is in the room `runtime/work/git`; `cli` and `actors` are one room each; foreign files, and a layer's own index, are in
 * no room.
 */
function roomOf(file: string): string | null {
  const [layer = '', ...names] = file.split('/');
  if (!layers.some((known) => known === layer)) return null;
  if (layer === 'cli' || layer === 'actors') return layer;
  const depth = boxes.some((box) => box === names[0]) ? 2 : 1;
  return names.length > depth ? [layer, ...names.slice(0, depth)].join('/') : null;
}

/** Leaves out each arrow that follows from a longer path. Throws if the arrows form a cycle. */
function withoutDetours(arrows: readonly Arrow[]): Arrow[] {
  const below = new Map<string, Set<string>>();
  const reach = (room: string, way: readonly string[]): Set<string> => {
    if (way.includes(room)) throw new Error(`rooms import in a circle: ${[...way, room].join(' -> ')}`);
    const known = below.get(room);
    if (known !== undefined) return known;
    const next = arrows.filter(([from]) => from === room).map(([, to]) => to);
    const all = new Set(next.flatMap((to) => [to, ...reach(to, [...way, room])]));
    below.set(room, all);
    return all;
  };
  return arrows.filter(([from, to]) => {
    const others = arrows.filter(([start, end]) => start === from && end !== to);
    return !others.some(([, end]) => reach(end, [from]).has(to));
  });
}

function idOf(room: string): string {
  return room.replaceAll('/', '_');
}

function nodeLine(room: string): string {
  return `  ${idOf(room)}["${captions[room] ?? room.split('/').at(-1)}"]`;
}
