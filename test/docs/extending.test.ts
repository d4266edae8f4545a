/** The changes that docs/extending.md records are applied to a copy of the sources, built, and do what the page says. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/extending.md'), 'utf8');

/** With what was made of them, so that the compiler looks only at what a change reaches. */
function sources(): string {
  const copy = mkdtempSync(join(tmpdir(), 'stator-extended-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  const copied = [
    'machines',
    'actors',
    'runtime',
    'cli',
    'page',
    'scripts',
    'dist',
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
  ];
  for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Brings a plan to its verification, which a person approves, and answers what is asked then. */
const walk = `
import { hookEventsOf } from './dist/actors/hook-events.js';
import { planSummary } from './dist/actors/plan-view.js';
import { createTrees } from './dist/actors/tree.js';
import { defaultPolicy } from './dist/machines/vocabulary/policy.js';
const trees = createTrees();
const said = (type, payload) => ({ type, payload, origin: 'person', actor: '', run: null, at: 1 });
const content = '# A\\n\\n## Wave 1\\n\\n### Task 1: b\\n\\nc\\n';
const opened = said('plan_opened', { content, branch: 'plan/a', topic: null, generation: 0, policy: defaultPolicy });
const { tree } = trees.create('plan:demo/a', { ...opened, origin: 'engine' });
const told = [];
for (const [type, payload] of [['set_status', { status: 'verifying' }], ['verify_approved', {}], ['resolve', { body: 'signed' }]]) {
  const step = trees.step(tree, said(type, payload));
  const { status, blocked } = planSummary(tree);
  const hooks = hookEventsOf(tree, step).map(({ event, from, to }) => event + ' ' + from + '>' + to);
  const tags = [...tree.root.getSnapshot().tags].filter((tag) => tag === 'waits:signature');
  told.push({ type, verdict: step.verdict.status, status, asks: blocked?.reason ?? null, tags, hooks });
}
console.log(JSON.stringify(told));
`;

it('a state of the plan is at most five files, and lists, hooks and a person’s answer know of it', {
  timeout: 900_000,
}, () => {
  const [, change = ''] = /```diff\n([\s\S]*?)```/.exec(page) ?? [];
  const files = [...change.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, file]) => file);
  expect(files.length).toBeGreaterThan(0);
  expect(files.length).toBeLessThanOrEqual(5);
  const copy = sources();
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: copy, encoding: 'utf8' });
  execFileSync('git', ['apply', '-'], {
    cwd: copy,
    input: change,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
  });
  run(process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json');
  run(process.execPath, 'scripts/check-state-names.mjs');
  writeFileSync(join(copy, 'walk.mjs'), walk);
  expect(JSON.parse(run(process.execPath, 'walk.mjs'))).toEqual([
    {
      type: 'set_status',
      verdict: 'done',
      status: 'verifying',
      asks: 'the status was set to verifying by hand',
      tags: [],
      hooks: [],
    },
    {
      type: 'verify_approved',
      verdict: 'done',
      status: 'verifying',
      asks: 'it is verified: sign it with `stator plan answer`',
      tags: ['waits:signature'],
      hooks: ['verify_approved verifying>verifying', 'blocked verifying>verifying'],
    },
    {
      type: 'resolve',
      verdict: 'done',
      status: 'done',
      asks: null,
      tags: [],
      hooks: ['resolved verifying>done'],
    },
  ]);
  const outside = 'runtime/api/queries/waiting.ts';
  writeFileSync(join(copy, outside), `${readFileSync(join(copy, outside), 'utf8')}\nexport const wrong = 'signing';\n`);
  const checked = spawnSync(process.execPath, ['scripts/check-state-names.mjs'], { cwd: copy, encoding: 'utf8' });
  expect([checked.status, checked.stderr]).toEqual([1, expect.stringContaining(`${outside}:`)]);
});

it('a machine of one’s own is one file', () => {
  const named = [...page.matchAll(/\]\(\.\.\/(examples\/[^)]+)\)/g)].map(([, file]) => file);
  expect(named).toEqual(['examples/release/release.mjs']);
});
