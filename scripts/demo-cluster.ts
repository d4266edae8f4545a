/**
 * Three daemons, each with its own home and clones, share one PostgreSQL. Each of their repositories has a bare remote. Each host works on two
 * plans. One daemon is killed while its agents work, and its clone is deleted: another host takes its repository over. Exits with 0 if every task of
 * the six plans is in its branch once. `npm run demo:cluster`.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Client, connect } from '../runtime/engine/connect.ts';
import { startPostgres } from './postgres.ts';

interface Host {
  readonly name: string;
  readonly home: string;
  /** The folder of its clones. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Asks its daemon. The loops below ask often: a command for each question would take most of the processor from the agents. */
  readonly client: Client;
}

const command = resolve(import.meta.dirname, '../bin/stator.js');
const repos = ['shop', 'site', 'docs'] as const;
const plans = ['search', 'basket'] as const;
const waves = [
  ['read', 'store'],
  ['show', 'test'],
] as const;
const root = mkdtempSync(join(tmpdir(), 'stator-cluster-'));
const run = promisify(execFile);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

async function stator(host: Pick<Host, 'folder' | 'env'>, ...words: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [command, ...words], { cwd: host.folder, env: host.env });
  return stdout;
}

/** A bare repository with one commit, in the role of the forge. */
function createRemote(repo: string): string {
  const remote = join(root, 'remotes', `${repo}.git`);
  git(root, 'init', '-q', '--bare', '-b', 'main', remote);
  const first = join(root, `first-${repo}`);
  git(root, 'clone', '-q', remote, first);
  git(first, ...author, 'commit', '-q', '--allow-empty', '-m', 'begin');
  git(first, 'push', '-q', 'origin', 'HEAD:main');
  rmSync(first, { recursive: true });
  return remote;
}

const author = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];

const clonesOf = (folder: string) => join(folder, 'clones');

function clone(host: Host, repo: string): string {
  const path = join(clonesOf(host.folder), repo);
  git(root, 'clone', '-q', join(root, 'remotes', `${repo}.git`), path);
  return path;
}

async function createHost(name: string, store: string): Promise<Host> {
  const folder = join(root, name);
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, '.gitconfig'), '[user]\nname = Ada\nemail = ada@example.com\n');
  const settings = [
    'store = "env:STATOR_STORE"',
    'max_agents = 4',
    'blueprint_skip_threshold = 0',
    '[host]',
    `name = "${name}"`,
    `clones = "${clonesOf(folder)}"`,
    '[agents.default]',
    'preset = "sh"',
    'sandbox = "off"',
    '[agents.reviewer]',
    'enabled = false',
  ];
  writeFileSync(join(home, 'daemon.toml'), `${settings.join('\n')}\n`);
  const env = { ...process.env, HOME: folder, STATOR_HOME: home, STATOR_STORE: store };
  await stator({ folder, env }, 'daemon', 'start');
  return { name, home, folder, env, client: await connect({ env, mode: 'read' }) };
}

/** The last waves of the host that will be lost wait until this file exists, so that it is lost in the middle of its plans. */
const gate = join(root, 'gate');

/** A plan of four small tasks; every task adds a line with its host, which is the name of the home. */
function planText(plan: string, waits: boolean): string {
  const task = (text: string, at: number, wait: string) =>
    `### Task ${at + 1}: ${text}\n\n\`\`\`sh\n${wait}\nbasename "$HOME" >> ${plan}-${text}.txt\n\`\`\`\n`;
  const wave = (tasks: readonly string[], at: number) => {
    const wait = waits && at === waves.length - 1 ? `until [ -e '${gate}' ]; do sleep 0.2; done` : 'sleep 0.5';
    return `## Wave ${at + 1}\n\n${tasks.map((text, number) => task(text, number, wait)).join('\n')}`;
  };
  return `# ${plan}\n\n${waves.map(wave).join('\n')}`;
}

async function registerPlans(host: Host, repo: string): Promise<void> {
  const path = clone(host, repo);
  await stator(host, 'repo', 'add', path);
  for (const plan of plans) {
    const file = join(path, `${plan}.md`);
    writeFileSync(file, planText(plan, repo === repos[1]));
    await stator(host, 'plan', 'register', file, '--project', repo, '--trust', '--start');
    rmSync(file);
  }
}

