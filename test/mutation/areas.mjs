/** The areas of `npm run mutation`, each with its tests, ordered so that the tests that find most in the least time come first. */

const charts = [
  'test/machines/structure.test.ts',
  'test/machines/tables.test.ts',
  'test/machines/plan-table.test.ts',
  'test/machines/scenarios.test.ts',
  'test/machines/wave.test.ts',
  'test/machines/done-tasks.test.ts',
];
const plans = [
  ...charts,
  'test/machines/task-agent.test.ts',
  'test/machines/merge.test.ts',
  'test/machines/pull-merge.test.ts',
  'test/machines/permissions.test.ts',
  'test/machines/drafts.test.ts',
  'test/machines/refusal-text.test.ts',
  'test/machines/landing.test.ts',
  'test/machines/flags.test.ts',
  'test/machines/file-claims.test.ts',
  'test/actors/hook-events.test.ts',
  'test/actors/properties.test.ts',
];
const trees = [
  'test/actors/tree.test.ts',
  'test/actors/stored-tree.test.ts',
  'test/actors/own-machine.test.ts',
  'test/actors/lean.test.ts',
];
const signals = ['test/inbox/admission.test.ts'];

/** By name, in the order in which all are played. */
export const areas = {
  'core/outbox': {
    mutate: ['runtime/core/outbox/slots.ts', 'runtime/core/outbox/fair-order.ts'],
    tests: ['test/outbox/slots.test.ts'],
  },
  'core/admission': { mutate: ['runtime/core/inbox/admission.ts'], tests: signals },
  'core/transaction': {
    mutate: ['runtime/core/inbox/transaction.ts', 'runtime/core/inbox/projection.ts'],
    tests: ['test/inbox/projection.test.ts', 'test/inbox/transaction.test.ts', 'test/engine/simulate.test.ts'],
  },
  'actors/json-value': { mutate: ['actors/json-value.ts'], tests: ['test/actors/json-value.test.ts'] },
  actors: { mutate: ['actors/**/*.ts', '!actors/json-value.ts'], tests: [...trees, ...signals, ...plans] },
  'machines/agent': { mutate: ['machines/agent/**/*.ts'], tests: ['test/machines/agent-chart.test.ts'] },
  'machines/wave': { mutate: ['machines/wave/**/*.ts'], tests: plans },
  'machines/task': { mutate: ['machines/task/**/*.ts'], tests: ['test/machines/task-chart.test.ts'] },
  'machines/landing': {
    mutate: ['machines/landing/**/*.ts'],
    tests: ['test/machines/landing-line.test.ts', 'test/machines/landing.test.ts', ...charts],
  },
  'machines/repo': {
    mutate: ['machines/repo/**/*.ts'],
    tests: [...charts, 'test/machines/repo-grants.test.ts', 'test/machines/repo-chart.test.ts'],
  },
  'machines/supervisor': {
    mutate: ['machines/supervisor/**/*.ts'],
    tests: [...charts, 'test/machines/supervisor.test.ts', 'test/actors/lean.test.ts'],
  },
  'machines/plan/context': { mutate: ['machines/plan/context.ts'], tests: ['test/machines/plan-context.test.ts'] },
  'machines/plan/guards': { mutate: ['machines/plan/guards.ts'], tests: ['test/machines/plan-guards.test.ts'] },
  'machines/plan/messages': {
    mutate: ['machines/plan/answers.ts', 'machines/plan/stored-messages.ts'],
    tests: ['test/machines/stored-messages.test.ts'],
  },
  'machines/plan': {
    mutate: ['machines/plan/**/*.ts', '!machines/plan/{context,guards,answers,stored-messages}.ts'],
    tests: plans,
  },
  'machines/vocabulary': { mutate: ['machines/vocabulary/**/*.ts'], tests: [...signals, ...trees, ...plans] },
  'machines/document': {
    mutate: ['machines/document/**/*.ts'],
    tests: ['test/machines/document/issue-links.test.ts', 'test/machines/document/plan-document.test.ts'],
  },
};
