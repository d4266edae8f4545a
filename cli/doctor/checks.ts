/** The requirements of a plan on this machine, each checked directly. */

import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { duration, localTime } from '../../machines/vocabulary/time-text.ts';
import {
  type AgentProfile,
  everyProfile,
  homeFolder,
  isStoreThere,
  loadDaemonConfig,
  loadRepoConfig,
  missingVariables,
  type RepoConfig,
  refusedAddresses,
  type SandboxMode,
  socketPath,
  wallsSetting,
} from '../../runtime/base/config/config.ts';
import { abstractSockets } from '../../runtime/base/platform/abstract-sockets.ts';
import { probeBubblewrap } from '../../runtime/base/platform/bubblewrap.ts';
import { groupBy } from '../../runtime/base/platform/group-by.ts';
import { isSandboxOff, ofOthers } from '../../runtime/base/platform/home.ts';
import { usualMemoryBytes, usualProcesses } from '../../runtime/base/platform/machine-share.ts';
import { probeResourceLimits } from '../../runtime/base/platform/resource-limits.ts';
import { sizeText } from '../../runtime/base/platform/size.ts';
import { oneLine } from '../../runtime/base/platform/terminal-text.ts';
import { unbuiltModule } from '../../runtime/base/platform/unbuilt-module.ts';
import { attach } from '../../runtime/engine/attach.ts';
import { connect } from '../../runtime/engine/connect.ts';
import {
  baseBranchIn,
  envFileIn,
  filtersIn,
  gitFaultsIn,
  gitVersionIn,
  hostsIn,
  identityIn,
  launcherFaultIn,
  promptProblems,
  signingIn,
  startProblemIn,
  terminalIn,
} from '../../runtime/engine/preflight.ts';
import { copiesIn, storeFaultsIn, storePlaceIn, tryStoreModule } from '../../runtime/engine/store-copies.ts';
import type { Call } from '../command.ts';
import { mainRepository } from '../place.ts';
import { serverList } from '../server.ts';
import type { Finding } from './finding.ts';
import { forgeState } from './forges.ts';
import { findProgram, programState, programsOf } from './programs.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do; empty if nothing is wrong. */
  readonly hint: string;
}

/** With less free space than this, a worktree of an ordinary repo may not fit. */
const spaceLimitBytes = 512 * 1024 * 1024;
const filesLimit = 1_000;
/** The number of trees that are replayed. */
const sampledTrees = 20;

/** All checks, in the order in which they depend on each other. */
export async function examine(call: Call): Promise<Check[]> {
  const home = homeFolder(call.env);
  const repo = await attempt(() => mainRepository(call));
  const path = 'value' in repo ? repo.value : null;
  const config = await configIn(path, home);
  const here = path === null || config === null ? null : { path, config };
  return [
    await check('node', () => ({ detail: process.versions.node })),
    await check('git', async () => ({ detail: await gitVersionIn(call.env) })),
    await check('repo', () => ({ detail: path ?? 'none here' })),
    await check('git identity', () => gitIdentity(call)),
    ...(path === null ? [] : [await check('signatures', () => signatures(path, config?.sign ?? ''))]),
    ...(path === null ? [] : [await check('git leftovers', () => gitLeftovers(path))]),
    ...(path === null ? [] : [await check('git filters', () => gitFilters(call, path))]),
    await check('home', () => homeState(home)),
    await check('daemon.toml', () => daemonConfig(home)),
    ...(await desktopChecks(call, home)),
    await check('socket', () => ({ detail: socketPath(home, call.env, loadDaemonConfig(home).socketPath) })),
    ...(path === null ? [] : [await check('repo config', () => repoConfig(path, home, call.env))]),
    ...(here === null ? [] : [await check('base branch', () => baseBranch(here))]),
    ...(here === null ? [] : await envFileChecks(here)),
    ...(path === null || !existsSync(promptFolder(path)) ? [] : [await check('prompts', () => prompts(path))]),
    ...(here === null ? [] : await agentChecks(call, here)),
    ...(here === null ? [] : await terminalChecks(call, here)),
    await check('store', () => store(call, home)),
    await check('store journal', () => journal(call, home)),
    await check('store copies', () => copies(call, home)),
    ...(await degradedChecks(call, home)),
    ...(await forgeChecks(call, path, home)),
    await check('disk', () => disk(home, here)),
    await check('liveness', () => liveness()),
    await check('walls', () => walls(call, path, config)),
    ...(here === null ? [] : [await check('network', () => network(call, here))]),
    await check('limits', () => limits(call)),
  ];
}

