/**
 * The size of the sources: lines of code without comments and blank lines, room by room. `npm run size`; with `--json` as one document.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sloc from 'sloc';

const root = join(import.meta.dirname, '..');
const kinds = new Map([
  ['.ts', 'ts'],
  ['.tsx', 'tsx'],
  ['.mjs', 'js'],
  ['.cjs', 'js'],
  ['.js', 'js'],
  ['.css', 'css'],
]);
/** The depth of the rooms in each layer. */
const layers = { machines: 1, actors: 0, runtime: 2, cli: 1, page: 0, scripts: 0, test: 1 };

function filesOf(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map(({ parentPath, name }) => join(parentPath, name));
}

const rooms = new Map();
for (const [layer, depth] of Object.entries(layers)) {
  for (const file of filesOf(layer)) {
    const kind = kinds.get(/\.\w+$/.exec(file)?.[0] ?? '');
    if (kind === undefined) continue;
    const inside = file.slice(root.length + 1).split('/');
    const room = inside.slice(0, Math.min(depth + 1, inside.length - 1)).join('/');
    const { files = 0, lines = 0 } = rooms.get(room) ?? {};
    rooms.set(room, { files: files + 1, lines: lines + sloc(readFileSync(file, 'utf8'), kind).source });
  }
}

const sum = (isMeant) => [...rooms].filter(([room]) => isMeant(room)).reduce((all, [, { lines }]) => all + lines, 0);
const isTest = (room) => room.split('/')[0] === 'test';
const totals = { code: sum((room) => !isTest(room)), tests: sum(isTest) };
if (process.argv.includes('--json')) console.log(JSON.stringify({ rooms: Object.fromEntries(rooms), ...totals }));
else {
  const row = (name, files, lines) => `${name.padEnd(28)} ${String(files).padStart(5)} ${String(lines).padStart(8)}`;
  console.log(row('room', 'files', 'lines'));
  for (const [room, { files, lines }] of rooms) console.log(row(room, files, lines));
  console.log(`${totals.code} lines of code, ${totals.tests} of tests, without comments and blank lines`);
}
