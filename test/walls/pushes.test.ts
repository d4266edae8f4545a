/** A push runs programs of the repository only if a person typed it, and a fetch before a start never does. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { silenceText } from '../../runtime/work/effects/plan-pull.ts';
import { fetchBase, fetchHead, fetchTrouble } from '../../runtime/work/git/base-remote.ts';
import { pushBranch, tryAs, updateBranch } from '../../runtime/work/git/push.ts';
import { write } from '../support/git.ts';
import { type Ground, git, makeGround } from '../support/ground.ts';
import { certificate } from '../support/proxy.ts';

let ground: Ground | null = null;

afterEach(() => {
  ground?.remove();
  ground = null;
});

/** A repository and its remote, which both record every program that a push may start. */
function hostile(): { repo: string; bare: string; marks: () => string[] } {
  ground = makeGround();
  const { repo, root } = ground;
  const bare = join(root, 'bare.git');
  git(root, 'init', '-q', '--bare', bare);
  git(repo, 'remote', 'add', 'origin', bare);
  const names = [
    'pre-push',
    'own/pre-push',
    'own/reference-transaction',
    'receive',
    'upload',
    'pre-receive',
    'helper',
    'ssh',
  ];
  const program = (file: string, mark: string, rest = '') => {
    mkdirSync(dirname(file), { recursive: true });
    write('/', file, `#!/bin/sh\ntouch '${join(root, `mark-${mark.replace('/', '-')}`)}'\n${rest}`);
    chmodSync(file, 0o755);
    return file;
  };
  program(join(repo, '.git/hooks/pre-push'), 'pre-push');
  program(join(repo, 'own/pre-push'), 'own/pre-push');
  program(join(bare, 'hooks/pre-receive'), 'pre-receive');
  git(repo, 'config', 'core.hooksPath', 'own');
  git(
    repo,
    'config',
    'remote.origin.receivepack',
    program(join(root, 'receive'), 'receive', 'exec git-receive-pack "$@"'),
  );
  git(repo, 'config', 'remote.origin.uploadpack', program(join(root, 'upload'), 'upload', 'exec git-upload-pack "$@"'));
  git(repo, 'config', 'credential.helper', program(join(root, 'helper'), 'helper'));
  git(repo, 'config', 'core.sshCommand', program(join(root, 'ssh'), 'ssh', 'exit 1'));
  git(repo, 'branch', 'plan/demo');
  const marks = () =>
    names.map((name) => name.replace('/', '-')).filter((name) => existsSync(join(root, `mark-${name}`)));
  return { repo, bare, marks };
}

/** A repository without a remote. */
function makeWeb(): Ground {
  ground = makeGround();
  return ground;
}

const push = { branch: 'plan/demo', remote: null } as const;

