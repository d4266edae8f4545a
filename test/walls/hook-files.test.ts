/** A command hook runs the files that a person trusted, inside walls, whatever is pulled or edited afterwards. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { ground, startEngine, type TestEngine } from '../support/engine.ts';
import { write } from '../support/git.ts';
import { type Ground, git } from '../support/ground.ts';
import { putHooks } from '../support/hooks.ts';
import { noWallsHere } from '../support/walls.ts';

function hook(command: string, more = ''): string {
  return `[[hooks]]\ntype = "command"\nname = "deploy"\nevents = ["cancel"]\ncommand = ${JSON.stringify(command)}\n${more}`;
}

function program(on: Ground, file: string, text: string): void {
  mkdirSync(join(on.repo, file, '..'), { recursive: true });
  write(on.repo, file, text);
  chmodSync(join(on.repo, file), 0o755);
}

/** A repo whose files are committed before anybody trusts it. */
async function trusted(toml: string, files: Readonly<Record<string, string>>, isWalled = false): Promise<TestEngine> {
  const on = ground();
  putHooks(on.repo, toml);
  for (const [file, text] of Object.entries(files)) program(on, file, text);
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'hooks');
  return startEngine({ on, ...(isWalled ? { env: { ...on.env, STATOR_SANDBOX: '' } } : {}) });
}

/** Commits the changes that another person's push would bring. */
function pull(on: TestEngine, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) write(on.repo, file, text);
  git(on.repo, 'commit', '-qam', 'pulled');
}

