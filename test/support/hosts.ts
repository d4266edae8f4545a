/** Daemons with homes and repos of their own, over one store in PostgreSQL. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, onTestFinished } from 'vitest';
import { startPostgres } from '../../scripts/postgres.ts';
import { planOf } from './cli.ts';
import { type DaemonGround, daemonGround, makeRepo } from './daemon.ts';
import { git, until } from './ground.ts';

export interface Host extends DaemonGround {
  readonly name: string;
  readonly project: string;
  readonly path: string;
  /** One request of its daemon's command line, in its own repo. */
  ask(...words: string[]): ReturnType<DaemonGround['stator']>;
}

const agents = `blueprint_skip_threshold = 0
max_agents = 2
[agents.default]
preset = "sh"
sandbox = "off"
[agents.reviewer]
enabled = false
`;

/** A server of PostgreSQL for the tests of one file. */
export async function hostsGround() {
  const server = await startPostgres();
  afterAll(() => server.stop());
  let databases = 0;
  return {
    server,
    /** The database that was made last. */
    database: () => `hosts${databases}`,
    async emptyStore(): Promise<string> {
      databases += 1;
      await server.query('postgres', `CREATE DATABASE hosts${databases}`);
      return server.urlOf(`hosts${databases}`);
    },
  };
}

/** A host whose daemon runs and which has one repo. `host`: more lines of its table [host]. `program`: the command of another version. */
export async function hostOn(
  url: string,
  name: string,
  host: readonly string[] = [],
  program: string | null = null,
): Promise<Host> {
  const table = ['[host]', `name = "${name}"`, `labels = ["of-${name}"]`, ...host].join('\n');
  const made = daemonGround(`store = "env:STATOR_STORE"\n${agents}${table}\n`);
  made.env.STATOR_STORE = url;
  // Its user has a name for the commits in each clone.
  for (const who of ['AUTHOR', 'COMMITTER'])
    Object.assign(made.env, { [`GIT_${who}_NAME`]: 'Ada', [`GIT_${who}_EMAIL`]: 'ada@example.com' });
  const project = `repo-${name}`;
  const path = makeRepo(join(made.root, project));
  const ask = (...words: string[]) =>
    program === null ? made.stator(words, { cwd: path }) : runWith(program, words, { cwd: path, env: made.env });
  const own = { ...made, name, project, path, ask };
  await must(ask('daemon', 'start'));
  await must(ask('repo', 'add', path));
  return own;
}

/** A host that takes over what others lose. */
export async function taker(url: string, name: string): Promise<Host & { readonly clones: string }> {
  const clones = join(mkdtempSync(join(tmpdir(), 'stator-clones-')), 'clones');
  const host = await hostOn(url, name, [`clones = "${clones}"`]);
  return { ...host, clones };
}

/** A bare repository that stands for the forge; `host` has it as its remote. */
export function remoteOf(host: Host): string {
  const folder = mkdtempSync(join(tmpdir(), 'stator-remote-'));
  const bare = join(folder, 'remote.git');
  git(folder, 'init', '-q', '--bare', '-b', 'main', bare);
  git(host.path, 'push', '-q', bare, 'main');
  git(host.path, 'remote', 'add', 'origin', bare);
  return bare;
}

/** A command line of another version. */
async function runWith(
  program: string,
  words: readonly string[],
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): ReturnType<DaemonGround['stator']> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [program, ...words], {
    ...{ cwd, env, extendEnv: false, reject: false, stdin: 'ignore' },
  });
  return { code: exitCode ?? null, stdout, stderr };
}

export async function must(asked: ReturnType<DaemonGround['stator']>): Promise<string> {
  const { code, stdout, stderr } = await asked;
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

export async function register(host: Host, plan: string, waves: readonly (readonly string[])[]): Promise<void> {
  writeFileSync(join(host.path, `${plan}.md`), planOf(...waves));
  await must(host.ask('plan', 'register', `${plan}.md`, '--trust', '--start'));
}

export async function statusOf(asked: Host, of: Host, plan: string): Promise<string> {
  return (await asked.client().plan(of.project, plan)).status;
}

export async function kill(host: Host): Promise<void> {
  process.kill(host.owner()?.pid ?? 0, 'SIGKILL');
  await until(() => host.owner() === null);
}

/** The same database through a port that can be closed; what goes through it is then cut. */
export async function gateTo(url: string) {
  const target = new URL(url);
  const known = Number(target.port);
  const open = new Set<Socket>();
  const gate = createServer((client) => {
    const there = connect(known, 'localhost');
    client.pipe(there).pipe(client);
    for (const end of [client, there]) {
      open.add(end);
      end.on('error', () => end.destroy());
      end.on('close', () => {
        open.delete(end);
        client.destroy();
        there.destroy();
      });
    }
  });
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      gate.listen(port, '127.0.0.1', () => resolve((gate.address() as { port: number }).port)); // it listens
    });
  const port = await listen(0);
  target.port = String(port);
  onTestFinished(() => void gate.close());
  return {
    url: target.href,
    close() {
      gate.close();
      for (const end of open) end.destroy();
    },
    open: () => listen(port),
  };
}
