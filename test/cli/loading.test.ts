/** What a verb loads before it answers: that is most of its time. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { until } from '../support/ground.ts';
import { filesLoadedBy } from '../support/loaded.ts';

const bundle = join(import.meta.dirname, '../../dist/bin');

/** What a file of the bundle loads before it runs. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(bundle, file), 'utf8');
  return [...text.matchAll(/\b(?:import|from)\s*["']([^"']+)["']/g)].map(([, specifier = '']) => specifier);
}

it('an older Node is named before it fails at what it lacks', async () => {
  const { engines } = JSON.parse(readFileSync(join(bundle, '../../package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const least = engines.node.replace('>=', '');
  const made = working();
  const under = (version: string) => {
    made.write('old.cjs', `Object.defineProperty(process.versions, 'node', { value: '${version}' });`);
    return made.stator(['--version'], { env: { NODE_OPTIONS: `--require=${join(made.repo, 'old.cjs')}` } });
  };
  for (const older of ['18.20.8', '20.18.3'])
    expect(await under(older)).toEqual({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringContaining(`stator needs Node ${least} or newer, and ${process.execPath} is Node ${older}`),
    });
  for (const enough of [`${least}.0`, '22.0.0']) expect(await under(enough)).toMatchObject({ code: 0, stderr: '' });
});

it('run shows its first line before it loads an engine or a package', () => {
  const run = readdirSync(bundle).find((name) => /^run-.*\.js$/.test(name) && importsOf(name).length > 1);
  const files = new Set([run ?? expect.fail(`${bundle} has no chunk of run`)]);
  for (const file of files) {
    for (const imported of importsOf(file)) {
      expect(imported, file).toMatch(/^(node:|\.\/(client|lines|spawning|run)-)/);
      if (imported.startsWith('./')) files.add(basename(imported));
    }
  }
  expect(files.size).toBeGreaterThan(1);
});

it('a verb beside an engine loads a handful of files, and none of an engine', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  made.write('q.md', planOf(['true']));
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  const daemon = made.start(['daemon', 'start', '--foreground']);
  await until(() => daemon.stderr().includes('owns'));
  for (const verb of [['plan', 'list'], ['status'], ['queue', 'list'], ['signal', 'emit', 'pause', 'p']]) {
    const files = await filesLoadedBy(made, ...verb, '--json');
    expect(files.length, `${verb.join(' ')}\n${files.join('\n')}`).toBeLessThan(6);
    expect(files.filter((file) => file.includes('/node_modules/'))).toEqual([]);
    // The bundle has the schema library inside: reading it would be a third of a short verb.
    const texts = files.filter((file) => file.startsWith('file:')).map((file) => readFileSync(new URL(file), 'utf8'));
    expect(texts.filter((text) => text.includes('ZodString'))).toEqual([]);
  }
  const registered = await filesLoadedBy(made, 'plan', 'register', 'q.md', '--json');
  expect(registered.filter((file) => /\/node_modules\/|\/(alone|engine)-/.test(file))).toEqual([]);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
});

it('a check of a plan loads no store and no parser of documents of others, and a mistake loads no store', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  const checked = await filesLoadedBy(made, 'plan', 'check', 'p.md');
  expect(checked.filter((file) => /\/(alone|engine)-|markdown-it|js-yaml|jsonc|sqlite/.test(file))).toEqual([]);
  const mistaken = await filesLoadedBy(made, 'plan', 'check', '--wach', 'p.md');
  expect(mistaken.filter((file) => /\/(alone|engine)-/.test(file))).toEqual([]);
});

it.each(['relay.js', 'egress.js', 'loopback.js', 'spawner-process.js'])(
  '%s, which runs in many processes beside an engine, loads no engine',
  (entry) => {
    const files = new Set([entry]);
    for (const file of files)
      for (const imported of importsOf(file)) if (imported.startsWith('./')) files.add(basename(imported));
    const sizes = [...files].map((file) => statSync(join(bundle, file)).size);
    expect(
      sizes.reduce((sum, size) => sum + size, 0),
      [...files].join(' '),
    ).toBeLessThan(32 * 1024);
  },
);