describe('a command hook', () => {
  it.each([
    [
      'a script in a folder that it changes into',
      'cd scripts && ./deploy.sh',
      'scripts/deploy.sh',
      '#!/bin/sh\necho X\n',
    ],
    ['a target of a makefile', 'make -s notify', 'Makefile', 'notify:\n\t@echo X\n'],
    ['a script of package.json', 'npm run -s notify', 'package.json', '{"scripts":{"notify":"echo X"}}\n'],
    ['a file that it sources', 'D=lib; . ./$D/say.sh', 'lib/say.sh', 'echo X\n'],
  ])('runs what was trusted of %s, and another version once somebody says yes', async (_what, command, file, text) => {
    const on = await trusted(hook(command), { [file]: text.replace('X', 'trusted') });
    expect((await on.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('trusted\n');
    pull(on, { [file]: text.replace('X', 'pulled') });
    expect((await on.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('trusted\n');
    await on.client.trustRepo({ project: 'demo' });
    expect((await on.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('pulled\n');
  });

  it('runs a file that it names as it was shown, committed or not', async () => {
    const on = ground();
    putHooks(on.repo, hook('./say.sh'));
    program(on, 'say.sh', '#!/bin/sh\necho mine\n');
    const engine = await startEngine({ on });
    expect((await engine.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('mine\n');
  });

  it('runs what was trusted where the configuration is read anew and starts nothing else', async () => {
    const on = await trusted(hook('D=lib; . ./$D/say.sh'), { 'lib/say.sh': 'echo trusted\n' });
    const config = join('.stator', 'config.toml');
    pull(on, { 'lib/say.sh': 'echo pulled\n', [config]: `# a word\n${readFileSync(join(on.repo, config), 'utf8')}` });
    await on.client.reload();
    expect((await on.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('trusted\n');
  });

  it('does not run a file that it names, and that was changed since it was shown', async () => {
    const on = ground();
    putHooks(on.repo, hook('./say.sh'));
    program(on, 'say.sh', '#!/bin/sh\necho mine\n');
    const engine = await startEngine({ on });
    program(on, 'say.sh', '#!/bin/sh\necho other\n');
    await expect(engine.client.testHook({ project: 'demo', hook: 'deploy' })).rejects.toMatchObject({
      code: 'untrusted',
    });
  });

  it('finds its files closed to writing, in a folder that gc takes when another state is trusted', async () => {
    const on = await trusted(hook('cat say'), { say: 'one\n' });
    await on.client.testHook({ project: 'demo', hook: 'deploy' });
    const root = join(on.home, 'hook-files');
    const [first = ''] = readdirSync(root);
    expect(statSync(join(root, first, 'say')).mode & 0o222).toBe(0);
    pull(on, { say: 'two\n' });
    await on.client.trustRepo({ project: 'demo' });
    await on.client.testHook({ project: 'demo', hook: 'deploy' });
    const [second = '', ...others] = readdirSync(root).filter((name) => name !== first);
    expect(others).toEqual([]);
    // Another delivery makes the same folder at this moment.
    mkdirSync(join(root, `${second}.half`));
    const { items } = await on.client.gc({ dry: false, overrides: [] });
    expect(items.filter(({ kind }) => kind === 'hook_files').map(({ name, state }) => [name, state])).toEqual([
      [first, 'gone'],
    ]);
    expect(readdirSync(root).sort()).toEqual([second, `${second}.half`]);
  });

  it('that was trusted by a version that knew no commit waits for a yes', async () => {
    const on = await trusted(hook('true'), {});
    await on.engine.stop();
    const db = new Database(join(on.home, 'taskstore.db'));
    db.exec("UPDATE repos SET config = json_remove(config, '$.commit')");
    db.close();
    const next = await startEngine({ on, adds: false });
    await expect(next.client.testHook({ project: 'demo', hook: 'deploy' })).rejects.toMatchObject({
      code: 'untrusted',
    });
    await next.client.trustRepo({ project: 'demo' });
    expect((await next.client.testHook({ project: 'demo', hook: 'deploy' })).delivered).toBe(true);
  });

  it('that runs without walls is shown so when it is trusted', async () => {
    const on = ground();
    putHooks(on.repo, hook('true', 'sandbox = "off"\nwritable = ["~/log"]\n'));
    const engine = await startEngine({ on });
    expect((await engine.client.trustOf({ project: 'demo' })).enables).toEqual([
      'hook deploy on cancel: true, without walls, may write ~/log',
    ]);
  });
});

describe.skipIf(noWallsHere !== null)('inside of walls a command hook', () => {
  it('reads its files and writes its temp, and sees neither the checkout nor stator’s home nor the home of its user', async () => {
    const look =
      'cat say; touch x 2>/dev/null || echo closed; touch $TMPDIR/x && echo temp; ls "$STATOR_HOOK_REPO" "$STATOR_HOME/stator.db" "$HOME" 2>/dev/null; cat';
    const on = await trusted(hook(look), { say: 'hello\n' }, true);
    const { output } = await on.client.testHook({ project: 'demo', hook: 'deploy' });
    expect(output?.split('\n').slice(0, 3)).toEqual(['hello', 'closed', 'temp']);
    expect(output).not.toContain('README.md');
    expect(output).not.toContain('state.db');
    expect(output).toContain('"event":"cancel"');
  });

  it('changes what it names as writable, and with sandbox = "off" what its user may', async () => {
    const on = ground();
    const log = join(on.root, 'log');
    const plain = join(on.root, 'plain');
    mkdirSync(log);
    const off = hook(`echo told > ${plain}`, 'sandbox = "off"\n').replace('"deploy"', '"off"');
    putHooks(on.repo, `${hook(`echo told > ${log}/x; echo told > ${on.root}/y`, `writable = ["${log}"]\n`)}${off}`);
    const engine = await startEngine({ on, env: { ...on.env, STATOR_SANDBOX: '' } });
    await engine.client.testHook({ project: 'demo', hook: 'deploy' });
    expect([readFileSync(join(log, 'x'), 'utf8'), existsSync(join(on.root, 'y'))]).toEqual(['told\n', false]);
    expect((await engine.client.testHook({ project: 'demo', hook: 'off' })).delivered).toBe(true);
    expect(readFileSync(plain, 'utf8')).toBe('told\n');
  });
});

describe('an env file in the repository', () => {
  it.each(['HOME=/tmp/x', 'PATH=.', 'NODE_OPTIONS=--require=./x', 'GIT_SSH_COMMAND=x', 'BASH_ENV=x', 'npm_config_x=1'])(
    'may not set %s',
    async (line) => {
      const on = ground();
      putHooks(on.repo, hook('true', 'env_file = ".env"\n'));
      write(on.repo, '.env', `${line}\n`);
      await expect(startEngine({ on })).rejects.toMatchObject({
        code: 'bad_config',
        message: expect.stringContaining(line.split('=')[0] ?? ''),
      });
    },
  );

  it('counts whole: a changed line is asked about before the hook has it', async () => {
    const on = ground();
    putHooks(on.repo, hook('echo $KEY', 'env_file = ".env"\n'));
    write(on.repo, '.env', 'KEY=one\n');
    const engine = await startEngine({ on });
    expect((await engine.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('one\n');
    write(on.repo, '.env', 'KEY=two\n');
    await expect(engine.client.testHook({ project: 'demo', hook: 'deploy' })).rejects.toMatchObject({
      code: 'untrusted',
    });
    await engine.client.trustRepo({ project: 'demo' });
    expect((await engine.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('two\n');
  });

  it('is none of the repository where it lies outside of it, and may set what its owner wants', async () => {
    const on = ground();
    write(on.root, 'own.env', 'NODE_OPTIONS=--no-deprecation\n');
    putHooks(on.repo, hook('echo $NODE_OPTIONS', `env_file = "${on.root}/own.env"\n`));
    const engine = await startEngine({ on });
    expect((await engine.client.testHook({ project: 'demo', hook: 'deploy' })).output).toBe('--no-deprecation\n');
  });
});
