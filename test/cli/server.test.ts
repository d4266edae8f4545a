/** The verbs of `server`, and what `doctor` says of a repo's forge: no engine runs in any of them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';
import { type ForgeServer, startForge } from '../support/forge-server.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

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
  expectProse((await stator(['server', 'get'], { env })).stdout, 'work', 'WORK_TOKEN');
  expect(shown.stdout + readFileSync(join(home, 'servers.toml'), 'utf8')).not.toContain('hidden-token');
  expectProse((await stator(['server', 'get'])).stdout, 'work', 'WORK_TOKEN');
  expect((await stator(['server', 'remove', 'work'])).code).toBe(0);
  expect(entries((await stator(['server', 'list', '--json'])).stdout)).toEqual(first);
});

it.each([
  ['add', 'work', 'git.example.com'],
  ['add', 'work', 'https://me:hidden@git.example.com'],
  ['add', 'work', 'https://hidden@git.example.com'],
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

it('the file of a token is given by --env-from, a flag that Node does not take for itself', async () => {
  const { start, repo } = terminal();
  const add = ['server', 'add', 'lan', 'http://10.0.0.7:3000', '--kind', 'gitea', '--env-from', 'lan.env', '--json'];
  const { code, stdout, stderr } = await start(add).ended;
  expect([code, stderr, JSON.parse(stdout).env_file]).toEqual([0, '', join(repo, 'lan.env')]);
});

it('lets no agent name a forge, nor do what is about the whole home', async () => {
  const { stator, home, repo } = terminal();
  const env = { STATOR_TOKEN: 'of-a-run' };
  for (const verb of [
    'server add x https://x.test --kind gitea',
    ...['server remove x', 'server default gitlab.com', 'store copy --to copy.db', 'store restore --yes'],
    ...['import kasmos --yes', 'import kugetsu --yes', 'token show', 'token rotate', 'token add eve --role steer'],
    ...['daemon install', 'daemon uninstall', 'uninstall --yes'],
  ]) {
    const { code, stderr } = await stator([...verb.split(' '), '--json'], { env });
    expect({ verb, code, error: JSON.parse(stderr).code }).toEqual({ verb, code: 1, error: 'not_allowed' });
  }
  expect([existsSync(home), existsSync(join(repo, 'copy.db'))]).toEqual([false, false]);
});

it('takes no token back from a name that has none, and names the nearest', async () => {
  const { stator } = terminal();
  const typed = async (...words: string[]) => {
    const { code, stderr } = await stator(['token', ...words, '--json']);
    return [code, code === 0 ? '' : JSON.parse(stderr).hint];
  };
  expect(await typed('add', 'anna', '--role', 'look')).toEqual([0, '']);
  expect(await typed('remove', 'ana')).toEqual([1, expect.stringContaining('did you mean anna?')]);
  expect(await typed('remove', 'anna')).toEqual([0, '']);
  expect(await typed('remove', 'anna')).toEqual([1, 'see who has one: stator token list']);
});

it('asks a forge that is not known which kind it is', async () => {
  forge = await startForge('forgejo');
  const { start } = terminal();
  const added = await start(['server', 'add', 'lan', forge.url, '--allow-private', '--json']).ended;
  expect(JSON.parse(added.stdout)).toMatchObject({ kind: 'forgejo', allow_private: true });
  expect(forge.authorizations).toEqual([undefined]);
});

it('doctor says which forge a remote is at, and whether the token there is taken', async () => {
  forge = await startForge('gitea');
  const { stator, start, repo } = terminal();
  const doctor = async (env: Record<string, string>): Promise<{ ok: boolean; detail: string; hint: string }> => {
    const { stdout, stderr } = await start(['doctor', '--json'], { env }).ended;
    expect(stdout + stderr).not.toContain(env.LAN_TOKEN ?? 'secret-token');
    return JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'forge');
  };
  const none = await doctor({});
  expect(none.ok).toBe(true);
  const add = ['server', 'add', 'lan', forge.url, '--kind', 'gitea', '--token', 'env:LAN_TOKEN', '--allow-private'];
  expect((await stator(add)).code).toBe(0);
  git(repo, 'remote', 'add', 'origin', `${forge.url}/ada/demo.git`);
  const noToken = await doctor({});
  expect(forge.asked).toEqual([]);
  const taken = await doctor({ LAN_TOKEN: 'secret-token' });
  expect([noToken.ok, taken.ok]).toEqual([true, true]);
  expect(taken.detail).toContain("LAN_TOKEN is ada's");
  const refused = await doctor({ LAN_TOKEN: 'another-token' });
  expect(refused.ok).toBe(false);
  expect(refused.detail).toContain(' 401');
  forge.trouble = () => 'reset';
  const silent = await doctor({ LAN_TOKEN: 'secret-token' });
  expect(silent.ok).toBe(true);
  const told = [none, noToken, taken, refused].map(({ detail }) => detail);
  expectProse(
    [...told, refused.hint, silent.detail.replace(/: E[A-Z]+$/, '')].join('\n'),
    'ada/demo',
    'lan (gitea)',
    'stator server get lan',
  );
});

it('doctor names what is wrong in servers.toml', async () => {
  const { stator, home } = terminal();
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'servers.toml'), '[[servers]]\nname = "x"\n');
  const { code, stdout } = await stator(['doctor', '--json']);
  const found = JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'servers.toml');
  expect({ code, ok: found.ok }).toEqual({ code: 1, ok: false });
  expect(found.detail).toContain('servers.0.url');
  writeFileSync(join(home, 'servers.toml'), '# mine\ndefault = work\n');
  const unquoted = await stator(['server', 'list']);
  expect([unquoted.code, unquoted.stderr]).toEqual([78, expect.stringMatching(/servers\.toml, line 2.*in quotes/s)]);
});
