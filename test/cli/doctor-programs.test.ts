/** What `stator doctor` says of the programs that a repo's agents are. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
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
  expectProse(details, '0.169.0', 'coder, session', '2.1.329', 'reviewer, fixer');
});

it('says how to install one that is missing, and ends with 1', async () => {
  const here = terminal();
  here.write('.stator/config.toml', config);
  const { code, found } = await agentsOf(here, here.env);
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
  const { code, found } = await agentsOf(here, here.env);
  expect(code).toBe(0);
  expect(found[0]?.detail).toContain(join(here.repo, 'agent.sh'));
  expect(existsSync(trace)).toBe(false);
});

it('looks for the program of the desktop only where notifications are wanted there', async () => {
  const here = terminal();
  const bin = join(here.root, 'bin');
  mkdirSync(bin);
  // This machine may have a desktop.
  symlinkSync(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), join(bin, 'git'));
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
