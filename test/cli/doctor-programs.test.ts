/** What `stator doctor` says of the programs that a repo's agents are. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { script } from '../support/engine.ts';
import { fakeEnv } from '../support/program.ts';
import { expectProse } from '../support/prose.ts';

const config = [
  '[agents.default]',
  'preset = "codex"',
  '[agents.reviewer]',
  'preset = "claude"',
  '[agents.fixer]',
  'preset = "claude"',
  '[agents.planner]',
  'enabled = false',
  '',
].join('\n');

interface Found {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly hint: string;
}

/** A PATH without any agent's program, whatever this machine has. */
function bareEnv(here: Terminal): NodeJS.ProcessEnv {
  const bin = join(here.root, 'bare');
  mkdirSync(bin, { recursive: true });
  for (const program of ['git', 'sh'])
    symlinkSync(execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim(), join(bin, program));
  return { ...here.env, PATH: bin };
}

async function checksOf(here: Terminal, ...names: string[]): Promise<Found[]> {
  const { stdout } = await here.stator(['doctor', '--json']);
  const { checks } = JSON.parse(stdout) as { checks: Found[] };
  return checks.filter(({ name }) => names.includes(name));
}

const textOf = (found: readonly Found[]) => found.map(({ detail, hint }) => `${detail}\nhint: ${hint}`).join('\n');

async function agentsOf(here: Terminal, env: NodeJS.ProcessEnv): Promise<{ code: number | null; found: Found[] }> {
  const { code, stdout } = await here.stator(['doctor', '--json'], { env });
  const { checks } = JSON.parse(stdout) as { checks: Found[] };
  return { code, found: checks.filter(({ name }) => name.startsWith('agent ')) };
}

it('names each program once, with its version and who plays with it', async () => {
  const here = terminal();
  here.write('.stator/config.toml', config);
  const env = fakeEnv({ ...here.env, IS_SANDBOX: '1' }, { root: here.root, says: 'ok' });
  const { code, found } = await agentsOf(here, env);
  expect(code).toBe(0);
  expect(found.map(({ name, ok }) => [name, ok])).toEqual([
    ['agent codex', true],
    ['agent claude', true],
  ]);
  const details = found.map(({ detail }) => detail).join('\n');
  expectProse(details, '0.171.0', 'coder, session', '2.1.332', 'reviewer, fixer');
  // A start without walls would be refused.
  if (process.getuid?.() !== 0) return;
  const asRoot = await agentsOf(here, { ...env, IS_SANDBOX: undefined, STATOR_SANDBOX: 'off' });
  expect([asRoot.code, asRoot.found.map(({ ok }) => ok)]).toEqual([1, [true, false]]);
  expect(asRoot.found[1]?.hint).toContain('put IS_SANDBOX=1 into the env_file of [agents.reviewer]');
});

it('says which versions were tried where another is installed, and which flag one does not know any more', async () => {
  const here = terminal();
  here.write('.stator/config.toml', config);
  const env = fakeEnv({ ...here.env, IS_SANDBOX: '1' }, { root: here.root, says: 'ok', dropped: '--json' });
  const newer = join(here.root, 'newer');
  mkdirSync(newer);
  writeFileSync(join(newer, 'claude'), '#!/bin/sh\n[ "$1" = --version ] && echo 9.0.1\n', { mode: 0o755 });
  const { code, found } = await agentsOf(here, { ...env, PATH: `${newer}:${env.PATH}` });
  expect([code, found.map(({ ok }) => ok)]).toEqual([1, [false, true]]);
  expectProse(textOf(found).replaceAll(here.root, '<root>'), '--json', 'npm install -g', '9.0.1', '2.1.332');
});

