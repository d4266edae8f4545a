/** The package as a user gets it: packed, installed by npm into an empty project with what it depends on, and used from there. Nothing of this repository is in reach. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
let folder = '';
let project = '';
let unpackedBytes = 0;
let files: readonly string[] = [];

/** What npm may take where packages have to come over the network. */
const installLimitMs = 600_000;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-installed-'));
  project = join(folder, 'project');
  mkdirSync(project);
  // The scripts of the package would build anew, while other tests use what is built.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [packed] = JSON.parse(execFileSync('npm', pack, { cwd: root, encoding: 'utf8' })) as [
    { filename: string; unpackedSize: number; files: { path: string }[] },
  ];
  const lock = execFileSync(process.execPath, ['scripts/shrinkwrap.js'], { cwd: root });
  unpackedBytes = packed.unpackedSize + lock.length;
  files = packed.files.map(({ path }) => path);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts'];
  execFileSync('npm', ['install', ...options, join(folder, packed.filename)], { cwd: project, stdio: 'pipe' });
  // SQLite was compiled at the installation of this repository: for more than a minute, from the same sources.
  const compiled = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
  mkdirSync(dirname(join(project, compiled)), { recursive: true });
  copyFileSync(join(root, compiled), join(project, compiled));
}, installLimitMs);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stator = () => join(project, 'node_modules/.bin/stator');

function inProject(program: string, args: readonly string[]): string {
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: folder, STATOR_HOME: join(folder, 'home') };
  return execFileSync(program, args, { cwd: project, encoding: 'utf8', env });
}

it('is small, without pictures and sources of maps, and has each page that a hint names', () => {
  expect(unpackedBytes).toBeLessThan(4_500_000);
  expect(files.length).toBeLessThan(700);
  const large = files.filter((path) => /\.(?:png|map|ts)$/.test(path) && !path.endsWith('.d.ts'));
  expect(large).toEqual(['page/icon-large.png']);
  const program = files.filter((path) => path.startsWith('dist/bin/'));
  const named = program.flatMap((path) => readFileSync(join(root, path), 'utf8').match(/docs\/[a-z-]+\.md/g) ?? []);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((path) => !files.includes(path))).toEqual([]);
});

it('shows its demo by npx', () => {
  expect(inProject('npx', ['--no-install', 'stator', 'demo'])).toContain('approved');
});

it('the command answers, and the store is found to work', () => {
  expect(inProject(stator(), ['--version']).trim()).toBe(version);
  expect(inProject(stator(), ['status', '--json'])).toContain('"engine":false');
});

it('the three entries are imported, and a machine of its own is carried to its end and read by the client', () => {
  const program = `
    import { createEngine, defineMachine } from 'stator';
    import { connect } from 'stator/client';
    import { parsePlan, planMachine } from 'stator/machines';
    import { setup } from 'xstate';
    import { z } from 'zod';

    const machine = setup({ types: { events: {} } }).createMachine({
      id: 'gate',
      initial: 'closed',
      states: { closed: { on: { open: 'opened' } }, opened: { type: 'final' } },
    });
    const gate = defineMachine({ name: 'gate', machine, version: 1, signals: { open: z.strictObject({}) } });
    const engine = await createEngine({ machines: [gate] });
    await engine.machines.gate.start('1');
    await engine.machines.gate.send('1', { type: 'open' });
    const { status } = await engine.machines.gate.get('1');
    const client = await connect({ env: process.env, mode: 'read' });
    const trees = await client.machineTrees({ name: 'gate' });
    const { code, hint } = await client.machine({ name: 'gate', format: 'svg' }).catch((thrown) => thrown);
    await client.close();
    await engine.stop();
    console.log(status, trees.length, planMachine.id, parsePlan('# A').ok, code, hint.includes('npm install elkjs'));
  `;
  writeFileSync(join(project, 'own.mjs'), program);
  expect(inProject(process.execPath, ['own.mjs']).trim()).toBe('done 1 plan false unavailable true');
});