/** The repo of the current folder, whose configuration can be read. */
interface Here {
  readonly path: string;
  readonly config: RepoConfig;
}

async function agentChecks(call: Call, { path, config }: Here): Promise<Check[]> {
  const hasWalls = await wallsIn(call.env);
  return await Promise.all(
    programsOf(config).map(async (one) => {
      const given = await variablesOf(one.envFile, path);
      const env = given.PATH === undefined ? call.env : { ...call.env, PATH: given.PATH };
      return check(`agent ${one.preset}`, async () => {
        const found = await programState(one, { cwd: path, env });
        if ('hint' in found) return found;
        const unwalled = one.profiles.filter(({ sandbox }) => !hasWalls(sandbox));
        const problem = await startProblemIn(unwalled, { ...env, ...given });
        return problem === null ? found : { detail: `${found.detail}; ${problem.message}`, hint: problem.hint };
      });
    }),
  );
}

/** The agent's program is looked for on the PATH of its env file. An env file that cannot be read is reported by its own check. */
async function variablesOf(envFile: string | null, path: string): Promise<Readonly<Record<string, string>>> {
  const read = envFile === null ? null : await attempt(() => envFileIn(path, envFile));
  return read !== null && 'value' in read ? read.value.variables : {};
}

/** For enabled roles only. */
async function terminalChecks(call: Call, { config: { profiles, policy } }: Here): Promise<Check[]> {
  const wanting = everyProfile(profiles).filter(({ role, terminal }) => terminal && policy.roles[role].on);
  const whom = `for ${[...new Set(wanting.map(({ role }) => role))].join(', ')}`;
  if (wanting.length === 0) return [];
  return [
    await check('terminal', async () => {
      const found = await terminalIn(call.env);
      return found.kind === 'works'
        ? { detail: `${found.program}, ${whom}` }
        : { detail: `${found.reason}, ${whom}`, hint: found.hint };
    }),
  ];
}

async function baseBranch({ path, config }: Here): Promise<Finding> {
  return { detail: await baseBranchIn(path, config.baseBranch) };
}

/** One check for each file of variables for an agent or a hook. */
async function envFileChecks({ path, config: { profiles, policy, hooks } }: Here): Promise<Check[]> {
  const ofAgents = everyProfile(profiles).flatMap(({ role, envFile }) => (policy.roles[role].on ? [envFile] : []));
  const ofHooks = hooks.flatMap((hook) => (hook.enabled && 'envFile' in hook ? [hook.envFile] : []));
  const files = [...new Set([...ofAgents, ...ofHooks])].filter((file) => file !== null);
  return await Promise.all(
    files.map((file) =>
      check('env file', async () => ({ detail: [file, ...(await envFileIn(path, file)).warnings].join('; ') })),
    ),
  );
}

async function check(name: string, find: () => Finding | Promise<Finding>): Promise<Check> {
  const found = await attempt(find);
  if ('value' in found) {
    const hint = 'hint' in found.value ? found.value.hint : '';
    return { name, ok: hint === '', detail: found.value.detail, hint };
  }
  const thrown = unbuiltModule(found.thrown) ?? found.thrown;
  const hint = thrown instanceof EngineError ? thrown.hint : 'this is not expected; please open an issue';
  return { name, ok: false, detail: messageOf(thrown), hint };
}

async function attempt<Value>(ask: () => Value | Promise<Value>): Promise<{ value: Value } | { thrown: unknown }> {
  try {
    return { value: await ask() };
  } catch (thrown) {
    return { thrown };
  }
}

