/** Imports go down only: cli -> runtime -> actors -> machines, and inside the runtime and the machines from room to room, in the order below. */

/** The runtime's boxes from the top floor down, each with its rooms likewise, and what others use of a room; null: any of its files. */
const boxes = {
  engine: { '': ['engine', 'connect', 'daemon'] },
  api: {
    client: ['client', 'call', 'no-answer', 'known-options'],
    inspector: ['inspector', 'place'],
    control: ['app', 'run-sockets', 'server', 'route', 'routes', 'requests', 'openapi', 'tcp', 'web-guard'],
    commands: ['commands', 'parts'],
    queries: ['queries', 'chart', 'queue-pause'],
  },
  work: {
    'signal-files': ['gateway', 'leave'],
    gc: ['gc', 'retention-watch'],
    effects: null,
    forges: null,
    repos: ['registry', 'health', 'repo-watchers', 'verification-watch'],
    sandbox: ['walls', 'resources'],
    agents: null,
    git: null,
  },
  core: {
    outbox: ['budget', 'budget-watch', 'casting', 'dispatcher', 'fair-order', 'handler', 'requeue', 'slots'],
    inbox: ['admission', 'signal-row', 'pump', 'facts', 'tree-cache', 'verdicts'],
    store: null,
  },
  base: {
    config: [
      'config',
      'settings',
      'home',
      'socket-path',
      'file',
      'reference',
      'nearest',
      'duration',
      'preset-programs',
    ],
    charts: null,
    platform: null,
  },
};
const rooms = Object.fromEntries(
  Object.entries(boxes).flatMap(([box, inside]) =>
    Object.entries(inside).map(([room, files]) => [room === '' ? box : `${box}/${room}`, files]),
  ),
);
/** Shapes and nothing else, which `work` may import although it lies above. */
const leaf = 'api/contract';
/** The machines' rooms, likewise: a folder an actor, above the words that they share. */
const machineRooms = ['supervisor', 'repo', 'plan', 'wave', 'task', 'agent', 'document', 'vocabulary'];

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

/** What is not named above is a room's own business. */
const doors = Object.entries(rooms)
  .filter(([, files]) => files !== null)
  .map(([room, files]) => ({
    name: `runtime-${room.replaceAll('/', '-')}-has-doors`,
    comment: `others use ${files.map((file) => `${file}.ts`).join(', ')} of runtime/${room}`,
    severity: 'error',
    from: { pathNot: `^runtime/${room}/` },
    to: { path: `^runtime/${room}/`, pathNot: `^runtime/${room}/(${files.join('|')})\\.ts$` },
  }));

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
    ...downOnly('runtime', Object.keys(rooms)),
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
        pathNot: [`^runtime/(${[...Object.keys(rooms), leaf].join('|')})/`, `^machines/(${machineRooms.join('|')})/`],
      },
    },
    {
      name: 'machines-are-pure',
      comment: 'machines import each other, xstate and zod, nothing else',
      severity: 'error',
      from: { path: '^machines/' },
      to: { pathNot: ['^machines/', 'node_modules/(xstate|zod)/'] },
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
      to: { path: 'node_modules/better-sqlite3/' },
    },
    {
      name: 'engine-picks-the-store',
      comment:
        'everybody else sees port.ts, rows.ts and timeline.ts of runtime/core/store; cli/daemon reads who owns a home',
      severity: 'error',
      from: {
        path: '^(machines|actors|runtime|cli)/',
        pathNot: '^runtime/(engine|core/store/sqlite|core/store/memory)/',
      },
      to: { path: '^runtime/core/store/(sqlite|memory)/', pathNot: '^runtime/core/store/sqlite/owner\\.ts$' },
    },
    {
      name: 'stores-know-only-the-port',
      comment: 'one kind of store knows nothing of another',
      severity: 'error',
      from: { path: '^runtime/core/store/(sqlite|memory)/' },
      to: { path: '^runtime/core/store/(sqlite|memory)/', pathNot: '^runtime/core/store/$1/' },
    },
    {
      name: 'cli-asks-through-the-client',
      comment: 'only the verbs that own an engine for long see it',
      severity: 'error',
      from: { path: '^cli/', pathNot: '^cli/((run|demo)\\.ts|daemon/[a-z-]+\\.ts)$' },
      to: {
        path: '^runtime/',
        pathNot: '^runtime/(api/client|api/contract|base/config|base/platform)/|^runtime/engine/connect\\.ts$',
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
        'the page is served as it is compiled: it has its own files, what draws it, the charts, and the shapes of what it is told',
      severity: 'error',
      from: { path: '^page/' },
      to: {
        pathNot: [
          '^page/',
          '^node_modules/preact/',
          '^runtime/base/charts/(chart|render|metrics|lit)\\.ts$',
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
