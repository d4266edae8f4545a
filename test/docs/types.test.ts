/** The package as another program sees it: packed, installed, compiled by that program's TypeScript and run. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../support/compile.ts';
import { type Ground, git, makeGround } from '../support/ground.ts';

const root = join(import.meta.dirname, '../..');
const modules = join(root, 'node_modules');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-types-'));
  // The scripts of the package would build anew, while other tests use what is built.
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: root });
  const [archive = ''] = readdirSync(folder);
  const installed = join(folder, 'node_modules/stator');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['xzf', join(folder, archive), '-C', installed, '--strip-components', '1']);
  for (const name of Object.keys(dependencies)) link(name);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What an installation would have put there, with no registry to ask. */
function link(name: string): void {
  const place = join(folder, 'node_modules', name);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(join(modules, name), place);
}

/** What the compiler says, line by line; empty where all is well. */
function compiled(files: readonly string[], options: object): string[] {
  const config = {
    compilerOptions: {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      // Else types that this repository has for itself would be found beside what the links lead to.
      preserveSymlinks: true,
      ...options,
    },
    files,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  return compile(folder);
}

/** The examples of a page, as modules of that program. */
function examples(page: string): { file: string; text: string }[] {
  const blocks = readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([, text = ''], at) => {
    const file = `${page.replace(/\W/g, '-')}-${at}.ts`;
    writeFileSync(join(folder, file), text);
    return { file, text };
  });
}

describe('the types of the package', () => {
  it('compile strictly, with all of their own checked, where no types of Node or SQLite are installed', () => {
    const text = [
      "import { createEngine, EngineError, type Engine, type EngineOptions, type FactEntry } from 'stator';",
      "import { connect, type Client, EngineError as ClientError } from 'stator/client';",
      "import { parsePlan, planMachine, signals } from 'stator/machines';",
      "const options: EngineOptions = { env: { HOME: '/' }, agents: { coder: { preset: 'sh' } } };",
      'export const open = async (): Promise<[Engine, Client]> => [',
      '  await createEngine(options),',
      "  await connect({ env: {}, mode: 'read' }),",
      '];',
      'export const mounted = (engine: Engine, request: Request) => engine.fetch(request);',
      'export const words = (fact: FactEntry): string => fact.event;',
      'export const all = [EngineError, ClientError, parsePlan, planMachine, signals];',
      '// @ts-expect-error: the types are there, and not any',
      "export const wrong: EngineOptions = { agents: { coder: { preset: 'nobody' } } };",
    ];
    writeFileSync(join(folder, 'own.ts'), text.join('\n'));
    expect(compiled(['own.ts'], { types: [] })).toEqual([]);
  });

  it('compile beside the types of Node, and so do the examples of the documents', () => {
    for (const name of ['@types/node', 'undici-types']) link(name);
    const files = ['README.md', 'docs/embedding.md', 'docs/own-machines.md'].flatMap(examples).map(({ file }) => file);
    expect(files.length).toBeGreaterThan(3);
    writeFileSync(
      join(folder, 'node.ts'),
      "import { createEngine } from 'stator';\nimport { connect } from 'stator/client';\nawait createEngine({ env: process.env });\nawait connect({ env: process.env, mode: 'write' });\n",
    );
    expect(compiled([...files, 'node.ts'], { lib: ['es2023'], types: ['node'] })).toEqual([]);
  });
});

it.runIf(process.platform === 'linux')(
  'two copies of the package in one process are one owner of a file at a time',
  () => {
    // It comes with a SQLite of its own, to which the locks of its process look free.
    cpSync(join(modules, 'better-sqlite3'), join(folder, 'node_modules/stator/node_modules/better-sqlite3'), {
      recursive: true,
      filter: (path) => !/better-sqlite3\/(?:deps|src)$/.test(path),
    });
    link('bindings');
    const script = `
    import { createEngine } from 'stator/durable';
    import { createEngine as other } from '${join(root, 'dist/bin/durable.js')}';
    const options = { file: 'two-copies.db', machines: [] };
    const engine = await createEngine(options);
    const { code, message } = await other(options).catch((thrown) => thrown);
    setImmediate(() => engine.stop());
    await (await other({ ...options, waitMs: 60_000 })).stop();
    console.log(code, message);
  `;
    writeFileSync(join(folder, 'copies.mjs'), script);
    const said = execFileSync(process.execPath, ['copies.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(said).toMatch(/^owner_taken an engine of this very process works with/);
  },
);

it('a store in PostgreSQL without its driver says what to install', () => {
  const script = `
    import { createEngine } from 'stator/durable';
    const store = 'postgresql://127.0.0.1:1/none';
    console.log((await createEngine({ store, machines: [] }).catch((thrown) => thrown)).hint);
  `;
  writeFileSync(join(folder, 'no-driver.mjs'), script);
  const said = execFileSync(process.execPath, ['no-driver.mjs'], { cwd: folder, encoding: 'utf8' });
  expect(said).toContain('npm install pg@8');
});

describe('the examples of docs/embedding.md', () => {
  function run(ground: Ground, text: string): string[] {
    const own = text
      .replaceAll('/path/to/home', ground.home)
      .replaceAll('/path/to/my-repo', ground.repo)
      .replaceAll('my-repo', 'demo');
    writeFileSync(join(folder, 'example.mjs'), own);
    return execFileSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8', env: ground.env }).split(
      '\n',
    );
  }

  it('show a plan, are refused what is over, and read a document', () => {
    const ground = makeGround();
    try {
      mkdirSync(join(ground.repo, 'docs'));
      const plan = '# Greeting\n\n## Wave 1\n\n### Task 1: The texts\n\n```sh\necho hello >texts\n```\n';
      writeFileSync(join(ground.repo, 'docs/greeting.md'), plan);
      const [, , reading = '', changing = '', machines = ''] = examples('docs/embedding.md').map(({ text }) => text);
      const script = join(folder, 'node_modules/stator/examples/embed.mjs');
      const args = [script, ground.home, ground.repo, join(ground.repo, 'docs/greeting.md')];
      execFileSync(process.execPath, args, { env: ground.env });
      expect(git(ground.repo, 'show', 'plan/greeting:texts')).toBe('hello');
      expect(run(ground, reading)).toEqual(['demo greeting done ', '']);
      expect(run(ground, changing)[0]).toMatch(/^done \[/);
      expect(run(ground, machines)).toEqual(
        expect.arrayContaining([
          'The texts',
          expect.stringMatching(/^6 .*Chekc.*Check/),
          expect.stringMatching(/^plan /),
        ]),
      );
    } finally {
      ground.remove();
    }
  });
});