async function gitIdentity({ cwd }: Call): Promise<Finding> {
  const { name, email } = await identityIn(cwd);
  return { detail: `${name} <${email}>` };
}

/** Signs a commit and discards it: nothing else shows whether the key works. */
async function signatures(path: string, sign: RepoConfig['sign']): Promise<Finding> {
  const signing = await signingIn(path, sign);
  if (signing.kind === 'off')
    return { detail: sign === 'never' ? 'none: sign = "never"' : 'none: git does not sign (commit.gpgSign)' };
  const which = sign === 'always' ? 'all commits of stator' : 'commits of stator that come to a branch';
  const { why, isAsked } = signing;
  if (why === null) return { detail: `${which} are signed` };
  const detail = `git cannot sign without a question: ${oneLine(why)}`;
  if (!isAsked) return { detail: `none, though git signs for you: ${detail}` };
  return {
    detail,
    hint: `put the key into ssh-agent or gpg-agent; until then plans wait, as sign = "${sign}" wants it`,
  };
}

async function gitLeftovers(path: string): Promise<Finding> {
  const troubles = await gitFaultsIn(path);
  if (troubles.length === 0) return { detail: 'none' };
  return { detail: `${counted(troubles.length, 'thing')} of killed gits in the way`, hint: troubles.join('\n') };
}

/** A filter that only the repository defines does not run, and git stops where the user's one has no program. */
async function gitFilters({ cwd, env }: Call, path: string): Promise<Finding> {
  const filters = await filtersIn(path);
  const programs = [...filters.values()].flatMap((command) => /^[\w.+-]+/.exec(command ?? '') ?? []);
  const gone = programs.find((program) => findProgram(program, cwd, env) === null);
  if (gone !== undefined)
    return { detail: `${gone} is not there`, hint: `install it; your git names it: git config --get-regexp ^filter` };
  const unset = [...filters].flatMap(([name, command]) => (command === null ? [name] : []));
  const [first] = unset;
  if (first === undefined) return { detail: [...filters.keys()].join(', ') || 'none needed' };
  return {
    detail: `${unset.join(', ')}: not set for your user, so agents find the files as git stores them`,
    hint:
      first === 'lfs'
        ? 'install Git LFS, then: git lfs install'
        : `git config --global filter.${first}.smudge …, and .clean`,
  };
}

/** The folder itself, or its nearest existing parent. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

async function homeState(home: string): Promise<Finding> {
  const folder = nearestFolder(home);
  const hint = `make it writable: chmod u+rwx ${folder}, or set STATOR_HOME to another folder`;
  const found = statSync(folder);
  if (!found.isDirectory()) return { detail: `${folder} is not a folder`, hint };
  const others = folder === home ? ofOthers(home, found) : null;
  if (others !== null) return { detail: others.message, hint: others.hint };
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return { detail: `${folder} is not writable`, hint };
  }
  const fault = await launcherFaultIn(home);
  if (fault !== null) return { detail: fault.message, hint: fault.hint };
  return { detail: folder === home ? home : `${home} (made at the first start)` };
}

function existsState(file: string): string {
  return existsSync(file) ? file : 'none: the defaults';
}

function daemonConfig(home: string): Finding {
  const { file, notes } = loadDaemonConfig(home);
  return { detail: [existsState(file), ...notes].join('; ') };
}

/** Empty if notifications are off, or the configuration cannot be read. */
async function desktopChecks({ cwd, env }: Call, home: string): Promise<Check[]> {
  const config = await attempt(() => loadDaemonConfig(home));
  if (!('value' in config) || config.value.notifications.desktop === 'off') return [];
  const program = process.platform === 'darwin' ? 'osascript' : 'notify-send';
  const found = findProgram(program, cwd, env);
  const hint = 'install it (Debian, Ubuntu: apt install libnotify-bin), or set [notifications] desktop = "off"';
  return [
    await check('desktop', () => (found === null ? { detail: `${program} is not there`, hint } : { detail: found })),
  ];
}

