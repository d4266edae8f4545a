/**
 * A hostile agent, started by a person who is not root, without walls and inside of them. docs/escapes.md has the results of each attempt, and is
 * written again with `npx vitest run --update test/walls/escapes.test.ts`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readProcessTable, signalProcess } from '../../runtime/base/platform/process-table.ts';
import { gate } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const script = join(import.meta.dirname, '../support/scripts/hostile.mjs');
const secret = 'c2VjcmV0LW9mLXRoZS11c2Vy';
const nobody = { uid: 65_534, gid: 65_534 };
/** `nobody`, if the tests run as root, whom file permissions do not stop; root, if no other user can read this checkout. */
const user: { uid?: number; gid?: number } = process.getuid?.() === 0 && mayRead(nobody) ? nobody : {};

/** A description of each attempt, in the order of the table. */
const attempts = {
  'read-home': 'read a file in the home folder',
  'list-home': 'list the home folder',
  'read-ssh-key': 'read a key in `~/.ssh`',
  'read-git-credentials': "read git's stored passwords",
  'write-shell-start': 'write into `~/.bashrc`',
  'write-git-config': 'name a program in `~/.gitconfig`',
  'write-program': 'replace a program on PATH',
  'read-temp-of-others': 'read a file in `/tmp`',
  'write-temp-of-others': 'write a file into `/tmp`',
  'read-through-link': 'read a file in the home folder through a link in the worktree',
  'hard-link': 'hard-link a file of the home folder into the worktree',
  'read-through-open-folder': 'read the home folder through a descriptor that a terminal or an editor left open',
  'read-through-proc': 'read the home folder through `/proc/<pid>/root`',
  'uncover-mounts': 'unmount what covers the home folder, in a user namespace of its own',
  'read-checkout': 'read uncommitted files in the checkout',
  'write-checkout': 'write into the checkout',
  'read-neighbour': 'read the worktree of another task',
  'write-neighbour': 'write into the worktree of another task',
  'exchange-worktree': 'move its own worktree away',
  'exchange-dot-git': "replace its worktree's `.git`",
  'read-store': "read the engine's store",
  'write-store': "open the engine's store for writing",
  'read-engine-config': 'read `daemon.toml`',
  'write-launcher': 'replace the `stator` program that all agents use',
  'read-other-run': "read another run's prompt",
  'end-other-run': "write another run's exit code",
  'end-own-run': "write into its own run's folder",
  'read-repo-config': "read a password in the repository's configuration",
  'write-repo-config': "write into the repository's configuration",
  'write-hook': 'put a hook into the repository',
  'write-attributes': 'name filters in `.git/info/attributes`',
  'redirect-objects': "write among the repository's objects by hand",
  'move-main': 'create a branch in the repository',
  'signal-engine': 'signal the engine',
  'signal-victim': 'signal another program of the user',
  'signal-wrapper': 'signal its own wrapper',
  'see-processes': 'see the command lines of others',
  'read-environment-of-others': 'read the environment of another program',
  'leave-process': 'leave a process behind that nothing links to its run',
  'ssh-agent': 'connect to ssh-agent',
  'session-bus': 'connect to a socket in the runtime folder',
  'abstract-socket': 'connect to an abstract socket (`network = "hosts"` or `"none"`)',
  loopback: 'connect to a server on the loopback interface (`network = "hosts"` or `"none"`)',
  'loopback-by-proxy': 'connect to a server on the loopback interface through the proxy of `network = "hosts"`',
  'engine-as-person': 'send to the engine as a person, without a token',
  'token-in-environment': 'find a token in its environment',
  'ssh-agent-in-environment': 'find `SSH_AUTH_SOCK` in its environment',
  'loader-in-environment': 'find `LD_…` or `NODE_OPTIONS` in its environment',
  'key-of-others-in-environment': "find another program's key in its environment",
} as const;
type Attempt = keyof typeof attempts;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe.skipIf(noWallsHere !== null)(
  `a hostile agent${noWallsHere === null ? '' : ` (skipped: ${noWallsHere})`}`,
  () => {
    test('gets nothing inside of walls of what it gets without them', async () => {
      const outside = await attempted('off');
      const inside = await attempted('bwrap');
      const lines = Object.entries(attempts).map(
        ([name, words]) =>
          `| ${words} | ${outsideWord(outside[name as Attempt])} | ${outsideWord(inside[name as Attempt])} |`, // the keys of the table
      );
      await expect(`${head}${lines.join('\n')}\n`).toMatchFileSnapshot('../../docs/escapes.md');
      const got = Object.keys(attempts).filter((name) => inside[name as Attempt]); // the keys of the table
      expect(got).toEqual([]);
    });
  },
);

