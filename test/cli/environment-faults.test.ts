/** A fault of the environment is reported as that, with what to do, and never as a bug. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unbuiltModule } from '../../runtime/base/platform/unbuilt-module.ts';
import { planOf, terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal, expectRefusalJson } from '../support/prose.ts';
import { openPty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const nobody = 65_534;

describe('a folder of git itself', () => {
  it('that is a bare repository is named as one', async () => {
    const made = working();
    git(made.root, 'clone', '-q', '--bare', made.repo, 'bare.git');
    const cwd = join(made.root, 'bare.git');
    for (const verb of [['run', '../demo/p.md'], ['init']]) {
      made.write('p.md', planOf(['true']));
      const { code, stderr } = await made.stator(verb, { cwd });
      expect(code).toBe(1);
      expectRefusal(stderr, `error: ${cwd} `, `git clone ${cwd} <folder>`);
    }
  });

  it('that lies inside of .git is refused with the command that leaves it', async () => {
    const made = working();
    const { code, stderr } = await made.stator(['init'], { cwd: join(made.repo, '.git', 'refs') });
    expect(code).toBe(1);
    expectRefusal(stderr, ' .git ', `cd ${made.repo}\n`);
  });

  it('that cannot be written is refused before anything starts, and is no bug', () => {
    const made = working();
    made.write('p.md', planOf(['true']));
    const isRoot = process.getuid?.() === 0;
    const home = join(made.root, 'nobody');
    mkdirSync(home);
    writeFileSync(join(home, '.gitconfig'), '[safe]\ndirectory = *\n');
    chmodSync(made.root, 0o755);
    if (isRoot) chownSync(home, nobody, nobody);
    else for (const folder of ['objects', 'refs', '.']) chmodSync(join(made.repo, '.git', folder), 0o555);
    const env = { ...made.env, HOME: home, STATOR_HOME: join(home, 'stator'), XDG_RUNTIME_DIR: home, TMPDIR: home };
    const user = isRoot ? { uid: nobody, gid: nobody } : {};
    const args = [main, 'run', 'p.md', '--trust'];
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: made.repo,
      env: { ...env, GIT_CONFIG_GLOBAL: join(home, '.gitconfig') },
      ...user,
      encoding: 'utf8',
    });
    if (!isRoot) chmodSync(join(made.repo, '.git'), 0o755);
    expectRefusal(stderr, `${join(made.repo, '.git')} `, 'EACCES');
    expect(status).toBe(1);
  });
});

it('a folder of TMPDIR that is not there is named with what to do', () => {
  const made = terminal();
  const env = { ...made.env, TMPDIR: join(made.root, 'gone') };
  const { status, stderr } = spawnSync(process.execPath, [main, 'demo'], { cwd: made.repo, env, encoding: 'utf8' });
  expectRefusal(stderr, join(env.TMPDIR, 'stator-demo-'), 'TMPDIR');
  expect(status).toBe(1);
});

it('a current folder that was deleted, such as a worktree that was cleaned up, is named, and is no bug', () => {
  const { root, env } = terminal();
  const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$@"';
  const args = ['-c', script, process.execPath, main, 'status'];
  const { status, stderr } = spawnSync('sh', args, { cwd: root, env, encoding: 'utf8' });
  expectRefusal(stderr, 'current folder', 'cd <folder>');
  expect(status).toBe(1);
});

it('a native module that is missing, not built, or built for another Node or system, is reported with the command that repairs it', () => {
  const file = '/a/better_sqlite3.node';
  const folder = realpathSync(join(import.meta.dirname, '../../node_modules/better-sqlite3'));
  const dlopen = (message: string) => Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' });
  const all: [thrown: Error, does: string][] = [
    [new Error(`Could not locate the bindings file. Tried:\n → ${file}`), `cd ${folder} && npm run install`],
    [dlopen(`The module ${file} was compiled using NODE_MODULE_VERSION 108`), `cd ${folder} && npm run install`],
    [
      dlopen(`libm.so.6: version 'GLIBC_2.38' not found (required by ${file})`),
      `cd ${folder} && npm run build-release`,
    ],
    [dlopen(`${file}: file too short`), `cd ${folder} && npm run install`],
    [new Error("Cannot find module 'better-sqlite3'\nRequire stack:\n- /a/b.js"), 'nodeLinker'],
    [new Error("Cannot find module 'bindings'\nRequire stack:\n- /a/better-sqlite3/lib/database.js"), 'nodeLinker'],
  ];
  const others = ["Cannot find module 'bindings'\nRequire stack:\n- /a/b.js", "Cannot find module 'bindings-x'"];
  expect(others.map((text) => unbuiltModule(new Error(text)))).toEqual([null, null]);
  for (const [thrown, does] of all) {
    const error = unbuiltModule(thrown);
    expect(error?.code).toBe('store_unreadable');
    const told = `${error?.message}\nhint: ${error?.hint}`.replace(process.version, '<version>');
    expect(told).toContain(does);
    expectProse(told.replace(folder, '<module>'));
  }
  expect(unbuiltModule(new Error('anything else'))).toBeNull();
});

it('verbs that only read make no home and no store', async () => {
  const made = terminal();
  const verbs = ['status', 'plan list', 'plan show p', 'plan history p', 'instance list', 'queue list', 'repo list'];
  for (const verb of [...verbs, 'queue stats', 'signal list']) {
    const { code } = await made.stator(verb.split(' '));
    expect({ verb, isAnswered: code === 0 || code === 1 }).toEqual({ verb, isAnswered: true });
  }
  const { code, stdout } = await made.stator(['store', 'check']);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `there is no store at ${join(made.home, 'taskstore.db')}\ncopies: none\n`,
  });
  expect(existsSync(made.home) ? readdirSync(made.home) : []).toEqual([]);
});

it('a terminal that says it has no size is taken for one of 80x24', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  const script = `stty rows 0 cols 0; exec ${process.execPath} ${main} run p.md --trust`;
  const pty = openPty('sh', ['-c', script], { cwd: made.repo, env: made.env });
  expect(await pty.ended).toBe(0);
  expect(pty.written()).not.toMatch(/NaN|Infinity/);
  expect(pty.text()).toContain('stator plan merge p');
});

describe.skipIf(!existsSync('/dev/full'))('an answer that is not whole', () => {
  const full = (line: string, env: NodeJS.ProcessEnv) =>
    spawnSync('sh', ['-c', `"$0" "$1" ${line}`, process.execPath, main], { env, encoding: 'utf8' });

  it('is reported, and the call fails: a picture or a list that is cut off looks complete', () => {
    const { env } = terminal();
    for (const verb of ['machine export plan --format svg', 'plan list']) {
      const { status, stderr } = full(`${verb} > /dev/full`, env);
      expectRefusal(stderr, 'ENOSPC', 'df -h');
      expect(status, verb).toBe(1);
    }
    const json = full('machine list --json > /dev/full', env);
    expectRefusalJson(json.stderr, 'disk_full', 'ENOSPC');
  });

  it('is another thing than a remark that is lost, or a reader who has gone', () => {
    const { env } = terminal();
    expect(full('machine lst 2> /dev/full', env).status).toBe(64);
    expect(full('machine list 2> /dev/full', env)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('plan'),
    });
    expect(full('machine export plan --format json | head -c 1', env)).toMatchObject({ stderr: '', stdout: '{' });
  });
});

const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'ro', 'none', '/mnt']).status === 0;

it.skipIf(!canMount)('a home on a disk that is mounted read-only is not to be opened with chmod', () => {
  const { env, home } = terminal();
  mkdirSync(home, { recursive: true });
  const script = `mount -t tmpfs -o ro,mode=700 none '${home}' && exec "$0" "$1" daemon start`;
  const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath, main], {
    ...{ env, encoding: 'utf8' },
  });
  expectRefusal(stderr, '(EROFS)', 'mount its disk for writing');
  expect(status).toBe(78);
});

it.skipIf(!canMount)(
  'a home whose disk is mounted noexec is found by doctor, since agents cannot start stator there',
  () => {
    const { env, home } = terminal();
    mkdirSync(home, { recursive: true });
    const made = 'mkdir bin && printf "#!/bin/sh\\n" > bin/stator && chmod 700 bin/stator';
    const script = `mount -t tmpfs -o noexec,mode=700 none '${home}' && cd '${home}' && ${made} && exec "$0" "$1" doctor`;
    const { status, stdout } = spawnSync('unshare', ['-m', 'sh', '-c', script, process.execPath, main], {
      ...{ env, encoding: 'utf8' },
    });
    expect(stdout).toMatch(/✗ +home +.*bin\/stator, the stator of the agents, cannot be started/);
    expect(stdout).toContain('noexec');
    expect(status).toBe(1);
  },
);

it('a limit of open files that is too low is named, at whichever file it is met', () => {
  const { env, root } = terminal();
  writeFileSync(join(root, '.git'), 'gitdir: nowhere\n'); // so git is asked
  const said = [20, 22, 24, 26, 28, 30].map((limit) => {
    const args = ['-c', `ulimit -n ${limit}; exec "$0" "$1" status`, process.execPath, main];
    return spawnSync('sh', args, { env, cwd: root, encoding: 'utf8' }).stderr;
  });
  // With the lowest, Node itself may not begin. With the highest, nothing may be missing.
  expect(said.join('\n')).not.toMatch(/a bug|was ended by/);
  expect(said.join('\n')).toMatch(
    /error: no more open files \(this process may have 2\d\): .*\nhint: .*ulimit -n 4096/,
  );
});

describe('what is thrown outside of any call', () => {
  const crash = (text: string, file: string | null = null) => {
    const made = working();
    // As soon as the program has begun.
    const isBegun = "process.listenerCount('uncaughtException') > 0";
    const later = `const look = setInterval(() => ${isBegun} && (clearInterval(look), Promise.reject(${text})), 20)`;
    if (file !== null) made.write(file, later);
    const code = file === null ? `data:text/javascript,${encodeURIComponent(later)}` : join(made.repo, file);
    const options = `--import=${code}`;
    const { status, stderr } = spawnSync(process.execPath, [main, 'daemon', 'start', '--foreground'], {
      ...{ cwd: made.repo, encoding: 'utf8', timeout: 30_000 },
      env: { ...made.env, NODE_OPTIONS: options },
    });
    return { status, stderr };
  };

  it('ends a daemon with a report, as a bug in a call does', () => {
    const { status, stderr } = crash('new TypeError("no such thing")');
    expect(status).toBe(70);
    const path = /a report is in (\S+);/.exec(stderr)?.[1] ?? '';
    expect(stderr).toContain('error: a bug: no such thing\n');
    expect(existsSync(path)).toBe(true);
  });

  it('is no bug of stator where code of the user threw it, which is named', () => {
    const { status, stderr } = crash('new TypeError("no such thing")', 'own.mjs');
    expect(status).toBe(70);
    expect(stderr).toMatch(/^error: code at \/\S+\/own\.mjs:1:\d+, which is not of stator, threw: no such thing$/m);
    expect(stderr).toMatch(/^hint: a report is in \S+; correct that code$/m);
  });

  it('is no bug where the memory ran out', () => {
    const { status, stderr } = crash(
      'new RangeError("WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance")',
    );
    expect(status).toBe(1);
    expectRefusal(stderr, 'no more memory: WebAssembly.instantiate()', 'ulimit -v');
  });
});

it('a damaged store without a copy is not to be restored from its newest copy', async () => {
  const made = terminal();
  mkdirSync(made.home, { mode: 0o700 });
  writeFileSync(join(made.home, 'taskstore.db'), 'no database\n');
  const { code, stdout } = await made.stator(['store', 'check']);
  expect(code).toBe(78);
  expect(stdout.split('\n').slice(-3, -1)).toEqual([
    'copies: none',
    'put a copy from elsewhere in its place: stator store restore <file>',
  ]);
});