async function until(isTrue: () => Promise<boolean>, what: string, limitMs = 240_000): Promise<void> {
  const limitAtMs = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > limitAtMs) throw new Error(`${what}: not within ${limitMs / 1_000} s`);
    await new Promise((done) => setTimeout(done, 500));
  }
}

/** Every branch of a plan in a clone, or at its remote, as `<plan> <commit>`. */
function heads(path: string, prefix: string): string[] {
  const lines = git(path, 'for-each-ref', '--format=%(refname) %(objectname)', prefix).trim().split('\n');
  return lines.flatMap((line) => {
    const found = /plan\/(\w+) (\w+)$/.exec(line);
    return found === null ? [] : [`${found[1]} ${found[2]}`];
  });
}

/**
 * Kills the daemon and deletes its clone, while agents work and no push is pending: a merge that was not pushed yet would be lost with the machine,
 * as docs/cluster.md says.
 */
async function loseMachine(host: Host, repo: string, isWanted: () => Promise<boolean>): Promise<void> {
  const { engine } = host.client;
  if (engine === null || engine.kind === 'none') throw new Error(`${host.name} has no daemon`);
  const [path, remote] = [join(clonesOf(host.folder), repo), join(root, 'remotes', `${repo}.git`)];
  const isKilled = async () => {
    if (!(await isWanted())) return false;
    process.kill(engine.pid, 'SIGSTOP');
    const isPushed = new Set(heads(remote, 'refs/stator/shared'));
    const isWhole = heads(path, 'refs/heads/plan').every((head) => isPushed.has(head));
    process.kill(engine.pid, isWhole ? 'SIGKILL' : 'SIGCONT');
    return isWhole;
  };
  await until(isKilled, `${host.name} is in the middle of a plan`);
  rmSync(path, { recursive: true, force: true });
}

/** The content of each task's file: the host that ran it, once. Throws if it is missing, or if the task ran twice. */
function linesOf({ project: repo, path }: { readonly project: string; readonly path: string }): string[] {
  return plans.map((plan) => {
    const tasks = waves.flat().map((task) => {
      const ran = git(path, 'show', `plan/${plan}:${plan}-${task}.txt`).trim();
      if (!hosts.some(({ name }) => name === ran)) throw new Error(`${repo}/${plan}/${task} was done twice: ${ran}`);
      return `${task} ${ran}`;
    });
    return `  ${repo}/${plan}: ${tasks.join(', ')}`;
  });
}

const postgres = await startPostgres();
const hosts: Host[] = [];
try {
  await postgres.createDatabase('fleet');
  for (const repo of repos) createRemote(repo);
  for (const name of ['build-1', 'build-2', 'build-3']) hosts.push(await createHost(name, postgres.urlOf('fleet')));
  const [first, lost] = hosts as [Host, Host];
  say('three daemons share one PostgreSQL; each gets a repository with two plans');
  await Promise.all(repos.map((repo, at) => registerPlans(hosts[at] as Host, repo)));
  say(await stator(first, 'host', 'list'));
  const isHalfDone = async () =>
    (await first.client.plans()).some(
      ({ project, status, tasks_done: done }) => project === repos[1] && status === 'implementing' && done > 0,
    );
  await loseMachine(lost, repos[1], isHalfDone);
  const lostAtMs = performance.now();
  writeFileSync(gate, '');
  say('the daemon of build-2 is killed, and its clone is gone with its machine');
  const owner = async () => (await first.client.repos()).find(({ project }) => project === repos[1])?.host;
  await until(async () => (await owner()) !== lost.name, 'another host takes its repository over');
  const seconds = Math.round((performance.now() - lostAtMs) / 1_000);
  say(`after ${seconds} s, ${await owner()} has cloned its repository and goes on with its plans, by itself`);
  await until(async () => (await first.client.plans()).every(({ status }) => status === 'done'), 'all plans are done');
  for (const repo of await first.client.repos()) for (const line of linesOf(repo)) say(line);
  say(await stator(first, 'plan', 'list', '--all'));
  say('all six plans are done, each task once');
} catch (thrown) {
  const [host] = hosts;
  for (const { plan, project, status } of host === undefined ? [] : await host.client.plans().catch(() => []))
    if (status !== 'done') say(await stator(host as Host, 'plan', 'explain', plan, '--project', project).catch(String));
  throw thrown;
} finally {
  for (const host of hosts) await stator(host, 'daemon', 'stop', '--agents').catch(() => '');
  await postgres.stop();
  rmSync(root, { recursive: true, force: true, maxRetries: 10 });
}
