/** Imports go down only: cli -> runtime -> actors -> machines. */
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^(machines|actors|runtime|cli)/' }, to: {} },
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
      to: { pathNot: ['^actors/', '^machines/', 'node_modules/xstate/'] },
    },
    { name: 'runtime-is-below-cli', severity: 'error', from: { path: '^runtime/' }, to: { path: '^cli/' } },
    {
      name: 'cli-asks-through-the-client',
      comment: 'only the verbs that own an engine for long see it',
      severity: 'error',
      from: { path: '^cli/', pathNot: '^cli/((run|demo)\\.ts|daemon/[a-z-]+\\.ts)$' },
      to: { path: '^runtime/', pathNot: '^runtime/(control/(client|api-client|shapes)|config|config/[a-z-]+)\\.ts$' },
    },
    {
      name: 'cli-does-not-reach-into-actors',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^actors/' },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^(machines|actors|runtime|cli)/' },
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
