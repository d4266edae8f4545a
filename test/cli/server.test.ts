/** The verbs of `server`, and what `doctor` says of a repo's forge: no engine runs in any of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';
import { type ForgeServer, startForge } from '../support/forge-server.ts';
import { expectRefusal } from '../support/prose.ts';

let forge: ForgeServer | null = null;
afterEach(async () => {
  await forge?.stop();
  forge = null;
});

const entries = (stdout: string): { name: string; default: boolean }[] => JSON.parse(stdout);

it('knows three forges, takes more, and forgets them again', async () => {
  const { stator, home } = terminal();
  const first = entries((await stator(['server', 'list', '--json'])).stdout);
  expect(first.map(({ name }) => name)).toEqual(['github.com', 'gitlab.com', 'codeberg.org']);
  const add = ['server', 'add', 'work', 'https://git.example.com/', '--kind', 'gitea', '--token', 'env:WORK_TOKEN'];
  expect(JSON.parse((await stator([...add, '--json'])).stdout)).toEqual({
    name: 'work',
    url: 'https://git.example.com',
    kind: 'gitea',
    default: false,
    preset: false,
    allow_private: false,
    token: 'env:WORK_TOKEN',
    env_file: null,
  });
  expect((await stator(['server', 'default'])).stdout).toBe('github.com\n');
  expect((await stator(['server', 'default', 'work'])).code).toBe(0);
  expect((await stator(['server', 'default'])).stdout).toBe('work\n');
  const env = { WORK_TOKEN: 'hidden-token' };
  const shown = await stator(['server', 'get', '--json'], { env });
  expect(JSON.parse(shown.stdout)).toMatchObject({ name: 'work', token_from: 'WORK_TOKEN' });
  expect((await stator(['server', 'get'], { env })).stdout).toContain('token: from WORK_TOKEN');
  expect(shown.stdout + readFileSync(join(home, 'servers.toml'), 'utf8')).not.toContain('hidden-token');
  expect((await stator(['server', 'get'])).stdout).toContain('none; looked for in WORK_TOKEN');
  expect((await stator(['server', 'remove', 'work'])).code).toBe(0);
  expect(entries((await stator(['server', 'list', '--json'])).stdout)).toEqual(first);
});

it.each([
  ['add', 'work', 'git.example.com'],
  ['add', 'work', 'https://me:hidden@git.example.com'],
  ['add', 'work', 'https://git.example.com', '--kind', 'svn'],
  ['add', 'work', 'https://git.example.com', '--kind', 'gitea', '--token', 'ghp_hidden'],
  ['add', 'a b', 'https://git.example.com', '--kind', 'gitea'],
  ['add', 'work', 'http://127.0.0.1:9'],
  ['remove', 'github.com'],
  ['remove', 'githup.com'],
  ['default', 'nowhere'],
  ['get', 'nowhere'],
])('refuses: server %s %s', async (...args) => {
  const { stator, home } = terminal();
  const { code, stdout, stderr } = await stator(['server', ...args.filter((word) => word !== undefined)]);
  expect(code).not.toBe(0);
  expect(stdout).toBe('');
  expect(stderr).not.toContain('hidden');
  expectRefusal(stderr);
  expect(existsSync(join(home, 'servers.toml'))).toBe(false);
});

it('lets no agent name a forge', async () => {
  const { stator, home } = terminal();
  const env = { STATOR_TOKEN: 'of-a-run' };
  for (const verb of [
    ['add', 'x', 'https://x.test', '--kind', 'gitea'],
    ['remove', 'x'],
    ['default', 'gitlab.com'],
  ]) {
    const { code, stderr } = await stator(['server', ...verb, '--json'], { env });
    expect({ code, error: JSON.parse(stderr).code }).toEqual({ code: 1, error: 'not_allowed' });
  }
  expect(existsSync(join(home, 'servers.toml'))).toBe(false);
});

it('asks a forge that is not known which kind it is', async () => {
  forge = await startForge('forgejo');
  const { start } = terminal();
  const added = await start(['server', 'add', 'lan', forge.url, '--allow-private', '--json']).ended;
  expect(JSON.parse(added.stdout)).toMatchObject({ kind: 'forgejo', allow_private: true });
  expect(forge.authorizations).toEqual([undefined]);
});