function repoConfig(path: string, home: string, env: NodeJS.ProcessEnv): Finding {
  const { notes, enables, hooks } = loadRepoConfig(path, loadDaemonConfig(home));
  const missing = [...refusedAddresses(hooks), ...missingVariables(hooks, env)];
  const file = existsState(join(path, '.stator', 'config.toml'));
  return { detail: [file, ...enables, ...notes, ...missing].join('; ') };
}

function promptFolder(path: string): string {
  return join(path, '.stator', 'prompts');
}

/** Checks the repo's own prompts before an agent needs them. */
async function prompts(path: string): Promise<Finding> {
  const problems = await promptProblems(path);
  if (problems.length === 0) return { detail: promptFolder(path) };
  return {
    detail: problems.map(({ message }) => message).join('; '),
    hint: problems.map(({ hint }) => hint).join('\n'),
  };
}

async function store(call: Call, home: string): Promise<Finding> {
  // Only a running engine notices that its store was deleted.
  const engine = await attach(home, call.env);
  await tryStoreModule();
  const place = storePlaceIn(call.env);
  if (engine === null && !isStoreThere(place)) return { detail: 'none yet' };
  const client = engine ?? (await connect({ env: call.env, mode: 'read' }));
  try {
    const plans = await client.plans();
    const where = place.kind === 'postgres' ? `, in ${place.shown}` : '';
    const count = `${counted(plans.length, 'plan')}${where}`;
    const faults = await storeFaultsIn(call.env);
    if (faults.length > 0)
      return {
        detail: `${count}; damaged: ${faults.join('; ')}`,
        hint: 'stator store check says more; stator store restore puts the newest copy in its place; first: stator daemon stop',
      };
    if (client.note !== null) return { detail: `${count}; ${client.note}` };
    const { pid, uptime, warnings } = await client.status();
    const detail = `${count}; owned by pid ${pid} for ${duration(uptime * 1000)}`;
    const name = place.kind === 'postgres' ? place.shown : place.file;
    const trouble = warnings.find((warning) => warning.startsWith(name));
    return trouble === undefined ? { detail } : { detail: `${detail}; it accepts no writes`, hint: trouble };
  } finally {
    await client.close();
  }
}

/** Replays a random sample of trees. */
async function journal(call: Call, home: string): Promise<Finding> {
  const engine = await attach(home, call.env);
  if (engine === null && !isStoreThere(storePlaceIn(call.env))) return { detail: 'none yet' };
  const client = engine ?? (await connect({ env: call.env, mode: 'read' }));
  try {
    const { differs, checked } = await client.verify({ sample: sampledTrees });
    const [first] = differs;
    if (first === undefined) return { detail: `${counted(checked, 'tree')} replayed, as stored` };
    return {
      detail: `${first.tree} is stored otherwise than its journal leads to, from line ${first.seq} on: ${first.path}`,
      hint: 'stator plan verify --all shows every difference; keep a copy of the store and report it: stator store backup',
    };
  } finally {
    await client.close();
  }
}

async function copies(call: Call, home: string): Promise<Finding> {
  if (storePlaceIn(call.env).kind === 'postgres') return { detail: 'none by stator: use pg_dump' };
  const [newest, ...older] = await copiesIn(call.env);
  const detail =
    newest === undefined
      ? 'none yet'
      : `${older.length + 1}, the newest of ${localTime(new Date(newest.atMs).toISOString(), Date.now())}`;
  const engine = await attach(home, call.env);
  const trouble = (await engine?.status())?.warnings.find((warning) => warning.startsWith('the store is not copied'));
  await engine?.close();
  return trouble === undefined ? { detail } : { detail, hint: trouble };
}

/** The repos that a running engine cannot use: `stator status` sends people here. If the store cannot be read, its own check reports why. */
async function degradedChecks({ env }: Call, home: string): Promise<Check[]> {
  const engine = await attach(home, env);
  const read = await attempt(async () => (await engine?.repos()) ?? []);
  await engine?.close();
  const degraded = ('value' in read ? read.value : []).filter(({ state }) => state === 'degraded');
  return await Promise.all(
    degraded.map(({ project, path, reason }) =>
      check(`repo ${project}`, () => ({
        detail: reason ?? path,
        hint: 'its plans continue by themselves without that',
      })),
    ),
  );
}

