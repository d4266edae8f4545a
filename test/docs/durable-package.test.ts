/**
 * The package `stator-durable` as a user gets it: packed, installed by npm into an empty project, compiled and run there. Nothing of this repository is in reach.
 * It waits for a trial of five seconds, which is killed in its midst.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile } from '../support/compile.ts';

const root = join(import.meta.dirname, '../..');
let folder = '';
let project = '';
const installed = (...names: string[]) => join(project, 'node_modules', ...names);

/** The time npm has if packages come over the network. */
const installLimitMs = 600_000;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-durable-package-'));
  project = join(folder, 'project');
  mkdirSync(project);
  const archive = execFileSync(process.execPath, ['scripts/durable/pack.js', folder], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts'];
  const peers = ['xstate', 'zod'].map((name) => `${name}@${dependencies[name]}`);
  execFileSync('npm', ['install', ...options, archive, ...peers], { cwd: project, stdio: 'pipe' });
  // SQLite was compiled at the installation of this repository: for more than a minute, from the same sources.
  const compiled = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
  mkdirSync(dirname(join(project, compiled)), { recursive: true });
  copyFileSync(join(root, compiled), join(project, compiled));
}, installLimitMs);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Words of the package stator that this one has no use for. */
const ofRepositories = /\b(?:repos?|repository|repositories|git|worktrees?|plans?|projects?|waves?|branch|agents?)\b/i;

it('depends on SQLite alone, and its types and its page speak of actors alone', () => {
  const manifest = JSON.parse(readFileSync(installed('stator-durable/package.json'), 'utf8'));
  expect(Object.keys(manifest.dependencies)).toEqual(['better-sqlite3']);
  expect(Object.keys(manifest.peerDependencies).sort()).toEqual(['pg', 'xstate', 'zod']);
  expect(manifest.peerDependenciesMeta).toEqual({ pg: { optional: true } });
  const others = ['react', 'ink', 'hono', 'ws', '@octokit/request', '@modelcontextprotocol/sdk', 'pg', 'execa'];
  expect(others.filter((name) => existsSync(installed(name)))).toEqual([]);
  expect(readdirSync(installed('stator-durable')).sort()).toEqual([
    ...['LICENSE', 'LICENSES', 'README.md', 'examples', 'index.d.ts', 'index.js', 'package.json'],
  ]);
  const read = (file: string) => readFileSync(installed('stator-durable', file), 'utf8').split('\n');
  const named = [...read('index.d.ts'), ...read('README.md')].filter((line) => ofRepositories.test(line));
  expect(named).toEqual([]);
  expect(read('README.md').length).toBeLessThan(90);
});

it('is as many packages as its page says, and loads six of them', () => {
  const lock = JSON.parse(readFileSync(installed('.package-lock.json'), 'utf8'));
  const guide = readFileSync(join(root, 'docs/embedding.md'), 'utf8');
  expect(guide).toContain(`An installation has ${Object.keys(lock.packages).length} packages`);
  const script = `
    import { createRequire } from 'node:module';
    import { createEngine, defineMachine } from 'stator-durable';
    import { createMachine } from 'xstate';
    const lamp = defineMachine({ name: 'lamp', machine: createMachine({}), version: 1 });
    const engine = await createEngine({ file: ':memory:', machines: [lamp] });
    await engine.machines.lamp.start('one');
    await engine.stop();
    console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));
  `;
  writeFileSync(join(project, 'loaded.mjs'), script);
  const loaded: string[] = JSON.parse(
    execFileSync(process.execPath, ['loaded.mjs'], { cwd: project, encoding: 'utf8' }),
  );
  // Beside the package itself and zod, which are no CommonJS.
  const ofPackages = loaded.filter((file) => file.includes('/node_modules/'));
  expect([...new Set(ofPackages.map((file) => file.match(/node_modules\/([^/]+)/)?.[1]))].sort()).toEqual([
    ...['better-sqlite3', 'bindings', 'file-uri-to-path', 'xstate'],
  ]);
});

it('has types to the end, and needs no types of others', () => {
  const text = `
    import { createEngine, defineMachine, EngineError, type DurableFact } from 'stator-durable';
    import { setup } from 'xstate';
    import { z } from 'zod';
    const machine = setup({
      types: { context: {} as { n: number }, events: {} as { type: 'go'; by: string }, output: {} as { n: number }, tags: {} as 'on' },
      actions: { tell: (_, _params: { to: string }) => {} },
    }).createMachine({ context: { n: 1 } });
    const one = defineMachine({
      name: 'one', machine, version: 1, signals: { go: z.strictObject({ by: z.string() }) },
      effects: { tell: { send: (_, { to }) => ({ to: { machine: 'one', id: to }, type: 'go', payload: { by: 'me' } }) } },
    });
    export const engine = await createEngine({ file: ':memory:', machines: [one] });
    await engine.machines.one.send('a', { type: 'go', by: 'me' });
    // @ts-expect-error: no such event
    await engine.machines.one.send('a', { type: 'goo' });
    // @ts-expect-error: no such machine
    engine.machines.two;
    const { context, output, tags } = await engine.machines.one.get('a');
    export const n: number = context.n + (output?.n ?? 0);
    export const tag: 'on' | undefined = tags[0];
    export const word = (fact: DurableFact): string => fact.event;
    for await (const { event } of engine.machines.one.facts('a')) if (event === 'go') break;
    try { await engine.stop(); } catch (thrown) {
      if (thrown instanceof EngineError && thrown.code === 'busy') console.log(thrown.retryAfterMs, thrown.hint);
      // @ts-expect-error: no such code
      if (thrown instanceof EngineError && thrown.code === 'bussy') throw thrown;
    }
  `;
  writeFileSync(join(project, 'own.ts'), text);
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: [],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['own.ts'] }));
  expect(compile(project)).toEqual([]);
});

it('shows on its page a chart that is killed and goes on', async () => {
  const [, program = ''] =
    /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(installed('stator-durable/README.md'), 'utf8')) ?? [];
  writeFileSync(join(project, 'signup.mjs'), program);
  const begin = () => spawn(process.execPath, ['signup.mjs'], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  const first = begin();
  const before = await linesTo(first, /-> trial$/);
  const trialMs = Date.now();
  first.kill('SIGKILL');
  await once(first, 'exit');
  const second = begin();
  const after = await linesTo(second, /-> expired$/);
  expect(Date.now() - trialMs).toBeGreaterThan(4_000);
  expect(await exitOf(second)).toBe(0);
  expect(before.filter((line) => line.startsWith('creating'))).toHaveLength(1);
  expect(after.filter((line) => line.startsWith('creating'))).toEqual([]);
});

it('has examples that test themselves', () => {
  // What vitest sets would have it report to vitest.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const examples = installed('stator-durable/examples');
  const files = readdirSync(examples).filter((name) => name.endsWith('.test.mjs'));
  const tests = files.map((name) => join(examples, name));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', ...tests], {
    cwd: project,
    env,
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
  expect(files).toHaveLength(3);
  expect(stdout).toMatch(/^# pass 5$/m);
});

/** Its lines up to the first that matches. */
async function linesTo({ stdout }: ChildProcess, last: RegExp): Promise<string[]> {
  if (stdout === null) throw new Error('it was started without an output');
  const lines: string[] = [];
  for await (const line of createInterface({ input: stdout })) {
    lines.push(line);
    if (last.test(line)) return lines;
  }
  throw new Error(`it ended after ${lines.join(' | ')}`);
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}