const head = `# What a hostile agent gets

A hostile program tries each of these, started by a user who is not root. Both columns use the same profile except for \`sandbox\` and \`network\`. A test measures each result and writes this page.
[walls.md](walls.md) says what the walls are made of.

| it tries to | without walls | inside walls |
| --- | --- | --- |
`;

function outsideWord(got: boolean): string {
  return got ? '**gets it**' : 'no';
}

interface Stage {
  readonly root: string;
  readonly userHome: string;
  readonly home: string;
  readonly repo: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The results of each attempt, in a separate home and repository. */
async function attempted(sandbox: 'off' | 'bwrap'): Promise<Record<Attempt, boolean>> {
  const stage = layStage(sandbox);
  const { root, home, repo, env } = stage;
  const sockets = { agent: join(root, 'run', 'agent'), bus: join(root, 'run', 'bus'), abstract: `${root}-abstract` };
  for (const where of [sockets.agent, sockets.bus, `\0${sockets.abstract}`]) await listening(where);
  const port = portOf(await listening(0));
  for (const path of [sockets.agent, sockets.bus]) chmodSync(path, 0o777);
  const mark = `mark-of-${root}`;
  const victim = started(['sh', '-c', gate(join(root, 'over')), mark], { SECRET: secret }, '/');
  const open = openSync(stage.userHome, constants.O_RDONLY);
  cleanups.push(() => closeSync(open));
  const running = started([process.execPath, main, 'run', 'p.md', '--trust'], env, repo, open);
  const [own, neighbour] = [1, 2].map((task) => join(repo, '.worktrees', `plan-p-w1-t${task}`));
  if (own === undefined || neighbour === undefined) throw new Error('two tasks have two worktrees');
  await until(
    () => existsSync(join(neighbour, 'neighbour.txt')) && existsSync(join(own, 'hostile.mjs')),
    () => running.said(),
  );
  const folderOf = (task: number) => {
    const name = readdirSync(join(home, 'runs')).find((each) => each.includes(`#task-${task}.`));
    if (name === undefined) throw new Error(`task ${task} has no run`);
    return join(home, 'runs', name);
  };
  const left = join(root, 'never');
  const owner = JSON.parse(readFileSync(join(home, 'owner.json'), 'utf8')) as { pid: number; socketPath: string }; // written by the engine
  const targets = {
    ...{
      home,
      userHome: stage.userHome,
      repo,
      neighbour,
      other: folderOf(2),
      secret,
      mark,
      left,
      port,
      victim: victim.child.pid,
    },
    ...{ engine: owner.pid, temp: join(root, 'temp', 'file'), sockets: { ...sockets, person: owner.socketPath } },
  };
  writeFileSync(join(own, 'targets.part'), JSON.stringify(targets), { mode: 0o644 });
  spawnSync('mv', [join(own, 'targets.part'), join(own, 'targets.json')]);
  const folder = folderOf(1);
  const hook = join(repo, '.git', 'hooks', 'post-checkout');
  await until(
    () => existsSync(join(folder, 'exit')),
    () => running.said(),
  );
  const said = /^GOT (.*)$/m.exec(readFileSync(join(folder, 'log'), 'utf8'))?.[1];
  if (said === undefined) throw new Error(`it came to no end: ${readFileSync(join(folder, 'log'), 'utf8')}`);
  const table = readProcessTable();
  const remains = table.rows.filter(
    ({ identity, hasEnded }) => !hasEnded && table.argumentsOf(identity.pid).includes(left),
  );
  const isHostile = (file: string) => existsSync(file) && /hostile/.test(readFileSync(file, 'utf8'));
  const seen: Partial<Record<Attempt, boolean>> = {
    'write-shell-start': isHostile(join(stage.userHome, '.bashrc')),
    'write-git-config': isHostile(join(stage.userHome, '.gitconfig')),
    'write-program': isHostile(join(stage.userHome, 'bin', 'tool')),
    'write-temp-of-others': existsSync(join(root, 'temp', 'hostile')),
    'write-launcher': isHostile(join(home, 'bin', 'stator')),
    'end-other-run': existsSync(join(folderOf(2), 'exit')),
    'end-own-run': existsSync(join(folder, 'hostile-exit')),
    'write-checkout': isHostile(join(repo, 'README.md')),
    'write-neighbour': existsSync(join(neighbour, 'hostile.txt')),
    'write-repo-config': isHostile(join(repo, '.git', 'config')),
    'write-hook': existsSync(hook),
    'write-attributes': existsSync(join(repo, '.git', 'info', 'attributes')),
    'redirect-objects': existsSync(join(repo, '.git', 'objects', 'info', 'hostile')),
    'move-main': existsSync(join(repo, '.git', 'refs', 'heads', 'hostile')),
    'leave-process': remains.length > 0,
  };
  for (const row of remains) signalProcess(row.identity, 'SIGKILL');
  writeFileSync(join(neighbour, 'stop'), '');
  running.child.kill('SIGTERM');
  await running.ended;
  const told = JSON.parse(said) as Record<Attempt, boolean | null>; // written by the script
  const entries = Object.keys(attempts).map((name) => [name, seen[name as Attempt] ?? told[name as Attempt]]); // the keys of the table
  expect(entries.filter(([, got]) => typeof got !== 'boolean')).toEqual([]);
  return Object.fromEntries(entries);
}

/** A user with secrets, a repository and a configuration. */
function layStage(sandbox: 'off' | 'bwrap'): Stage {
  const root = mkdtempSync(join(tmpdir(), 'stator-escapes-'));
  chmodSync(root, 0o755);
  cleanups.push(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));
  const userHome = join(root, 'user');
  const home = join(userHome, '.config', 'stator');
  const repo = join(userHome, 'src', 'demo');
  const put = (file: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  };
  put(join(userHome, 'secret.txt'), secret);
  put(join(userHome, '.ssh', 'id_ed25519'), secret, 0o600);
  put(join(userHome, '.git-credentials'), secret, 0o600);
  put(join(userHome, '.bashrc'), 'true\n');
  put(join(userHome, '.gitconfig'), '[user]\n\tname = Ada\n\temail = ada@example.com\n');
  put(join(userHome, 'bin', 'tool'), '#!/bin/sh\ntrue\n', 0o755);
  put(join(root, 'temp', 'file'), secret);
  put(join(home, 'daemon.toml'), daemonToml(sandbox), 0o600);
  put(join(repo, 'README.md'), 'hello\n');
  put(join(repo, 'p.md'), plan);
  copyFileSync(script, join(repo, 'hostile.mjs'));
  git(repo, 'init', '-q', '-b', 'main');
  git(repo, 'config', 'remote.origin.url', `https://me:${secret}@example.com/demo.git`);
  git(repo, 'add', '-A');
  git(repo, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-qm', 'begin');
  put(join(repo, 'uncommitted.txt'), secret);
  mkdirSync(join(root, 'run'), { mode: 0o700 });
  rmSync(join(repo, '.git', 'hooks'), { recursive: true, force: true });
  mkdirSync(join(repo, '.git', 'hooks'));
  giveAway(root);
  const env = {
    ...{
      HOME: userHome,
      PATH: `${join(userHome, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`,
      XDG_RUNTIME_DIR: join(root, 'run'),
    },
    ...{ TMPDIR: join(root, 'temp'), LANG: 'C.UTF-8', GITHUB_TOKEN: secret, OPENAI_API_KEY: secret },
    ...{ SSH_AUTH_SOCK: join(root, 'run', 'agent'), NODE_OPTIONS: '--no-deprecation', LD_LIBRARY_PATH: '/nowhere' },
  };
  return { root, userHome, home, repo, env };
}

function daemonToml(sandbox: 'off' | 'bwrap'): string {
  return `blueprint_skip_threshold = 0
auto_readiness_review = false
[agents.default]
preset = "command"
program = "node hostile.mjs"
attempts = 1
sandbox = "${sandbox}"
${sandbox === 'off' ? '' : 'network = "hosts"\nhosts = ["localhost"]\n'}[agents.reviewer]
enabled = false
`;
}

const plan = `# A plan

## Wave 1

### Task 1: the hostile one

### Task 2: its neighbour
`;

function mayRead(who: { readonly uid: number; readonly gid: number }): boolean {
  const look = "require('node:fs').accessSync(process.argv[1])";
  return spawnSync(process.execPath, ['-e', look, main], { ...who, cwd: '/', stdio: 'ignore' }).status === 0;
}

/** Gives everything under the folder to the user who is not root. */
function giveAway(path: string): void {
  if (user.uid === undefined || user.gid === undefined) return;
  lchownSync(path, user.uid, user.gid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) giveAway(join(path, entry.name));
    else lchownSync(join(path, entry.name), user.uid, user.gid);
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  said(): string;
}

/** A process of the user who is not root; it is ended after the test at the latest. */
function started(
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  leftOpen?: number,
): Started {
  // Node closes the descriptors right after the standard streams, and descriptors that a terminal leaves open have higher numbers.
  const others = leftOpen === undefined ? [] : [...Array.from({ length: 60 }, () => 'ignore' as const), leftOpen];
  const child = spawn(program, args, {
    cwd,
    env: { PATH: '/usr/bin:/bin', ...env },
    ...user,
    stdio: ['ignore', 'pipe', 'pipe', ...others],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  cleanups.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, said: () => text };
}

async function listening(where: string | number): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (typeof where === 'number') server.listen(where, '127.0.0.1', resolve);
    else server.listen(where, resolve);
  });
  cleanups.push(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}
