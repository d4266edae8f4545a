/** Daemons with homes and repos of their own, over one store in PostgreSQL. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { startPostgres } from '../../scripts/postgres.ts';
import { planOf } from './cli.ts';
import { type DaemonGround, daemonGround, makeRepo } from './daemon.ts';
import { startDaemonHere } from './engine.ts';
import { git, until } from './ground.ts';

export interface Host extends DaemonGround {
  readonly name: string;
  readonly project: string;
  readonly path: string;
  /** Runs a command of its daemon's command line, in its own repo. */
  ask(...words: string[]): ReturnType<DaemonGround['stator']>;
  /** What its daemon has logged. */
  log(): string;
}

interface Settings {
  /** More lines of its table [host]. */
  readonly host?: readonly string[];
  readonly maxAgents?: number;
  readonly attempts?: number;
}

function configOf(name: string, { host = [], maxAgents = 2, attempts = 3 }: Settings): string {
  return `store = "env:STATOR_STORE"
blueprint_skip_threshold = 0
max_agents = ${maxAgents}
[agents.default]
preset = "sh"
sandbox = "off"
attempts = ${attempts}
[agents.reviewer]
enabled = false
[host]
name = "${name}"
labels = ["of-${name}"]
${host.join('\n')}
`;
}

/** A PostgreSQL server for the tests of one file. */
export async function hostsGround() {
  const server = await startPostgres();
  afterAll(() => server.stop());
  let databases = 0;
  return {
    server,
    /** The name of the newest database. */
    database: () => `hosts${databases}`,
    async emptyStore(): Promise<string> {
      databases += 1;
      await server.createDatabase(`hosts${databases}`);
      return server.urlOf(`hosts${databases}`);
    },
  };
}

/** A host with a running daemon and one repo. */
export async function hostOn(url: string, name: string, settings: Settings = {}): Promise<Host> {
  const host = hostAt(url, name, settings);
  await must(host.ask('daemon', 'start'));
  await must(host.ask('repo', 'add', host.path));
  return host;
}

/** The same in this process, for the one host of a test whose daemon is not killed: a process takes a second of processor to start. */
export async function hostHere(url: string, name: string, settings: Settings = {}): Promise<Host> {
  const host = hostAt(url, name, settings);
  const { log } = await startDaemonHere(host);
  await must(host.ask('repo', 'add', host.path));
  return { ...host, log: () => log.join('\n') };
}

/** A host with a repository, and without a daemon. */
export function hostAt(url: string, name: string, settings: Settings = {}): Host {
  const made = daemonGround(configOf(name, settings));
  made.env.STATOR_STORE = url;
  // The user has an identity for the commits in each clone; an engine in this process reads the file of the newest host.
  writeFileSync(join(made.root, 'gitconfig'), '[user]\n\tname = Ada\n\temail = ada@example.com\n');
  const project = `repo-${name}`;
  const path = makeRepo(join(made.root, project));
  return {
    ...{ ...made, name, project, path },
    ask: (...words) => made.stator(words, { cwd: path }),
    log: () => readFileSync(join(made.home, 'daemon.log'), 'utf8'),
  };
}

/** A folder for the clones of a host that takes over others' repos, and the line of [host] that names it. */
export function clonesFolder(): { readonly clones: string; readonly line: string } {
  const clones = join(mkdtempSync(join(tmpdir(), 'stator-clones-')), 'clones');
  return { clones, line: `clones = "${clones}"` };
}

/** A bare repository in the role of a forge; it becomes the remote of `host`. */
export function remoteOf(host: Pick<Host, 'path'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'stator-remote-'));
  const bare = join(folder, 'remote.git');
  git(folder, 'init', '-q', '--bare', '-b', 'main', bare);
  git(host.path, 'push', '-q', bare, 'main');
  git(host.path, 'remote', 'add', 'origin', bare);
  return bare;
}

/** A host that takes over lost repos, and accepts moved ones. */
export async function taker(url: string, name: string, on = hostOn): Promise<Host & { readonly clones: string }> {
  const { clones, line } = clonesFolder();
  return { ...(await on(url, name, { host: [line] })), clones };
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