/**
 * One check for each registered repo, and one for this folder's repo if it is not registered. If the store cannot be read, only the latter: the store's
 * own check reports why.
 */
async function forgeChecks(call: Call, path: string | null, home: string): Promise<Check[]> {
  const servers = serverList(call);
  const broken = await attempt(() => servers.list());
  if ('thrown' in broken) return [await check('servers.toml', () => Promise.reject(broken.thrown))];
  const read = await attempt(async () => {
    const engine = await attach(home, call.env);
    if (engine === null && !isStoreThere(storePlaceIn(call.env))) return { repos: [], forges: [] };
    const client = engine ?? (await connect({ env: call.env, mode: 'read' }));
    try {
      return { repos: await client.repos(), forges: await client.forges() };
    } finally {
      await client.close();
    }
  });
  const { repos: registered, forges } = 'value' in read ? read.value : { repos: [], forges: [] };
  const here = path === null || registered.some((repo) => repo.path === path) ? [] : [{ project: '', path }];
  return await Promise.all(
    [...here, ...registered].map((repo) =>
      check(repo.project === '' ? 'forge' : `forge of ${repo.project}`, () =>
        forgeState(servers, repo.path, forges.find(({ project }) => project === repo.project) ?? null),
      ),
    ),
  );
}

/** The room where the store and the runs are, and where the worktrees are if that is another file system. */
async function disk(home: string, here: Here | null): Promise<Finding> {
  const places = [home, ...(here === null ? [] : [resolve(here.path, here.config.worktree.dir)])].map(nearestFolder);
  const devices = new Map(places.map((folder) => [statSync(folder).dev, folder]));
  const rooms = [...devices.values()].map((folder) => ({ folder, ...roomIn(folder) }));
  const detail = rooms.map(({ text, folder }) => (rooms.length === 1 ? text : `${text} in ${folder}`)).join(', ');
  const full = rooms.find(({ isShort }) => isShort);
  return full === undefined ? { detail } : { detail, hint: `make room: df -h ${full.folder}, df -i ${full.folder}` };
}

