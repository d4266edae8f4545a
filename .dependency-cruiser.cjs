/** Imports go down only: cli -> runtime -> actors -> machines, and inside the runtime and the machines from room to room, in the order below. */

const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

/** The runtime's boxes from the top floor down, each with its rooms likewise. The top one is a room itself. */
const boxes = {
  engine: [''],
  api: ['mcp', 'client', 'inspector', 'control', 'operations', 'commands', 'queries'],
  work: ['intake', 'signal-files', 'gc', 'effects', 'chats', 'forges', 'repos', 'sandbox', 'agents', 'git'],
  core: ['outbox', 'inbox', 'store'],
  base: ['config', 'charts', 'platform'],
};
const rooms = Object.entries(boxes).flatMap(([box, inside]) =>
  inside.map((room) => (room === '' ? box : `${box}/${room}`)),
);
/** Shapes and nothing else, which `work` may import although it lies above. */
const leaf = 'api/contract';
/** The machines' rooms, likewise: a folder an actor, above the words that they share. */
const machineRooms = ['supervisor', 'repo', 'landing', 'plan', 'wave', 'task', 'agent', 'document', 'vocabulary'];

/** A room imports from those below it only. */
function downOnly(layer, names) {
  return names.slice(1).map((room, index) => ({
    name: `${layer}-${room.replaceAll('/', '-')}-looks-down`,
    comment: `${layer}/${room} is below ${names.slice(0, index + 1).join(', ')}`,
    severity: 'error',
    from: { path: `^${layer}/${room}/` },
    to: { path: `^${layer}/(${names.slice(0, index + 1).join('|')})/` },
  }));
}

/** What others may use of a room: the list at the end of its README.md. null: any of its files. Throws where that is not to be read, or names a file that there is not. */
function doorsOf(room) {
  const readme = `${room}/README.md`;
  const [, list] = readFileSync(join(__dirname, readme), 'utf8').split(/^Doors:/m);
  if (list === undefined) throw new Error(`${readme} has no line "Doors:"`);
  if (list.trim() === 'every file.') return null;
  return list
    .trim()
    .split('\n')
    .map((line) => {
      const [, file] = line.match(/^- `([\w/-]+\.ts)`: \S/) ?? [];
      if (file === undefined)
        throw new Error(
          `${readme}: ${line}: a door is "- \`file.ts\`: what one gets there", or all are "Doors: every file."`,
        );
      if (!existsSync(join(__dirname, room, file))) throw new Error(`${readme}: ${room}/${file} is not there`);
      return file;
    });
}

