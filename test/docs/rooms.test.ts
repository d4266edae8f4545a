/** The gate that keeps imports going down closes: each of its rules is broken here on purpose, in a copy of the sources. `npm run check` asks it of the sources as they are. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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
  const { status, stdout } = linted(folder);
  const rules = [...stdout.matchAll(/^ {2}error ([\w-]+):/gm)].map(([, rule = '']) => rule);
  return { status, rules: [...new Set(rules)].sort() };
}

function linted(folder: string) {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  return spawnSync(process.execPath, [program, ...layers, '--output-type', 'err'], { cwd: folder, encoding: 'utf8' });
}

/** A file and an import that it must not have, by the rule that says so. */
const breaches: readonly [rule: string, file: string, imported: string][] = [
  ['runtime-api-client-looks-down', 'runtime/api/client/call.ts', '../../engine/engine.ts'],
  ['runtime-api-inspector-looks-down', 'runtime/api/inspector/page-app.ts', '../client/client.ts'],
  ['runtime-api-control-looks-down', 'runtime/api/control/principal.ts', '../client/client.ts'],
  ['runtime-work-signal-files-looks-down', 'runtime/work/signal-files/leave.ts', '../../api/control/app.ts'],
  ['runtime-api-operations-looks-down', 'runtime/api/operations/hook.ts', '../control/app.ts'],
  ['runtime-api-commands-looks-down', 'runtime/api/commands/signal-sender.ts', '../control/app.ts'],
  ['runtime-api-queries-looks-down', 'runtime/api/queries/usage.ts', '../commands/commands.ts'],
  ['runtime-core-outbox-looks-down', 'runtime/core/outbox/fair-order.ts', '../../api/queries/queries.ts'],
  ['runtime-core-inbox-looks-down', 'runtime/core/inbox/tree-cache.ts', '../outbox/dispatcher.ts'],
  ['runtime-work-effects-looks-down', 'runtime/work/effects/handlers.ts', '../gc/round.ts'],
  ['runtime-work-repos-looks-down', 'runtime/work/repos/health.ts', '../effects/handlers.ts'],
  ['runtime-work-sandbox-looks-down', 'runtime/work/sandbox/wall-guard.ts', '../effects/handlers.ts'],
  ['runtime-work-agents-looks-down', 'runtime/work/agents/run-folder.ts', '../repos/registry.ts'],
  ['runtime-work-git-looks-down', 'runtime/work/git/identity.ts', '../agents/stopping.ts'],
  ['runtime-core-store-looks-down', 'runtime/core/store/tables/queue.ts', '../../../work/git/git.ts'],
  ['runtime-base-config-looks-down', 'runtime/base/config/nearest.ts', '../../core/store/sqlite/store.ts'],
  ['the-contract-is-a-leaf', 'runtime/api/contract/shared-shapes.ts', '../../base/config/config.ts'],
  ['runtime-base-charts-looks-down', 'runtime/base/charts/active-states.ts', '../config/config.ts'],
  ['runtime-base-platform-looks-down', 'runtime/base/platform/clock.ts', '../charts/active-states.ts'],
  ['core-needs-no-contract', 'runtime/core/outbox/fair-order.ts', '../../api/contract/shared-shapes.ts'],
  ['runtime-core-inbox-has-doors', 'runtime/engine/state.ts', '../core/inbox/transaction.ts'],
  ['runtime-work-forges-has-doors', 'runtime/api/queries/usage.ts', '../../work/forges/github.ts'],
  ['machines-plan-has-doors', 'actors/ports.ts', '../machines/plan/memory.ts'],
  ['machines-vocabulary-looks-down', 'machines/vocabulary/ids.ts', '../plan/context.ts'],
  ['machines-document-looks-down', 'machines/document/order.ts', '../wave/machine.ts'],
  ['page-is-a-browser', 'page/format.ts', '../runtime/base/platform/clock.ts'],
  ['nobody-imports-the-page', 'runtime/base/platform/clock.ts', '../../../page/format.ts'],
  ['machines-are-pure', 'machines/vocabulary/policy.ts', 'node:fs'],
  ['machines-are-pure', 'machines/document/order.ts', 'markdown-it'],
  ['families-parse', 'machines/document/families/lists.ts', 'xstate'],
  ['actors-see-machines', 'actors/ports.ts', '../runtime/base/platform/clock.ts'],
  ['runtime-is-below-cli', 'runtime/base/platform/version.ts', '../../../cli/number.ts'],
  ['sql-stays-in-the-store', 'runtime/work/git/locks.ts', 'better-sqlite3'],
  ['engine-picks-the-store', 'runtime/work/signal-files/leave.ts', '../../core/store/sqlite/store.ts'],
  ['engine-picks-the-store', 'runtime/core/store/timeline.ts', './sqlite/store.ts'],
  ['cli-asks-through-the-client', 'cli/status.ts', '../runtime/work/git/git.ts'],
  ['cli-does-not-reach-into-actors', 'cli/logs.ts', '../actors/tree.ts'],
  ['no-circular', 'runtime/base/platform/text-digest.ts', './version.ts'],
  ['no-circular', 'runtime/base/platform/version.ts', './text-digest.ts'],
];

