/** The gate that keeps imports going down closes: each of its rules is broken here on purpose, in a copy of the sources. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const layers = ['machines', 'actors', 'runtime', 'cli', 'page'];
const copies: string[] = [];

afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true, force: true });
});

function sources(): string {
  const copy = mkdtempSync(join(tmpdir(), 'stator-rooms-'));
  copies.push(copy);
  for (const layer of layers) cpSync(join(root, layer), join(copy, layer), { recursive: true });
  for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
    cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** The names of the rules that are broken. */
function broken(folder: string): { status: number | null; rules: string[] } {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { status, stdout } = spawnSync(process.execPath, [program, ...layers, '--output-type', 'err'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const rules = [...stdout.matchAll(/^ {2}error ([\w-]+):/gm)].map(([, rule = '']) => rule);
  return { status, rules: [...new Set(rules)].sort() };
}

/** A file and an import that it must not have, by the rule that says so. */
const breaches: readonly [rule: string, file: string, imported: string][] = [
  ['runtime-client-looks-down', 'runtime/client/call.ts', '../engine/engine.ts'],
  ['runtime-inspector-looks-down', 'runtime/inspector/assets.ts', '../client/client.ts'],
  ['runtime-control-looks-down', 'runtime/control/principal.ts', '../client/client.ts'],
  ['runtime-gateway-looks-down', 'runtime/gateway/leave.ts', '../control/app.ts'],
  ['runtime-commands-looks-down', 'runtime/commands/plan-head.ts', '../gateway/gateway.ts'],
  ['runtime-queries-looks-down', 'runtime/queries/usage.ts', '../commands/commands.ts'],
  ['runtime-outbox-looks-down', 'runtime/outbox/fair-order.ts', '../queries/queries.ts'],
  ['runtime-inbox-looks-down', 'runtime/inbox/tree-cache.ts', '../outbox/dispatcher.ts'],
  ['runtime-effects-looks-down', 'runtime/effects/freeze.ts', '../inbox/pump.ts'],
  ['runtime-repos-looks-down', 'runtime/repos/health.ts', '../effects/handlers.ts'],
  ['runtime-agents-looks-down', 'runtime/agents/run-id.ts', '../repos/registry.ts'],
  ['runtime-git-looks-down', 'runtime/git/identity.ts', '../agents/stopping.ts'],
  ['runtime-store-looks-down', 'runtime/store/sqlite/queue.ts', '../../git/git.ts'],
  ['runtime-config-looks-down', 'runtime/config/nearest.ts', '../store/sqlite/store.ts'],
  ['runtime-contract-looks-down', 'runtime/contract/words.ts', '../config/config.ts'],
  ['runtime-charts-looks-down', 'runtime/charts/lit.ts', '../contract/words.ts'],
  ['runtime-platform-looks-down', 'runtime/platform/clock.ts', '../contract/words.ts'],
  ['runtime-inbox-has-doors', 'runtime/engine/ownership.ts', '../inbox/transaction.ts'],
  ['machines-vocabulary-looks-down', 'machines/vocabulary/ids.ts', '../plan/context.ts'],
  ['machines-document-looks-down', 'machines/document/order.ts', '../wave/machine.ts'],
  ['page-is-a-browser', 'page/format.ts', '../runtime/platform/clock.ts'],
  ['nobody-imports-the-page', 'runtime/platform/clock.ts', '../../page/format.ts'],
  ['machines-are-pure', 'machines/vocabulary/policy.ts', 'node:fs'],
  ['actors-see-machines', 'actors/ports.ts', '../runtime/platform/clock.ts'],
  ['runtime-is-below-cli', 'runtime/platform/version.ts', '../../cli/number.ts'],
  ['sql-stays-in-the-store', 'runtime/git/locks.ts', 'better-sqlite3'],
  ['engine-picks-the-store', 'runtime/gateway/leave.ts', '../store/sqlite/store.ts'],
  ['engine-picks-the-store', 'runtime/store/timeline.ts', './memory/store.ts'],
  ['stores-know-only-the-port', 'runtime/store/memory/table.ts', '../sqlite/queue.ts'],
  ['stores-know-only-the-port', 'runtime/store/sqlite/queue.ts', '../memory/table.ts'],
  ['cli-asks-through-the-client', 'cli/status.ts', '../runtime/git/git.ts'],
  ['cli-does-not-reach-into-actors', 'cli/logs.ts', '../actors/tree.ts'],
  ['no-circular', 'runtime/platform/text-digest.ts', './version.ts'],
  ['no-circular', 'runtime/platform/version.ts', './text-digest.ts'],
];

it('the sources as they are keep every rule', () => {
  expect(broken(root)).toEqual({ status: 0, rules: [] });
});

it('an import from above, past a door or from elsewhere is refused by the rule that is meant', () => {
  const copy = sources();
  for (const [, file, imported] of breaches) appendFileSync(join(copy, file), `\nimport '${imported}';\n`);
  writeFileSync(join(copy, 'runtime/loose.ts'), `import './platform/version.ts';\n`);
  appendFileSync(join(copy, 'runtime/engine/embedding.ts'), `\nimport '../loose.ts';\n`);
  const { status, rules } = broken(copy);
  expect(status).not.toBe(0);
  expect(rules).toEqual(
    expect.arrayContaining([...new Set([...breaches.map(([rule]) => rule), 'no-room-is-unknown'])].sort()),
  );
});