it('asks an agent of the Agent Client Protocol by the protocol who it is', async () => {
  const here = terminal();
  here.write('.stator/config.toml', '[agents.default]\npreset = "copilot"\n[agents.fixer]\npreset = "qwen"\n');
  const bin = join(here.root, 'bin');
  mkdirSync(bin);
  const fake = join(import.meta.dirname, '../support/fixtures/agents/acp.mjs');
  const speaks = (name: string, act: string) =>
    script(
      join(bin, name),
      `[ "$1" = --version ] && echo 9.9.9 && exit; exec '${process.execPath}' '${fake}' "$HOME" ${act}`,
    );
  speaks('copilot', 'edit');
  speaks('qwen', 'version2');
  const { found } = await agentsOf(here, { ...here.env, PATH: `${bin}:${here.env.PATH}` });
  expect(found.map(({ name, ok }) => [name, ok])).toEqual([
    ['agent copilot', true],
    ['agent qwen', false],
  ]);
  expectProse(textOf(found), '1.2.3; tried were 1.0.102', 'it speaks version 2 of the Agent Client Protocol');
  script(join(bin, 'qwen'), '[ "$1" = --version ] && echo 9.9.9');
  const silent = await agentsOf(here, { ...here.env, PATH: `${bin}:${here.env.PATH}` });
  expect(silent.found[1]?.detail).toContain('does not answer as an agent of the Agent Client Protocol');
});

it('says how to install one that is missing, and ends with 1', async () => {
  const here = terminal();
  here.write('.stator/config.toml', config);
  const { code, found } = await agentsOf(here, bareEnv(here));
  expect(code).toBe(1);
  expect(found.map(({ ok }) => ok)).toEqual([false, false]);
  const told = found.map(({ detail, hint }) => `${detail}\nhint: ${hint}`).join('\n');
  expectProse(told, 'codex', 'npm install -g @openai/codex', 'coder, session', 'claude', 'reviewer, fixer');
});

it('says so where a program does not start', async () => {
  const here = terminal();
  here.write('.stator/config.toml', '[agents.default]\npreset = "gemini"\n');
  writeFileSync(join(here.root, 'gemini'), '#!/bin/sh\necho "needs a newer node" >&2\nexit 3\n', { mode: 0o755 });
  const { code, found } = await agentsOf(here, { ...here.env, PATH: `${here.root}:${here.env.PATH}` });
  expect(code).toBe(1);
  expectProse(`${found[0]?.detail}\nhint: ${found[0]?.hint}`, 'gemini', 'needs a newer node');
});

it('runs nothing that the configuration of a repo names', async () => {
  const here = terminal();
  const trace = join(here.root, 'ran');
  here.write('agent.sh', `#!/bin/sh\ntouch '${trace}'\n`);
  chmodSync(join(here.repo, 'agent.sh'), 0o755);
  here.write('.stator/config.toml', '[agents.default]\npreset = "claude"\nprogram = "./agent.sh"\n');
  const { code, found } = await agentsOf(here, { ...here.env, IS_SANDBOX: '1' });
  expect(code).toBe(0);
  expect(found[0]?.detail).toContain(join(here.repo, 'agent.sh'));
  expect(existsSync(trace)).toBe(false);
});

it('looks for the program of the desktop only where notifications are wanted there', async () => {
  const here = terminal();
  // This machine may have a desktop.
  const bin = bareEnv(here).PATH ?? '';
  const desktop = async () => {
    const { stdout } = await here.stator(['doctor', '--json'], { env: { PATH: bin } });
    return (JSON.parse(stdout) as { checks: Found[] }).checks.find(({ name }) => name === 'desktop');
  };
  expect(await desktop()).toBeUndefined();
  mkdirSync(here.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(here.home, 'daemon.toml'), '[notifications]\ndesktop = "attention"\n');
  const name = process.platform === 'darwin' ? 'osascript' : 'notify-send';
  expect(await desktop()).toMatchObject({ ok: false, detail: expect.stringContaining(name) });
  writeFileSync(join(bin, name), '#!/bin/sh\n', { mode: 0o755 });
  expect(await desktop()).toMatchObject({ ok: true, detail: join(bin, name) });
});

