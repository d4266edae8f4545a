/** Attempts of repositories and forges to get the token of a forge. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findToken } from '../../runtime/work/forges/tokens.ts';
import { terminal } from '../support/cli.ts';
import { type ForgeServer, startForge } from '../support/forge-server.ts';
import { git } from '../support/ground.ts';

const token = 'secret-token';
const env = { LAN_TOKEN: token, GITEA_TOKEN: token };
let known: ForgeServer;
let foreign: ForgeServer;
beforeEach(async () => {
  known = await startForge('gitea');
  foreign = await startForge('gitea');
});
afterEach(() => Promise.all([known.stop(), foreign.stop()]));

/** A person who knows one forge, and a repo with that remote; `look` asks the forge for the token's user. */
async function ground(remote: string) {
  const place = terminal();
  const add = ['server', 'add', 'lan', known.url, '--kind', 'gitea', '--token', 'env:LAN_TOKEN', '--allow-private'];
  expect((await place.stator(add)).code).toBe(0);
  git(place.repo, 'config', 'remote.origin.url', remote);
  return { ...place, look: () => place.stator(['doctor', '--json'], { env }) };
}

it('a remote of a repo brings the token to no other host', async () => {
  const { host } = new URL(known.url);
  const other = new URL(foreign.url).host;
  const { repo, look } = await ground(`${foreign.url}/ada/demo`);
  for (const remote of [
    `${foreign.url}/ada/demo`,
    `http://${host}@${other}/ada/demo`,
    `http://${host}%2f@${other}/ada/demo`,
    `http://${other}/${host}/ada/demo`,
    `http://${other}\\@${host}/ada/demo`,
    `${known.url}/ada/..%2f..%2f${other}`,
    `${known.url}/ada/demo\nurl = ${foreign.url}/ada/demo`,
  ]) {
    git(repo, 'config', 'remote.origin.url', remote);
    git(repo, 'config', `url.${foreign.url}/.insteadOf`, `${known.url}/`);
    expect((await look()).stdout, remote).not.toContain(token);
  }
  expect(foreign.asked).toEqual([]);
  expect(known.asked.every((asked) => asked === 'GET /user')).toBe(true);
});

it('a redirect of a forge takes the token nowhere', async () => {
  const { look } = await ground(`${known.url}/ada/demo`);
  for (const status of [301, 302, 303, 307, 308]) {
    known.trouble = () => ({ status, headers: { location: `${foreign.url}/api/v1/user` } });
    await look();
  }
  expect(known.asked.length).toBe(5);
  expect(foreign.asked).toEqual([]);
});

it('a repo names no forge and no address for a token', async () => {
  const { repo, write, look } = await ground(`${foreign.url}/ada/demo`);
  const server = `default = "lan"\n[[servers]]\nname = "lan"\nurl = "${foreign.url}"\nkind = "gitea"\ntoken = "env:LAN_TOKEN"\nallow_private = true\n`;
  mkdirSync(join(repo, '.stator'), { recursive: true });
  write('servers.toml', server);
  write('.stator/servers.toml', server);
  expect(JSON.parse((await look()).stdout).checks).toContainEqual(
    expect.objectContaining({ name: 'forge', detail: expect.stringContaining('no remote at a known forge') }),
  );
  write('.stator/config.toml', server);
  const { checks } = JSON.parse((await look()).stdout);
  expect(checks).toContainEqual(expect.objectContaining({ name: 'repo config', ok: false }));
  expect(foreign.asked).toEqual([]);
});

it('a program of a forge is asked outside of every folder of a repo, and with no variable but those of the engine', async () => {
  const { repo, write } = terminal();
  const server = { name: 'github.com', url: 'https://github.com', kind: 'github', allowPrivate: false } as const;
  const known = { ...server, tokenVariable: null, envFile: null, isPreset: true };
  write('bin/gh', '#!/bin/sh\necho "$PWD:$GIVEN:$HOME"\n');
  chmodSync(join(repo, 'bin', 'gh'), 0o755);
  const before = process.cwd();
  process.chdir(repo);
  try {
    const found = await findToken(known, { PATH: `${join(repo, 'bin')}:/usr/bin:/bin`, GIVEN: 'yes' });
    expect(found).toEqual({ token: '/:yes:', from: 'gh auth token' });
  } finally {
    process.chdir(before);
  }
  write('own.env', 'GH_TOKEN=chosen\n');
  const inRepo = findToken({ ...known, envFile: join(repo, 'own.env') }, {}, { all: () => [{ path: repo }] });
  await expect(inRepo).rejects.toMatchObject({ code: 'bad_config', message: expect.stringContaining(repo) });
});

it('a token that a forge repeats, with escapes around it, reaches no output and no file', async () => {
  const { home, look } = await ground(`${known.url}/ada/demo`);
  for (const status of [401, 403, 422, 500]) {
    const words = `\u001b]0;${token}\u0007 \u001b[2Jno: ${token} ${'x'.repeat(490)}`;
    known.trouble = () => ({ status, body: { message: words, errors: [token, { value: token }] } });
    const { stdout, stderr } = await look();
    expect(stdout + stderr).not.toContain(token);
    expect(stdout + stderr).not.toContain('\u001b');
    expect(JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'forge').detail).toContain(
      `with ${status}`,
    );
  }
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).map((name) => join(home, name));
  const plain = files.filter((file) => statSync(file).isFile());
  expect(plain.length).toBeGreaterThan(0);
  for (const file of plain) expect(readFileSync(file, 'latin1'), file).not.toContain(token);
});