describe('a push', () => {
  test('that the engine decides on starts nothing that the repository or its remote names', async () => {
    const { repo, bare, marks } = hostile();
    const { head, isNew } = await pushBranch({ ...push, repo, by: 'engine' });
    expect([isNew, git(bare, 'rev-parse', 'refs/heads/plan/demo')]).toEqual([true, head]);
    expect(marks()).toEqual([]);
    git(bare, 'update-ref', 'refs/heads/refs/heads/plan/demo', 'refs/heads/plan/demo');
    git(bare, 'update-ref', '-d', 'refs/heads/plan/demo');
    expect(await updateBranch({ ...push, repo, by: 'engine' })).toBeNull();
    git(repo, 'remote', 'set-url', 'origin', 'ssh://git@127.0.0.1:1/demo.git');
    await expect(pushBranch({ ...push, repo, by: 'engine' })).rejects.toMatchObject({ code: 'unreachable' });
    expect(marks()).toEqual([]);
  });

  test('that the engine decides on waits for a remote that does not answer, and for none that answers no', async () => {
    const { repo } = makeWeb();
    git(repo, 'branch', 'plan/demo');
    let status: number | null = null;
    const words = `${'x'.repeat(9_000)} at https://ada:secret@here.test/ your session timed out`;
    const server = createServer(
      (_request, response) => void (status && response.writeHead(status, { 'content-type': 'text/plain' }).end(words)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    git(repo, 'remote', 'add', 'origin', `http://127.0.0.1:${(server.address() as AddressInfo).port}/demo.git`);
    const codeOf = (by: 'engine' | 'person') => pushBranch({ ...push, repo, by }).catch(({ code }) => code);
    const asked = tryAs('engine', { repo, args: ['ls-remote', '--', 'origin'], timeoutMs: 500 });
    await expect(asked).rejects.toMatchObject({ code: 'unreachable', message: expect.stringContaining('0.5 s') });
    server.closeAllConnections();
    const silent = await asked.catch((thrown: unknown) => thrown);
    const waited = (row: { waiting_since: number | null }) => silenceText(silent, row, 3_600_000);
    expect([null, 1, 0].map((since) => waited({ waiting_since: since }) !== null)).toEqual([false, false, true]);
    for (status of [503, 429]) expect(await codeOf('engine'), `${status}`).toBe('unreachable');
    expect(await codeOf('person')).toBe('git_failed');
    const place = { path: repo, commonDir: join(repo, '.git') };
    const fetched = () => fetchHead(place, { remote: 'origin', branch: 'main' }).catch(({ code }) => code);
    expect(await fetched()).toBe('forge_unreachable');
    for (status of [401, 403, 413]) expect(await codeOf('engine'), `${status}`).toBe('git_failed');
    for (status of [401, 403, 404]) expect(await fetched(), `${status}`).toBe('refused');
    status = 413;
    await fetchBase(place, 'main');
    const trouble = fetchTrouble(place, 'main');
    expect(trouble).toMatch(/^x{1000,2000} at https:\/\/\*\*\*@here.test\/ your session timed out; fatal: .*413$/);
  });

  test('that the engine decides on brings that branch alone, without its tags and submodules', async () => {
    const { repo, bare } = hostile();
    git(repo, 'config', 'push.followTags', 'true');
    git(repo, 'tag', '-a', '-m', 'a tag', 'v1');
    await pushBranch({ ...push, repo, by: 'engine' });
    expect(git(bare, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/plan/demo');
  });

  test('that a person types does what git push does, hooks and all', async () => {
    const { repo, bare, marks } = hostile();
    await pushBranch({ ...push, repo, by: 'person' });
    expect(marks()).toEqual(['own-pre-push', 'receive', 'pre-receive']);
    // The full disk is the server's, and its lines have any length.
    const said = `echo No space left on device >&2; printf '%0.s/' $(seq 5000) >&2; exit 1`;
    write(bare, 'hooks/pre-receive', `#!/bin/sh\n${said}\n`);
    git(repo, 'branch', '-f', 'plan/demo', git(repo, 'commit-tree', '-p', 'main', '-m', 'more', 'main^{tree}'));
    const refused = await pushBranch({ ...push, repo, by: 'person' }).catch((thrown) => thrown);
    expect(refused).toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/declined\)\nNo space left .*\n\/{500}$/),
    });
    rmSync(join(repo, '.git', 'hooks'), { recursive: true });
  });
});

test('the fetch of a base starts nothing that the repository or its remote names', async () => {
  const { repo, bare, marks } = hostile();
  git(repo, 'push', '-q', '--no-verify', '--receive-pack', 'git-receive-pack', 'origin', 'main');
  git(bare, 'update-ref', 'refs/heads/next', git(repo, 'rev-parse', 'main'));
  const root = dirname(bare);
  for (const name of readdirSync(root).filter((each) => each.startsWith('mark-'))) rmSync(join(root, name));
  const hook = join(repo, 'own/reference-transaction');
  write('/', hook, `#!/bin/sh\ntouch '${join(root, 'mark-own-reference-transaction')}'\n`);
  chmodSync(hook, 0o755);
  await fetchBase({ path: repo, commonDir: join(repo, '.git') }, 'next');
  expect(git(repo, 'rev-parse', 'refs/remotes/origin/next')).toBe(git(bare, 'rev-parse', 'next'));
  expect(marks()).toEqual([]);
  git(repo, 'remote', 'set-url', 'origin', 'ssh://git@127.0.0.1:1/demo.git');
  await fetchBase({ path: repo, commonDir: join(repo, '.git') }, 'next').catch(() => {});
  expect(marks()).toEqual([]);
});