it('says that a program of your own is not there, or not named, and whom it is for', async () => {
  const here = terminal();
  const command = (program: string) =>
    `[agents.default]\npreset = "command"\n${program}[agents.planner]\nenabled = false\n`;
  for (const program of ['', 'program = "./agents/mine"\n', 'program = "no-such-agent --fast {}"\n']) {
    here.write('.stator/config.toml', command(program));
    const found = await checksOf(here, 'agent command');
    expect(
      found.map(({ ok }) => ok),
      program,
    ).toEqual([false]);
    expectProse(textOf(found), 'program', '[agents.default]');
  }
  here.write('agents/mine', '#!/bin/sh\n');
  chmodSync(join(here.repo, 'agents/mine'), 0o755);
  for (const program of [
    './agents/mine',
    './agents/mine --fast',
    'exec ./agents/mine',
    'A=1 ./agents/mine',
    'sh -c true',
  ]) {
    here.write('.stator/config.toml', command(`program = "${program}"\n`));
    expect(await checksOf(here, 'agent command'), program).toMatchObject([{ ok: true }]);
  }
});

it('says that the base branch is not there, with those that are', async () => {
  const here = terminal();
  expect(await checksOf(here, 'base branch')).toMatchObject([{ ok: true, detail: 'main' }]);
  here.write('.stator/config.toml', 'base_branch = "mian"\n');
  const found = await checksOf(here, 'base branch');
  expect(found).toMatchObject([{ ok: false }]);
  expectProse(textOf(found).replaceAll(here.root, '<root>'), 'mian', 'main');
});

it('says that an env file of an agent or a hook is not there', async () => {
  const here = terminal();
  const hook = '[[hooks]]\ntype = "command"\ncommand = "true"\nenv_file = "hooks.env"\n';
  here.write('.stator/config.toml', `[agents.default]\npreset = "sh"\nenv_file = "agents.env"\n${hook}`);
  const found = await checksOf(here, 'env file');
  expect(found.map(({ ok }) => ok)).toEqual([false, false]);
  expectProse(textOf(found).replaceAll(here.root, '<root>'), 'agents.env', 'hooks.env');
  for (const file of ['agents.env', 'hooks.env']) here.write(file, 'KEY=value\n');
  for (const file of ['agents.env', 'hooks.env']) chmodSync(join(here.repo, file), 0o600);
  expect((await checksOf(here, 'env file')).map(({ ok, detail }) => [ok, detail])).toEqual([
    [true, 'agents.env'],
    [true, 'hooks.env'],
  ]);
});

it("finds an agent's program on the PATH of its env file", async () => {
  const here = terminal();
  const bin = join(here.root, 'own');
  mkdirSync(bin);
  writeFileSync(join(bin, 'my-agent'), '#!/bin/sh\n', { mode: 0o755 });
  // Of a person's own: a file of the repository may not set PATH.
  const envFile = join(here.root, 'agents.env');
  writeFileSync(envFile, `PATH=${bin}\n`, { mode: 0o600 });
  here.write(
    '.stator/config.toml',
    `[agents.default]\npreset = "command"\nprogram = "my-agent"\nenv_file = "${envFile}"\n`,
  );
  expect(await checksOf(here, 'agent command')).toMatchObject([{ ok: true, detail: expect.stringContaining(bin) }]);
});

