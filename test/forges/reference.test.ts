/** How an issue is named, which repository a remote is, and which forges a person knows. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Server } from '../../runtime/work/forges/forge.ts';
import { findReference, parseReference, referenceText } from '../../runtime/work/forges/reference.ts';
import { isSameRepo, remoteAddress, remotesOf, serverOf } from '../../runtime/work/forges/remote.ts';
import {
  addServer,
  chooseServer,
  readServers,
  removeServer,
  serverNamed,
  serversFile,
} from '../../runtime/work/forges/servers.ts';
import { findToken } from '../../runtime/work/forges/tokens.ts';
import { failureOf } from '../support/agent.ts';
import { git } from '../support/ground.ts';
import { expectFailure, expectProse } from '../support/prose.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-forges-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const server = (name: string, url: string, kind: Server['kind']): Server => ({ name, url, kind, allowPrivate: false });
const main = server('github.com', 'https://github.com', 'github');
const work = server('work', 'https://git.example.com:3000/forge', 'gitea');
const lab = server('lab', 'https://gitlab.com', 'gitlab');
const servers = [main, work, lab];
const known = { servers, main };

describe('a reference', () => {
  test.each([
    ['ada/demo#12', 'github.com/ada/demo#12', 'issue'],
    ['github.com/ada/demo#12', 'github.com/ada/demo#12', 'issue'],
    ['git.example.com:3000/ada/demo#1', 'git.example.com:3000/ada/demo#1', 'issue'],
    ['localhost:3000/ada/demo#1', 'localhost:3000/ada/demo#1', 'issue'],
    ['GitHub.com/Ada/Demo.git#12', 'github.com/Ada/Demo#12', 'issue'],
    ['gitlab.com/group/sub/demo#3', 'gitlab.com/group/sub/demo#3', 'issue'],
    ['https://github.com/ada/demo/issues/12', 'github.com/ada/demo#12', 'issue'],
    ['https://www.github.com/ada/demo/issues/12?x=1#issuecomment-5', 'github.com/ada/demo#12', 'issue'],
    ['http://github.com/ada/demo/pull/12/files', 'github.com/ada/demo#12', 'pull'],
    ['https://codeberg.org/ada/demo/pulls/4', 'codeberg.org/ada/demo#4', 'pull'],
    ['https://git.example.com:3000/forge/ada/demo/issues/9', 'git.example.com:3000/ada/demo#9', 'issue'],
    ['https://gitlab.com/group/sub/demo/-/issues/7', 'gitlab.com/group/sub/demo#7', 'issue'],
    ['https://gitlab.com/group/demo/-/work_items/7', 'gitlab.com/group/demo#7', 'issue'],
    ['https://gitlab.com/group/sub/demo/-/merge_requests/8/diffs', 'gitlab.com/group/sub/demo#8', 'pull'],
    ['  ada/demo#12  ', 'github.com/ada/demo#12', 'issue'],
  ])('%s is %s', (text, whole, kind) => {
    const found = parseReference(text, known);
    expect([referenceText(found), found.kind]).toEqual([whole, kind]);
  });

  test('that is invalid is refused with what it lacks, and what can be written', () => {
    const texts = [
      '',
      '#12',
      'demo#12',
      'ada/demo',
      '12',
      'ada/demo#',
      'ada/demo#0',
      'ada/demo#-1',
      'ada/demo#three',
      'ada/demo#99999999999',
      'ada/../demo#1',
      'https://github.com/ada/demo/wiki/12',
      'ssh://git@github.com/ada/demo/issues/1',
      'git@github.com:ada/demo#1',
    ];
    const failures = texts.map((text) => failureOf(() => parseReference(text, known)));
    for (const [index, text] of texts.entries()) {
      expect(failures[index]?.code, text).toBe('usage');
      expect(failures[index]?.message).toContain(`"${text}"`);
    }
    expect(new Set(failures.map(({ hint }) => hint)).size).toBe(1);
    expectProse([...failures.map(({ message }) => message), `hint: ${failures[0]?.hint}`].join('\n'), 'owner/repo#12');
  });

  test.each([
    '',
    '#12',
    'demo#12',
    'ada/demo',
    'ada/demo#',
    'ada/demo#0',
    'ada/demo#x',
    'ada/demo#-1',
    'ada/../demo#1',
    '../demo#1',
    'ada/demo #1',
    'ada//demo#1',
    'a b/demo#1',
  ])('the text “%s” is not a reference', (text) => {
    expect(() => parseReference(text, known)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  test.each([
    'https://github.com/ada/demo',
    'https://github.com/ada/issues/12',
    'ftp://github.com/ada/demo/issues/1',
    'https://',
    'ada/demo#99999999999',
    '-x/demo#1',
    `${'a/'.repeat(40)}b#1`,
  ])('%s is not a reference either', (text) => {
    expect(() => parseReference(text, known)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  test('is found anywhere in a sentence', () => {
    const found = (sentence: string) => {
      const reference = findReference(sentence, known);
      return reference === null ? null : referenceText(reference);
    };
    expect(found('Please fix (ada/demo#12), and/or look at docs/a.md#3')).toBe('github.com/ada/demo#12');
    expect(found('see <https://gitlab.com/group/sub/demo/-/issues/7>. Thanks')).toBe('gitlab.com/group/sub/demo#7');
    expect(found('fix the login, #12')).toBeNull();
    expect(found('x/'.repeat(200_000))).toBeNull();
  });
});

describe('a remote', () => {
  test.each([
    ['git@github.com:ada/demo.git', 'github.com', 'ada/demo'],
    ['github.com:ada/demo', 'github.com', 'ada/demo'],
    ['ssh://git@github.com/ada/demo.git', 'github.com', 'ada/demo'],
    ['ssh://git@git.example.com:2222/ada/demo.git', 'git.example.com', 'ada/demo'],
    ['ssh://git@ssh.github.com:443/ada/demo.git', 'github.com', 'ada/demo'],
    ['https://github.com/ada/demo.git/', 'github.com', 'ada/demo'],
    ['https://ada:token@github.com/ada/demo', 'github.com', 'ada/demo'],
    ['https://git.example.com:3000/forge/ada/demo.git', 'git.example.com:3000', 'forge/ada/demo'],
    ['git://example.org/group/sub/demo', 'example.org', 'group/sub/demo'],
  ])('%s is at %s', (url, host, whole) => {
    const found = remoteAddress(url);
    expect([found?.host, `${found?.owner}/${found?.name}`]).toEqual([host, whole]);
  });

  test.each([
    '/srv/git/demo.git',
    '../demo',
    './a:b/c',
    'C:\\git\\demo',
    'file:///srv/demo',
    'https://github.com/demo',
    'https://github.com/',
    '',
    'ext::sh -c x',
    'https://github.com/a b/c',
  ])('%s is at no forge', (url) => {
    expect(remoteAddress(url)).toBeNull();
  });

  test('belongs to the server of its host, whatever port ssh has, and without the place of the forge in it', () => {
    const at = (url: string) => {
      const remote = remoteAddress(url);
      const found = remote === null ? null : serverOf(remote, servers);
      return found === null ? null : `${found.server.name} ${found.repo.owner}/${found.repo.name}`;
    };
    expect(at('ssh://git@git.example.com:2222/ada/demo.git')).toBe('work ada/demo');
    expect(at('https://git.example.com:3000/forge/ada/demo.git')).toBe('work ada/demo');
    expect(at('https://git.example.com/ada/demo.git')).toBeNull();
    expect(at('git@github.com:ada/demo.git')).toBe('github.com ada/demo');
    expect(at('https://example.org/ada/demo')).toBeNull();
    expect(isSameRepo({ owner: 'Ada', name: 'demo' }, { owner: 'ada', name: 'Demo' })).toBe(true);
  });

  test('is read from the repository, origin first', async () => {
    git(folder, 'init', '-q', '.');
    git(folder, 'remote', 'add', 'fork', 'git@github.com:eve/demo.git');
    git(folder, 'remote', 'add', 'backup', '/srv/demo.git');
    git(folder, 'remote', 'add', 'origin', 'https://ada:hidden@github.com/ada/demo.git');
    git(folder, 'config', 'url.https://evil.test/.insteadOf', 'https://github.com/');
    const remotes = await remotesOf(folder);
    expect(remotes.map(({ remote, host, owner }) => [remote, host, owner])).toEqual([
      ['origin', 'github.com', 'ada'],
      ['fork', 'github.com', 'eve'],
    ]);
    expect(JSON.stringify(remotes)).not.toContain('hidden');
  });

  test('is looked for without git in a repository that names none', async () => {
    const plain = join(folder, 'plain');
    git(folder, 'init', '-q', plain);
    const path = process.env.PATH;
    try {
      process.env.PATH = '';
      expect(await remotesOf(plain)).toEqual([]);
    } finally {
      process.env.PATH = path;
    }
  });
});

describe('the servers of a home', () => {
  test('are those that came with stator, and those that a person added', async () => {
    expect(readServers(folder).list.map(({ name }) => name)).toEqual(['github.com', 'gitlab.com', 'codeberg.org']);
    addServer(folder, {
      name: 'work',
      url: 'https://Git.example.com/',
      kind: 'gitea',
      token: 'env:WORK_TOKEN',
      allow_private: true,
    });
    expect(readServers(folder)).toMatchObject({
      list: [
        { name: 'work', url: 'https://git.example.com', tokenVariable: 'WORK_TOKEN', allowPrivate: true },
        {},
        {},
        {},
      ],
      main: { name: 'github.com' },
    });
    chooseServer(folder, 'work');
    expect(readServers(folder).main.name).toBe('work');
    const twin = { name: 'work', url: 'https://other.example.com', kind: 'gitea' } as const;
    await expectFailure(() => addServer(folder, twin), 'conflict', 'work');
    await expectFailure(() => removeServer(folder, 'github.com'), 'conflict', 'github.com');
    await expectFailure(() => serverNamed(readServers(folder), 'wrok'), 'not_found', '"wrok"');
    removeServer(folder, 'work');
    expect(readServers(folder).main.name).toBe('github.com');
  });

  test.each([
    [{ name: 'a b', url: 'https://x.test', kind: 'gitea' }, 'name: '],
    [{ name: 'x', url: 'x.test', kind: 'gitea' }, 'url: '],
    [{ name: 'x', url: 'https://me:pw@x.test', kind: 'gitea' }, 'url: '],
    [{ name: 'x', url: 'https://github.com', kind: 'github', allow_private: true }, 'allow_private: '],
    [{ name: 'x', url: 'https://x.test', kind: 'svn' }, 'kind: '],
    [{ name: 'x', url: 'https://x.test', kind: 'gitea', token: 'abc123' }, 'token: '],
  ])('take no %j', async (table, key) => {
    await expectFailure(() => addServer(folder, table as Parameters<typeof addServer>[1]), 'usage', key);
    expect(readServers(folder).list).toHaveLength(3);
  });

  test('a file that is wrong is refused by its key and stays as it is, with what a person wrote beside the keys', async () => {
    const file = serversFile(folder);
    writeFileSync(file, '# mine\n[[servers]]\nname = "x"\nurl = "https://x.test"\nkind = "gitea"\ntokn = "env:A"\n');
    await expectFailure(() => readServers(folder), 'bad_config', `${file}: servers.0: `, 'tokn');
    expect(readFileSync(file, 'utf8')).toContain('# mine');
    writeFileSync(file, '# mine\ndefault = "gone"\n');
    await expectFailure(() => readServers(folder), 'bad_config', '"gone"');
  });

  test('changes of the file leave what a person wrote beside the keys', () => {
    const file = serversFile(folder);
    writeFileSync(
      file,
      '# mine\n\n[[servers]] # at work\nname = "x"\nurl = "https://x.test"\nkind = "gitea"\n\n# the other\n[[servers]]\nname = "y"\nurl = "https://y.test" # slow\nkind = "gitlab"\n',
    );
    const before = readFileSync(file, 'utf8');
    chooseServer(folder, 'y');
    chooseServer(folder, 'x');
    expect(readFileSync(file, 'utf8')).toBe(`default = "x"\n\n${before}`);
    addServer(folder, { name: 'z', url: 'https://z.test', kind: 'forgejo' });
    removeServer(folder, 'x');
    expect(readFileSync(file, 'utf8')).toBe(
      '# mine\n\n# the other\n[[servers]]\nname = "y"\nurl = "https://y.test" # slow\nkind = "gitlab"\n\n[[servers]]\nname = "z"\nurl = "https://z.test"\nkind = "forgejo"\n',
    );
    removeServer(folder, 'z');
    removeServer(folder, 'y');
    expect(readServers(folder).list).toHaveLength(3);
    expect(readFileSync(file, 'utf8')).toContain('# mine');
  });

  test('where a change does not fit into the text, the old text stays beside the new one', () => {
    const file = serversFile(folder);
    const before = '# mine\nservers = [{ name = "x", url = "https://x.test", kind = "gitea" }]\n';
    writeFileSync(file, before);
    addServer(folder, { name: 'y', url: 'https://y.test', kind: 'gitea' });
    expect(
      readServers(folder)
        .list.map(({ name }) => name)
        .slice(0, 2),
    ).toEqual(['x', 'y']);
    expect(readFileSync(`${file}.before`, 'utf8')).toBe(before);
  });
});

describe('a token', () => {
  const named = (name: string) => serverNamed(readServers(folder), name);

  test('is found in the usual variable of its forge alone', async () => {
    expect(await findToken(named('github.com'), { PATH: folder, GITLAB_TOKEN: 'lab' })).toBeNull();
    expect(await findToken(named('github.com'), { PATH: folder, GITHUB_TOKEN: 'hub' })).toEqual({
      token: 'hub',
      from: 'GITHUB_TOKEN',
    });
    addServer(folder, { name: 'mine', url: 'https://ghe.example.com', kind: 'github' });
    expect(await findToken(named('mine'), { PATH: folder, GITHUB_TOKEN: 'hub', GH_TOKEN: 'hub' })).toBeNull();
  });

  test('is found in an env file first, and nowhere else where a variable is named', async () => {
    const file = join(folder, 'forge.env');
    writeFileSync(file, 'WORK_TOKEN="in the file"\nOTHER=1\n', { mode: 0o600 });
    addServer(folder, {
      name: 'work',
      url: 'https://git.example.com',
      kind: 'gitea',
      token: 'env:WORK_TOKEN',
      env_file: file,
    });
    await expect(findToken(named('work'), { PATH: folder, WORK_TOKEN: 'in-env' })).rejects.toMatchObject({
      code: 'bad_config',
      message: expect.stringContaining(`WORK_TOKEN in ${file} is no secret`),
    });
    writeFileSync(file, 'OTHER=1\n', { mode: 0o600 });
    expect(await findToken(named('work'), { PATH: folder, GITEA_TOKEN: 'usual', WORK_TOKEN: 'in-env' })).toEqual({
      token: 'in-env',
      from: 'WORK_TOKEN',
    });
    writeFileSync(file, 'WORK_TOKEN=in-file\n', { mode: 0o600 });
    expect(await findToken(named('work'), { PATH: folder, WORK_TOKEN: 'in-env' })).toEqual({
      token: 'in-file',
      from: `WORK_TOKEN in ${file}`,
    });
  });

  test('is asked of the program of its forge, away from any repository', async () => {
    const program = join(folder, 'gh');
    writeFileSync(program, '#!/bin/sh\necho "$*|$PWD" >"$0.asked"\necho from-gh\n');
    chmodSync(program, 0o755);
    expect(await findToken(named('github.com'), { PATH: `${folder}:/usr/bin:/bin` })).toEqual({
      token: 'from-gh',
      from: 'gh auth token',
    });
    expect(readFileSync(`${program}.asked`, 'utf8')).toBe('auth token --hostname github.com|/\n');
    writeFileSync(program, '#!/bin/sh\necho not logged in >&2\nexit 1\n');
    expect(await findToken(named('github.com'), { PATH: `${folder}:/usr/bin:/bin` })).toBeNull();
  });
});