/** What its README does not name is a room's own business, and what it names is used by somebody. */
const doors = [
  ...[...rooms, leaf].map((room) => `runtime/${room}`),
  ...machineRooms.map((room) => `machines/${room}`),
].flatMap((room) => {
  const files = doorsOf(room);
  if (files === null) return [];
  const named = `^${room}/(${files.join('|').replaceAll('.', '\\.')})$`;
  const rule = room.replaceAll('/', '-');
  return [
    {
      name: `${rule}-has-doors`,
      comment: `others use what ${room}/README.md lists`,
      severity: 'error',
      from: { pathNot: `^${room}/` },
      to: { path: `^${room}/`, pathNot: named },
    },
    {
      name: `${rule}-doors-are-used`,
      comment: `${room}/README.md lists a door that nobody uses`,
      severity: 'error',
      module: { path: named, numberOfDependentsLessThan: 1 },
      from: { pathNot: `^${room}/` },
    },
  ];
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(machines|actors|runtime|cli|page)/' },
      to: {},
    },
    ...downOnly('runtime', rooms),
    {
      name: 'the-contract-is-a-leaf',
      comment: 'it imports machines alone, so that work may import it',
      severity: 'error',
      from: { path: `^runtime/${leaf}/` },
      to: { path: '^(actors|runtime|cli)/', pathNot: `^runtime/${leaf}/` },
    },
    ...downOnly('machines', machineRooms),
    ...doors,
    {
      name: 'core-needs-no-contract',
      comment: 'what a tree needs to live has no shape of an answer in it',
      severity: 'error',
      from: { path: '^runtime/(core|base)/' },
      to: { path: `^runtime/${leaf}/` },
    },
    {
      name: 'no-room-is-unknown',
      comment: 'a new room gets its place in the order above, and a file lies in a room',
      severity: 'error',
      from: { path: '^(machines|actors|runtime|cli)/' },
      to: {
        path: '^(runtime|machines)/',
        pathNot: [`^runtime/(${[...rooms, leaf].join('|')})/`, `^machines/(${machineRooms.join('|')})/`],
      },
    },
    {
      name: 'machines-are-pure',
      comment: 'machines import each other, xstate and zod, nothing else',
      severity: 'error',
      from: { path: '^machines/', pathNot: '^machines/document/families/' },
      to: { pathNot: ['^machines/', 'node_modules/(xstate|zod)/'] },
    },
    {
      name: 'families-parse',
      comment:
        'what reads the documents of others parses markdown, YAML and JSON besides, with parsers that it loads when there is need',
      severity: 'error',
      from: { path: '^machines/document/families/' },
      to: { pathNot: ['^machines/', 'node_modules/(markdown-it|js-yaml|jsonc-parser)/', '^(node:)?module$'] },
    },
    {
      name: 'actors-see-machines',
      severity: 'error',
      from: { path: '^actors/' },
      to: { pathNot: ['^actors/', '^machines/', 'node_modules/(xstate|zod)/'] },
    },
    { name: 'runtime-is-below-cli', severity: 'error', from: { path: '^runtime/' }, to: { path: '^cli/' } },
    {
      name: 'sql-stays-in-the-store',
      severity: 'error',
      from: { path: '^(runtime|cli|actors|machines)/', pathNot: '^runtime/core/store/' },
      to: { path: 'node_modules/(better-sqlite3|pg)/' },
    },
    {
      name: 'engine-picks-the-store',
      comment:
        'everybody else sees port.ts, rows.ts, effect-queue.ts and timeline.ts of runtime/core/store; cli/daemon reads who owns a home',
      severity: 'error',
      from: {
        path: '^(machines|actors|runtime|cli)/',
        pathNot: '^runtime/(engine|core/store/sqlite)/',
      },
      to: { path: '^runtime/core/store/sqlite/', pathNot: '^runtime/core/store/sqlite/owner\\.ts$' },
    },
    {
      name: 'cli-asks-through-the-client',
      comment: 'only the verbs that own an engine for long see it; the others find one, or do without',
      severity: 'error',
      from: { path: '^cli/', pathNot: '^cli/((run|demo)\\.ts|daemon/[a-z-]+\\.ts)$' },
      to: {
        path: '^runtime/',
        pathNot: [
          '^runtime/(api/client|api/contract|api/mcp|api/operations|base/config|base/platform)/',
          '^runtime/engine/(connect|attach|registered-projects|shared-inbox|preflight|store-copies|store-transfer|kasmos-store|simulate|simulate-together)\\.ts$',
          // What works with no engine.
          '^runtime/work/(forges/server-list|signal-files/leave|agents/reports/readable-log|agents/relay/json-rpc)\\.ts$',
        ],
      },
    },
    {
      name: 'cli-does-not-reach-into-actors',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^actors/' },
    },
    {
      name: 'page-is-a-browser',
      comment:
        'the page is served as it is compiled: it has its own files, what draws it, the charts, the words for times, accounts and landings, the form of comments, and the shapes of what it is told',
      severity: 'error',
      from: { path: '^page/' },
      to: {
        pathNot: [
          '^page/',
          '^node_modules/preact/',
          '^runtime/base/charts/(chart|render|metrics|active-states)\\.ts$',
          '^machines/vocabulary/((account|act|comment|merge|reason|time)-text|block-source|ids|landing|numbers|plan-status|run-state)\\.ts$',
          '^runtime/api/contract/',
        ],
      },
    },
    {
      name: 'nobody-imports-the-page',
      severity: 'error',
      from: { path: '^(machines|actors|runtime|cli)/' },
      to: { path: '^page/' },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^(machines|actors|runtime|cli|page)/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};