it('says that the native module of SQLite is not built or missing, also if no store exists yet, and so does an engine of a program', async () => {
  const here = terminal();
  const unbuilt = join(here.root, 'unbuilt.cjs');
  writeFileSync(
    unbuilt,
    `require('node:module')._extensions['.node'] = (_module, file) => {
  throw new Error(\`Could not locate the bindings file. Tried: \${file}\`);
};\n`,
  );
  const { code, stdout } = await here.stator(['doctor', '--json'], { env: { NODE_OPTIONS: `--require=${unbuilt}` } });
  const { checks } = JSON.parse(stdout) as { checks: Found[] };
  const store = checks.filter(({ name }) => name === 'store');
  expect([code, store.map(({ ok }) => ok)]).toEqual([1, [false]]);
  expect(textOf(store)).toContain('npm run install');
  expect(textOf(store)).not.toContain('Tried');

  const missing = join(here.root, 'missing.cjs');
  writeFileSync(
    missing,
    `const Module = require('node:module'); const { _resolveFilename: resolve } = Module;
Module._resolveFilename = (id, ...rest) => resolve(id === 'better-sqlite3' ? 'better-sqlite3/missing' : id, ...rest);\n`,
  );
  const status = await here.stator(['status'], { env: { NODE_OPTIONS: `--require=${missing}` } });
  expect([status.code, status.stderr]).toEqual([78, expect.stringContaining('hint: install the package again')]);
  for (const [entry, options] of [
    ['engine', { home: here.home }],
    ['durable', { file: ':memory:', machines: [] }],
  ] as const) {
    const own = `import { createEngine } from '${join(import.meta.dirname, '../../dist/bin', entry)}.js';
await createEngine(${JSON.stringify(options)}).catch(({ code, hint }) => console.log(code, hint));`;
    const said = (broken: string) =>
      String(execFileSync(process.execPath, ['--require', broken, '--input-type=module', '-e', own]));
    expect(said(unbuilt)).toMatch(/^store_unreadable build it: cd .* && npm run install\n$/);
    expect(said(missing)).toContain('store_unreadable install the package again');
  }
});

it('prints a fault that several checks meet once, and names the check that has it', async () => {
  const here = terminal();
  mkdirSync(here.home, { recursive: true });
  writeFileSync(join(here.home, 'daemon.toml'), 'max_agnts = 2\n');
  const fault = 'line 1: unknown key max_agnts; did you mean max_agents?';
  const [table = '', hints = ''] = (await here.stator(['doctor'])).stdout.split('\n\n');
  expect(table.split(fault)).toHaveLength(2);
  expect(table).toMatch(/^✗ {2}store +not known: see daemon\.toml$/m);
  expect(hints).toMatch(/^daemon\.toml, .*store/);
  const stored = await checksOf(here, 'store');
  expect(stored[0]?.detail).toContain(fault);
});

it('says that a disk with room has none for more files', async (context) => {
  const here = terminal();
  mkdirSync(here.home, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=50', 'tmpfs', here.home], { stdio: 'ignore' });
  } catch {
    return context.skip('no mount is allowed here');
  }
  const found = await checksOf(here, 'disk').finally(() => execFileSync('umount', [here.home]));
  expect(textOf(found)).toMatch(/GiB and \d+ files free.*\nhint: make room: .*df -i /);
});

it('names a git that is too old, with which nothing is registered and no agent works', async () => {
  const here = working();
  here.write('p.md', planOf(['echo 1 >> worked']));
  const old = join(here.root, 'old');
  mkdirSync(old);
  writeFileSync(
    join(old, 'git'),
    '#!/bin/sh\n[ "$1" = --version ] && echo git version 2.34.1 && exit\nexec /usr/bin/git "$@"\n',
  );
  chmodSync(join(old, 'git'), 0o755);
  const env = { PATH: `${old}:${process.env.PATH}` };
  const { code, stderr } = await here.stator(['run', 'p.md', '--trust', '--yes'], { env });
  expect(code).toBe(1);
  expectProse(stderr, 'git 2.34.1 is too old', '2.38');
  expect((await here.stator(['repo', 'list', '--json'])).stdout).toBe('[]\n');
  const { stdout } = await here.stator(['doctor', '--json'], { env });
  const { checks } = JSON.parse(stdout) as { checks: Found[] };
  expect(checks.find(({ name }) => name === 'git')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('2.34.1'),
  });
});