/** A disk can have no room for more files while it has bytes. A file system that counts no files reports 0 of them. */
function roomIn(folder: string): { readonly text: string; readonly isShort: boolean } {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const isShortOfFiles = files > 0 && ffree < filesLimit;
  const text = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB${isShortOfFiles ? ` and ${ffree} files` : ''} free`;
  return { text, isShort: isShortOfFiles || freeBytes < spaceLimitBytes };
}

/** null: there is no repo here, or its configuration cannot be read, which its own check reports. */
async function configIn(path: string | null, home: string): Promise<RepoConfig | null> {
  const read = await attempt(() => (path === null ? null : loadRepoConfig(path, loadDaemonConfig(home))));
  return 'value' in read ? read.value : null;
}

/** What this repo starts: the agents of the roles that are on, and the checks, which have walls as well. */
function startedBy({ profiles, policy, checks }: RepoConfig) {
  const agents = everyProfile(profiles).filter(({ role }) => policy.roles[role].on);
  return [
    ...agents.map((profile) => ({ who: profile.name ?? profile.role, profile })),
    { who: 'check', profile: { ...checks, preset: 'command' as const } },
  ];
}

/** Missing walls are a warning, because agents run without them as before. They are a failure only if something requires walls. */
async function walls({ env }: Call, path: string | null, config: RepoConfig | null): Promise<Finding> {
  const found = await probeBubblewrap(env);
  const settings = config === null ? [] : startedBy(config).flatMap(({ profile }) => wallsSetting(profile) ?? []);
  if (found.kind === 'works') {
    const off = isSandboxOff(env) ? '; STATOR_SANDBOX=off: only roles with sandbox = "bwrap" get them' : '';
    return { detail: `by ${found.program}${off}${await linkedHooks(path)}` };
  }
  if (settings[0] !== undefined)
    return { detail: `${found.reason}, and ${settings[0]} asks for them`, hint: found.hint };
  return { detail: `none, agents may do all that you may: ${found.reason}; ${found.hint}` };
}

/** Whether an agent with that setting has walls here. */
async function wallsIn(env: NodeJS.ProcessEnv): Promise<(sandbox: SandboxMode) => boolean> {
  const found = await probeBubblewrap(env);
  return (sandbox) => found.kind === 'works' && sandbox !== 'off' && (sandbox === 'bwrap' || !isSandboxOff(env));
}

/** What each enabled agent can reach over the network: agents with the same access together. */
async function network({ env }: Call, { path, config }: Here): Promise<Finding> {
  const all = startedBy(config);
  const hasWalls = await wallsIn(env);
  const texts = await Promise.all(
    all.map(async ({ who, profile }) => ({
      who,
      text: await reachText(profile, { repo: path, env, hasWalls: hasWalls(profile.sandbox) }),
    })),
  );
  const reached = groupBy(texts, ({ text }) => text);
  const parts = [...reached].map(([text, whom]) => `${[...new Set(whom.map(({ who }) => who))].join(', ')}: ${text}`);
  const detail = parts.join('; ');
  const stuck = all.find(({ profile }) => profile.network !== 'full' && !hasWalls(profile.sandbox));
  if (stuck === undefined) return { detail };
  return { detail, hint: `let it have walls, or set network = "full" under [agents.${stuck.who}]` };
}

/** The most abstract sockets that are named. Programs of a desktop listen on such sockets without a password. */
const shownSockets = 3;

async function reachText(
  profile: Pick<AgentProfile, 'network' | 'preset' | 'hosts'>,
  { repo, env, hasWalls }: { readonly repo: string; readonly env: NodeJS.ProcessEnv; readonly hasWalls: boolean },
): Promise<string> {
  const { network } = profile;
  if (network !== 'full' && !hasWalls) return `does not start: network = "${network}" needs walls`;
  if (network === 'none') return 'nothing but the engine';
  if (network === 'hosts') {
    const hosts = await hostsIn(profile, { repo, env });
    return hosts.length === 0 ? 'no host is listed' : `only ${hosts.join(' ')}`;
  }
  const sockets = abstractSockets();
  const shown = sockets.slice(0, shownSockets).join(' ');
  const more = sockets.length > shownSockets ? ` and ${sockets.length - shownSockets} more` : '';
  const abstract = sockets.length === 0 ? '' : `, and the abstract sockets ${shown}${more}`;
  return `everything that you reach, servers on this machine too${abstract}; network = "hosts" limits it`;
}

/** The git hooks that agents inside of walls do not see; empty: none. */
async function linkedHooks(path: string | null): Promise<string> {
  const hooks =
    path === null ? [] : await readdir(join(path, '.git', 'hooks'), { withFileTypes: true }).catch(() => []);
  const names = hooks.filter((hook) => hook.isSymbolicLink()).map(({ name }) => oneLine(name));
  if (names.length === 0) return '';
  return `; hooks of git that are links are left out inside: ${names.join(', ')}; put copies there, or set core.hooksPath`;
}

/** The resource limits of agents here, with and without a setting. It never fails, because agents also run without limits. */
async function limits({ env }: Call): Promise<Finding> {
  const { scopes, prlimit } = await probeResourceLimits(env, () => probeBubblewrap(env));
  const usual = `memory ${sizeText(usualMemoryBytes())}, ${usualProcesses} processes and half of the free disk for each run, where no profile says otherwise`;
  if (process.platform !== 'linux') return { detail: `${usual}; of these only the disk is kept on this system` };
  if (scopes.kind === 'works')
    return { detail: `${usual}; kept by ${scopes.program} over all processes of a run together` };
  const each = prlimit.kind === 'works' ? `, and what a profile sets also by ${prlimit.program} for each process` : '';
  return {
    detail: `${usual}; counted by the engine every 2 s (what a run takes between two looks it gets), since ${scopes.reason}${each}`,
  };
}

function liveness(): Finding {
  if (existsSync('/proc/self/stat')) return { detail: 'by /proc' };
  return { detail: process.platform === 'darwin' ? 'by ps: best effort on macOS' : 'by ps: best effort' };
}
