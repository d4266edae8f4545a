/** The areas of `npm run mutation`, each with its tests, ordered so that the tests that find most in the least time come first. */

const signals = ['test/inbox/admission.test.ts'];
const ownForm = ['plan-document', 'task-fields', 'issue-links', 'headings', 'own-form', 'document-text'].map(
  (name) => `test/machines/document/${name}.test.ts`,
);
const families = [
  'reading',
  'sections',
  'tasks',
  'task-text',
  'lists',
  'numbered-lists',
  'spec-kit',
  'json',
  'front-matter',
].map((name) => `test/machines/document/families/${name}.test.ts`);

const vocabulary = (...names) => names.map((name) => `machines/vocabulary/${name}.ts`);
const document = (...names) => names.map((name) => `machines/document/${name}.ts`);
const family = (...names) => names.map((name) => `machines/document/families/${name}.ts`);

/** By name, in the order in which all are played. `runner`: `in-process` for tests that need no worker of vitest (`in-process.mjs`); absent: vitest. */
export const areas = {
  'core/outbox': {
    mutate: ['runtime/core/outbox/slots.ts', 'runtime/core/outbox/fair-order.ts'],
    tests: ['test/outbox/slots.test.ts'],
    runner: 'in-process',
  },
  'core/admission': { mutate: ['runtime/core/inbox/admission.ts'], tests: signals, runner: 'in-process' },
  'core/transaction': {
    mutate: ['runtime/core/inbox/transaction.ts', 'runtime/core/inbox/projection.ts'],
    tests: ['test/inbox/transaction.test.ts', 'test/inbox/projection.test.ts'],
    runner: 'in-process',
  },
  'actors/json-value': {
    mutate: ['actors/json-value.ts'],
    tests: ['test/actors/json-value.test.ts'],
    runner: 'in-process',
  },
  'actors/stored-trees': {
    mutate: ['actors/compatibility.ts', 'actors/snapshot-at-rest.ts', 'actors/stored-tree.ts'],
    tests: ['stored-tree', 'snapshot-at-rest', 'tree'].map((name) => `test/actors/${name}.test.ts`),
    runner: 'in-process',
  },
  'actors/refs': {
    mutate: ['actor-path', 'actor-refs', 'output-wait', 'thrown-place'].map((name) => `actors/${name}.ts`),
    tests: ['actor-path', 'actor-refs', 'output-wait', 'thrown-frames'].map((name) => `test/actors/${name}.test.ts`),
    runner: 'in-process',
  },
  'actors/recorder': {
    mutate: ['actors/recorder.ts'],
    tests: ['test/actors/recorder.test.ts'],
    runner: 'in-process',
  },
  'actors/kinds': {
    mutate: ['actors/kinds.ts', 'actors/upgrades.ts', 'actors/xstate-internals.ts'],
    tests: ['kinds', 'lean', 'tree-steps'].map((name) => `test/actors/${name}.test.ts`),
    runner: 'in-process',
  },
  'actors/trees': {
    mutate: ['actors/tree.ts'],
    tests: ['tree-steps', 'kinds', 'lean', 'tree'].map((name) => `test/actors/${name}.test.ts`),
    runner: 'in-process',
  },
  'actors/durable-logic': {
    mutate: ['actors/durable-logic.ts'],
    tests: ['durable-memory', 'durable-logic', 'tree-steps'].map((name) => `test/actors/${name}.test.ts`),
    runner: 'in-process',
  },
  'actors/own-machines': {
    mutate: ['own-machine', 'define-machine', 'chart-shape'].map((name) => `actors/${name}.ts`),
    tests: ['define-machine', 'own-requests', 'own-signals', 'own-parts', 'own-machine', 'chart-shape'].map(
      (name) => `test/actors/${name}.test.ts`,
    ),
    runner: 'in-process',
  },
  'actors/hooks': {
    mutate: ['hook-events', 'notices'].map((name) => `actors/${name}.ts`),
    tests: ['recorded-hooks', 'notices'].map((name) => `test/actors/${name}.test.ts`),
    runner: 'in-process',
  },
  'actors/views': {
    mutate: ['addressee', 'plan-messages', 'plan-view'].map((name) => `actors/${name}.ts`),
    tests: ['addressee', 'agent-messages', 'plan-view'].map((name) => `test/actors/${name}.test.ts`),
    runner: 'in-process',
  },
  'actors/requests': {
    mutate: ['plan', 'landing', 'repo', 'supervisor'].map((name) => `actors/${name}.ts`),
    tests: ['test/actors/requests.test.ts'],
    runner: 'in-process',
  },
  'actors/refusal': {
    mutate: ['actors/refusal.ts'],
    tests: ['test/actors/refusal.test.ts'],
    runner: 'in-process',
  },
  'machines/agent': {
    mutate: ['machines/agent/**/*.ts'],
    tests: ['test/machines/agent-chart.test.ts'],
    runner: 'in-process',
  },
  'machines/wave': {
    mutate: ['machines/wave/**/*.ts'],
    tests: ['test/machines/wave-chart.test.ts', 'test/machines/wave.test.ts'],
    runner: 'in-process',
  },
  'machines/task': {
    mutate: ['machines/task/**/*.ts'],
    tests: ['test/machines/task-chart.test.ts'],
    runner: 'in-process',
  },
  'machines/landing': {
    mutate: ['machines/landing/**/*.ts'],
    tests: ['test/machines/landing-line.test.ts', 'test/machines/landing.test.ts'],
    runner: 'in-process',
  },
  'machines/repo': {
    mutate: ['machines/repo/**/*.ts'],
    tests: ['test/machines/repo-chart.test.ts', 'test/machines/repo-grants.test.ts'],
    runner: 'in-process',
  },
  'machines/supervisor': {
    mutate: ['machines/supervisor/**/*.ts'],
    tests: ['test/machines/supervisor.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/context': {
    mutate: ['machines/plan/context.ts'],
    tests: ['test/machines/plan-context.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/guards': {
    mutate: ['machines/plan/guards.ts'],
    tests: ['test/machines/plan-guards.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/messages': {
    mutate: ['machines/plan/answers.ts', 'machines/plan/stored-messages.ts'],
    tests: ['test/machines/stored-messages.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/texts': {
    mutate: ['advice', 'guard-texts', 'refusal-text'].map((name) => `machines/plan/${name}.ts`),
    tests: ['test/machines/advice.test.ts', 'test/machines/refusal-text.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/drafts': {
    mutate: ['machines/plan/drafts.ts', 'machines/plan/drafting.ts'],
    tests: ['test/machines/drafts.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/memory': {
    mutate: ['machines/plan/memory.ts', 'machines/plan/stack.ts'],
    tests: ['test/machines/plan-memory.test.ts', 'test/machines/plan-stack.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/requests': {
    mutate: ['machines/plan/actions.ts', 'machines/plan/events.ts'],
    tests: ['test/machines/plan-requests.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/children': {
    mutate: ['machines/plan/children.ts', 'machines/plan/messages.ts'],
    tests: ['test/machines/plan-children.test.ts', 'test/machines/plan-messages.test.ts'],
    runner: 'in-process',
  },
  'machines/plan/charts': {
    mutate: ['machine', 'implementing', 'merge', 'planning', 'pull-request', 'underway', 'setup'].map(
      (name) => `machines/plan/${name}.ts`,
    ),
    tests: ['test/machines/plan-decisions.test.ts'],
    runner: 'in-process',
  },
  'machines/vocabulary/signals': {
    mutate: vocabulary('signal', 'engine-signals', 'signal-kind', 'policy', 'budget-schema', 'effect'),
    tests: ['test/machines/signals.test.ts', 'test/machines/effects.test.ts'],
    runner: 'in-process',
  },
  'machines/vocabulary/names': {
    mutate: vocabulary('ids', 'file-claims', 'budget', 'task-agent', 'plan-status', 'public-state'),
    tests: ['addresses', 'names', 'budget', 'file-claims', 'task-agent'].map((name) => `test/machines/${name}.test.ts`),
    runner: 'in-process',
  },
  'machines/vocabulary/texts': {
    mutate: vocabulary(
      ...[
        'account-text',
        'act-text',
        'agent-message',
        'block-source',
        'comment-text',
        'errors',
        'family',
        'hook-event',
      ],
      ...[
        'host-name',
        'landing',
        'merge-text',
        'note',
        'notification',
        'numbers',
        'plan-file',
        'plan-merge',
        'plan-pull',
      ],
      ...['reason-text', 'run-state', 'schema-issue', 'shell-word', 'slips'],
    ),
    tests: ['texts', 'errors', 'agent-message', 'comment-text'].map((name) => `test/machines/${name}.test.ts`),
    runner: 'in-process',
  },
  'machines/document/own-form': {
    mutate: document('plan-document', 'own-form', 'headings', 'header', 'order', 'shape', 'text', 'done-marks'),
    tests: [...ownForm, ...families],
    runner: 'in-process',
  },
  'machines/document/fields': {
    mutate: document('task-fields', 'files', 'fields', 'labels', 'markdown-lines', 'fences', 'issue-links'),
    tests: [...ownForm, ...families],
    runner: 'in-process',
  },
  'machines/document/lists': {
    mutate: family('lists', 'checklist', 'markdown-outline', 'sections', 'descriptions', 'task-text', 'tasks', 'sheet'),
    tests: families,
    runner: 'in-process',
  },
  'machines/document/families': {
    mutate: [
      ...document('read-plan', 'one-task'),
      ...family('family', 'registry', 'parsers', 'backlog', 'bmad', 'conductor', 'cursor', 'gsd', 'json-document'),
      ...family('kiro', 'openspec', 'ralph', 'spec-kit', 'task-master'),
    ],
    tests: families,
    runner: 'in-process',
  },
};