it('an import from above, past a door or from elsewhere is refused by the rule that is meant', () => {
  const copy = sources();
  for (const [, file, imported] of breaches) appendFileSync(join(copy, file), `\nimport '${imported}';\n`);
  writeFileSync(join(copy, 'runtime/loose.ts'), `import './base/platform/version.ts';\n`);
  appendFileSync(join(copy, 'runtime/engine/embedding.ts'), `\nimport '../loose.ts';\n`);
  const forgotten = join(copy, 'runtime/core/outbox/README.md');
  writeFileSync(forgotten, `${readFileSync(forgotten, 'utf8').trim()}\n- \`store-retry.ts\`: what nobody else uses\n`);
  const { status, rules } = broken(copy);
  expect(status).not.toBe(0);
  const named = [...breaches.map(([rule]) => rule), 'no-room-is-unknown', 'runtime-core-outbox-doors-are-used'];
  expect(rules).toEqual(expect.arrayContaining([...new Set(named)].sort()));
});

it('a README that lists a file that is not there, or no doors at all, is refused with its place', () => {
  const copy = sources();
  const readme = join(copy, 'runtime/core/inbox/README.md');
  const text = readFileSync(readme, 'utf8');
  const said = (changed: string) => {
    writeFileSync(readme, changed);
    const { status, stderr } = linted(copy);
    return { isRefused: status !== 0, line: /runtime\/core\/inbox\S* .*/.exec(stderr)?.[0] };
  };
  expect(said(text.replace('`pump.ts`', '`pomp.ts`'))).toEqual({
    isRefused: true,
    line: 'runtime/core/inbox/README.md: runtime/core/inbox/pomp.ts is not there',
  });
  expect(said(text.replace('Doors:', 'Files:'))).toEqual({
    isRefused: true,
    line: 'runtime/core/inbox/README.md has no line "Doors:"',
  });
});

it('the table in the chapter Said once names only existing files and functions', () => {
  const [, chapter = ''] = /\n## Said once\n(.*?)\n## /s.exec(readFileSync('docs/architecture.md', 'utf8')) ?? [];
  const rows = chapter.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'));
  expect(rows.length).toBeGreaterThan(10);
  const gone = rows.flatMap((row) => {
    const named = [...row.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file = '']) => file);
    const files = named.filter((file) => file.includes('/'));
    const texts = files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
    const functions = [...row.matchAll(/`(\w+)`(?: and `(\w+)`)? of `([\w./-]+\.ts)`/g)];
    return [
      ...files.filter((_, index) => texts[index] === ''),
      ...functions.flatMap(([, one = '', other = one, file = '']) =>
        [one, other].filter((name) => !existsSync(file) || !readFileSync(file, 'utf8').includes(name)),
      ),
    ];
  });
  expect(gone).toEqual([]);
});