test('the fetch of a base writes nothing where the repository says that cookies are kept', async () => {
  const { repo, root } = makeWeb();
  const profile = join(root, '.profile');
  const packet = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
  const head = git(repo, 'rev-parse', 'HEAD');
  // A server with the one commit that is here already.
  const server = createServer((_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/x-git-upload-pack-advertisement',
      'set-cookie': 'name=$(touch-mark); Path=/; Max-Age=3600',
    });
    response.end(`${packet('# service=git-upload-pack\n')}0000${packet(`${head} refs/heads/main\0agent=x\n`)}0000`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/repo.git`;
  git(repo, 'remote', 'add', 'origin', url);
  for (const [section, key] of [
    ['http', 'saveCookies'],
    [`http.${url}`, 'saveCookies'],
  ])
    git(repo, 'config', `${section}.${key}`, 'true');
  git(repo, 'config', 'http.cookieFile', profile);
  git(repo, 'config', `http.${url}.cookieFile`, profile);
  writeFileSync(profile, 'mine\n');
  await fetchBase({ path: repo, commonDir: join(repo, '.git') }, 'main');
  expect(git(repo, 'rev-parse', 'refs/remotes/origin/main')).toBe(head);
  expect(readFileSync(profile, 'utf8')).toBe('mine\n');
  // Plain git does it.
  await promisify(execFile)('git', ['fetch', 'origin'], { cwd: repo }).catch(() => {});
  expect(readFileSync(profile, 'utf8')).toContain('$(touch-mark)');
});

test('no setting of the repository chooses a proxy, an address or a certificate for the credentials of the user', async () => {
  const { repo } = makeWeb();
  const asked: string[] = [];
  const answer = ({ url = '' }, response: ServerResponse) => void response.end(String(asked.push(url)));
  const servers = [createServer(answer), createTlsServer(certificate(), answer)];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
  }
  const [port, tlsPort] = servers.map((server) => (server.address() as AddressInfo).port);
  const cases = [
    { url: `https://127.0.0.1:${tlsPort}/a`, key: 'sslVerify', value: 'false' },
    { url: 'http://127.0.0.2:1/b', key: 'proxy', value: `http://127.0.0.1:${port}` },
    { url: `http://127.0.0.2:${port}/c`, key: 'curloptResolve', value: `127.0.0.2:${port}:127.0.0.1` },
  ];
  for (const { url, key, value } of cases)
    for (const section of ['http', `http.${url}`, ...(key === 'proxy' ? ['remote.origin'] : [])]) {
      git(repo, 'config', 'remote.origin.url', url);
      git(repo, 'config', `${section}.${key}`, value);
      expect(await tryAs('engine', { repo, args: ['fetch', 'origin'] })).toMatchObject({ exitCode: 128 });
      expect(asked.splice(0)).toEqual([]);
      // Plain git does it.
      await promisify(execFile)('git', ['fetch', 'origin'], { cwd: repo }).catch(() => {});
      expect(asked.splice(0)).not.toEqual([]);
      git(repo, 'config', '--unset', `${section}.${key}`);
    }
});

test('the fetch of a base moves that branch of the remote alone, whatever the remote is configured to move', async () => {
  const { repo, bare } = hostile();
  git(repo, 'push', '-q', '--no-verify', '--receive-pack=git-receive-pack', bare, 'main');
  git(repo, 'config', 'remote.origin.fetch', '+refs/heads/main:refs/heads/plan/demo');
  const before = git(repo, 'rev-parse', 'plan/demo');
  const other = git(bare, 'commit-tree', '-m', 'theirs', git(repo, 'rev-parse', 'main^{tree}'));
  git(bare, 'update-ref', 'refs/heads/main', other);
  await fetchBase({ path: repo, commonDir: join(repo, '.git') }, 'main');
  expect(git(repo, 'rev-parse', 'refs/remotes/origin/main')).toBe(other);
  expect(git(repo, 'rev-parse', 'plan/demo')).toBe(before);
});
