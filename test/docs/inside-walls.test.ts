/** What the documents tell to write into a configuration or a plan and runs inside of walls, run there. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { begin, ground, planText, startEngine, untilPlan } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
/** The tutorial is run as a whole by a test of its own. */
const texts = pages
  .filter((page) => page.endsWith('.md') && page !== 'docs/tutorial.md')
  .map((page) => readFileSync(join(root, page), 'utf8'));

function blocksOf(language: string): string[] {
  const fences = texts.flatMap((text) => [...text.matchAll(/^(`{3,4})([a-z]+)\n([\s\S]*?)^\1$/gm)]);
  return fences.flatMap(([, , info, body = '']) => (info === language ? [body] : []));
}

const setups = blocksOf('toml').filter((block) => {
  const { worktree } = parse(block) as { worktree?: { setup?: string } }; // a block of a configuration
  return worktree?.setup !== undefined;
});
const checks = blocksOf('markdown').flatMap((block) =>
  [...block.matchAll(/^\*\*Check:\*\* (.+)$/gm)].map(([, check = '']) => check),
);

/** A repository that has what the documents speak of: a submodule `lib`, a package, files that git does not carry. */
function documented(config: string) {
  const on = ground();
  const lib = join(on.root, 'lib');
  mkdirSync(lib);
  git(lib, 'init', '-q', '-b', 'main');
  writeFileSync(join(lib, 'lib.txt'), 'lib\n');
  git(lib, 'add', '-A');
  git(lib, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-qm', 'lib');
  git(on.repo, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', lib, 'lib');
  const put = (file: string, text: string) => {
    mkdirSync(dirname(join(on.repo, file)), { recursive: true });
    writeFileSync(join(on.repo, file), text);
  };
  put('package.json', '{ "name": "shop", "version": "1.0.0", "scripts": { "test": "true" } }\n');
  put(
    'package-lock.json',
    '{ "name": "shop", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": { "": { "name": "shop", "version": "1.0.0" } } }\n',
  );
  put('.gitignore', 'node_modules\n.env\nconfig/local\n.stator\n');
  git(on.repo, 'add', '-A');
  git(on.repo, 'commit', '-qm', 'a shop');
  put('.env', 'A=1\n');
  put('config/local/a.txt', 'a\n');
  put('.stator/config.toml', config);
  return on;
}

describe.skipIf(noWallsHere !== null)(
  `inside of walls${noWallsHere === null ? '' : ` (skipped: ${noWallsHere})`}`,
  () => {
    test('there is something to run', () => {
      expect([setups.length, checks.length]).toEqual([2, 5]);
    });

    test.each(setups)('the setup of the documents works, and so do their checks: %s', async (config) => {
      const daemon = 'blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "bwrap"\n';
      const agents = { default: { preset: 'sh', attempts: 1 } } as const;
      const made = await startEngine({ on: documented(config), daemon, agents });
      const look = 'ls lib > lib-files.txt; git -C lib status --porcelain --ignored > lib-state.txt 2>&1 || true';
      const tasks = checks.map((check, at) => ({ sh: `echo ${at} > ${at}.txt`, fields: `**Check:** ${check}` }));
      await begin(made, 'documented', planText([look], tasks));
      const isOver = ({ status, phase }: { status: string; phase: string | null }) =>
        status === 'done' || phase === 'wave_waiting';
      const shown = await untilPlan(made, 'documented', isOver);
      const ends = shown.tasks_by_wave.flatMap((wave) => wave.tasks.map(({ status, why }) => [status, why]));
      expect(ends).toEqual(ends.map(() => ['done', null]));
      const files = git(made.repo, 'show', 'plan/documented:lib-files.txt');
      expect(files).toBe(config.includes('submodule') ? 'lib.txt' : '');
    });
  },
);
