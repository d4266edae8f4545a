/**
 * Walls around an agent, a check or a setup: bubblewrap with its own namespaces, in which only necessary files are visible. The wrapper process stays
 * outside. It starts bubblewrap, which starts the agent, so `pid` identifies bubblewrap: it lives as long as the agent, has the agent's exit code (128+n for
 * a signal), and its end ends every process inside, however it was started.
 */
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { type AgentProfile, wallsSetting } from '../../base/config/config.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { type Bubblewrap, namespaceArguments, probeBubblewrap } from '../../base/platform/bubblewrap.ts';
import { environmentFaultInText } from '../../base/platform/environment-fault.ts';
import { isSandboxOff } from '../../base/platform/home.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { copyLogins } from '../agents/logins.ts';
import { claudeState } from '../agents/presets/claude-state.ts';
import { noPlaces } from '../agents/presets/places.ts';
import { knownProgram } from '../agents/presets/programs.ts';
import type { RunFolder } from '../agents/run-folder.ts';
import { isWalled } from '../git/private-repository.ts';
import { isWithin } from '../git/worktree-folder.ts';
import { type EgressWords, egressWords } from './egress-words.ts';
import { guardWords, wasStartedInside } from './program-guard.ts';
import { hostsOf } from './ready-hosts.ts';
import { refuseClosedPlaces } from './wall-guard.ts';
import { programPlaces, systemPlaces } from './wall-programs.ts';

/** A path of this machine that is visible inside. Later mounts cover earlier ones. */
export interface Mount {
  readonly access: 'read' | 'write';
  /** An absolute path on this machine. */
  readonly from: string;
  /** Its path inside; default: the same path. */
  readonly to?: string;
}

/** The keys of a profile for walls. `role`: the agent's role, for messages. */
export type WallsProfile = { readonly role: string } & Pick<
  AgentProfile,
  'preset' | 'sandbox' | 'network' | 'hosts' | 'writable' | 'readable'
>;

export interface WallsRequest {
  readonly profile: WallsProfile;
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly folder: RunFolder;
  /** The real paths of the working folder and of the repo's main folder. */
  readonly worktree: string;
  readonly repo: string;
  /** Whether the working folder is stator's own and read only. Default: it is a worktree. */
  readonly isOnlyRead?: boolean;
  /** Whether the program is protected from its child processes, so that only it can give its verdict. Default: false. */
  readonly guardsProgram?: boolean;
  /** The absolute path of the started file, if it is known. */
  readonly program: string;
  /** Files of the main folder that its command line names. Default: none. */
  readonly files?: readonly string[];
  /** The identity for commits in repositories that are made inside; null: none. */
  readonly identity: { readonly name: string; readonly email: string } | null;
  readonly git: readonly Mount[];
  /** The folder of the run's socket to the engine; null: it has none. The proxy's socket is also there. */
  readonly socketFolder: string | null;
  /** The folder for the program's data between runs; null: it stores none. */
  readonly keeps: string | null;
}

/** The absolute paths of this machine to which a program may write, without those that exist only in memory. */
export interface WrittenPlaces {
  /** The run's own paths. */
  readonly own: readonly string[];
  /** Paths that are shared with other runs or with the user. */
  readonly shared: readonly string[];
}

export interface BuiltWalls {
  /** The part of the command before the program and its arguments. */
  readonly words: readonly string[];
  readonly written: WrittenPlaces;
}

/** The settings that decide whether an agent gets walls. */
export type NeedsWalls = Pick<WallsProfile, 'role' | 'sandbox' | 'network'>;

export interface Walls {
  /** Whether walls can be built here; checked once. */
  state(): Promise<Bubblewrap>;
  /** Whether an agent with this profile gets walls. Throws `agent_unusable` if they are required and cannot be built. */
  areUsedFor(profile: NeedsWalls): Promise<boolean>;
  /** null: no walls are used. Throws `agent_unusable`, and the home's errors. */
  around(request: WallsRequest): Promise<BuiltWalls | null>;
}

/** One for each engine: whether bubblewrap works is checked at first use, and remembered. */
export function createWalls(env: NodeJS.ProcessEnv): Walls {
  let asked: Promise<Bubblewrap> | null = null;
  const state = () => {
    asked ??= probeBubblewrap(env);
    return asked;
  };
  async function builderFor(profile: NeedsWalls): Promise<string | null> {
    const { role, sandbox } = profile;
    const areRequired = needsWalls(profile);
    if (sandbox === 'off' || (sandbox === 'auto' && isSandboxOff(env))) {
      if (areRequired) throw noWallsWanted(profile);
      return null;
    }
    const found = await state();
    if (found.kind === 'works') return found.program;
    if (!areRequired) return null;
    throw noWalls(role, found, profile);
  }
  return {
    state,
    areUsedFor: async (profile) => (await builderFor(profile)) !== null,
    async around(request) {
      const bwrap = await builderFor(request.profile);
      return bwrap === null ? null : builtWalls(bwrap, request, env);
    },
  };
}

/** Whether an agent with this profile must not start without walls. */
export function needsWalls(profile: Pick<NeedsWalls, 'sandbox' | 'network'>): boolean {
  return wallsSetting(profile) !== null;
}

/** Why a role that requires walls cannot start on this machine. */
function noWalls(
  role: string,
  { reason, hint }: Extract<Bubblewrap, { kind: 'missing' }>,
  profile: Pick<NeedsWalls, 'sandbox' | 'network'>,
): EngineError {
  return new EngineError(
    'agent_unusable',
    `${role}: ${wallsSetting(profile)}, and ${reason}`,
    `${hint}; stator doctor looks again`,
  );
}

/** The same if a person turned walls off for the whole engine. */
function noWallsWanted({ role, sandbox, network }: NeedsWalls): EngineError {
  return new EngineError(
    'agent_unusable',
    `${role}: network = "${network}" is kept by walls, and ${sandbox === 'off' ? 'sandbox = "off"' : 'STATOR_SANDBOX=off'} turns them off`,
    sandbox === 'off'
      ? `take sandbox = "off" out, or set network = "full" under [agents.${role}]`
      : `start the engine without STATOR_SANDBOX, or set network = "full" under [agents.${role}]`,
  );
}

/**
 * Why bubblewrap could not build the walls of a run that ended with 1, if that is its whole output: no program was started, and the exit code is no verdict.
 * An error: a fault of the environment. null: a program was started, which may print the same words; or the output is something else.
 */
export function wallsFailureOf(folder: RunFolder, output: string): EngineError | string | null {
  return isWalled(folder) && !wasStartedInside(folder) ? wallsFailure(output) : null;
}

/** The same of the output alone. */
export function wallsFailure(output: string): EngineError | string | null {
  const line = unbuiltOutput.exec(output)?.[1];
  if (line === undefined) return null;
  const what = 'its walls could not be built';
  if (/namespace failed: No space left on device/.test(line))
    return `${what}: ${safeText(line)}: no more namespaces; end agents, or raise user.max_user_namespaces (sysctl)`;
  const trouble = environmentFaultInText(safeText(line), what);
  return trouble ?? `${what}: ${safeText(line)}; see writable and readable of its profile, and stator doctor`;
}

/** Only that line, and the lines of a relay, which asked the program something and found it ended. */
const unbuiltOutput = /^(?:\{"stator":[^\n]*\n)*bwrap: ([^\n]+)(?:\n\{"stator":[^\n]*)*\n?$/;
/** The first pause of a run whose walls the environment did not allow, and the longest one: its own time limit, which goes on meanwhile, is longer. */
const unbuiltPauseMs = 5_000;
const unbuiltPauseCapMs = 60_000;

/** Whether a run without walls still waits. Another run follows each one, so its agent's later runs, which have higher numbers, wait longer. */
export function waitsForWalls({ log }: Pick<RunFolder, 'log'>, id: string, nowMs: number): boolean {
  const number = Number(id.slice(id.lastIndexOf('#') + 1)) || 1;
  return Math.abs(nowMs - statSync(log).mtimeMs) < Math.min(number * unbuiltPauseMs, unbuiltPauseCapMs);
}

/**
 * The known write paths without walls; an agent may then write wherever its user may. `more`: further paths of the run alone.
 */
export function writtenWithoutWalls(
  run: Pick<WallsRequest, 'worktree' | 'folder' | 'env'> & Pick<WallsProfile, 'writable'>,
  more: readonly string[] = [],
): WrittenPlaces {
  return {
    own: [run.worktree, run.folder.temp, ...more],
    shared: run.writable.map(placeIn(homeOf(run.env))),
  };
}

/** bubblewrap and its arguments up to the program, `--` included. Makes missing folders that are configured as writable. */
function builtWalls(bwrap: string, request: WallsRequest, engineEnv: NodeJS.ProcessEnv): BuiltWalls {
  const { profile, env, home, folder, worktree, repo, isOnlyRead = false } = request;
  const userHome = homeOf(env);
  const kept = [home, dirname(worktree), repo];
  const hidden = [home, dirname(worktree)].filter((path) => !isWithin(path, userHome));
  const programs = programPlaces({ env, userHome, program: request.program, kept });
  const keptByPreset = presetMounts(request, userHome);
  const named = profileMounts(profile, userHome);
  const given = [...keptByPreset, ...named];
  refuseLinksInside(given, profile.role);
  const workplace: Mount = { access: isOnlyRead ? 'read' : 'write', from: worktree };
  const found: Mount[] = [...repoPrograms(request), ...(isOnlyRead ? [] : [workplace]), ...request.git];
  const own = [
    ...(isOnlyRead ? [workplace] : []),
    ...[...runMounts(folder, home), ...gitIdentity(request, userHome), ...socketMounts(request.socketFolder)],
  ];
  const from = (mounts: readonly Mount[]) => mounts.map((mount) => mount.from);
  refuseClosedPlaces(
    {
      own: [folder.path, ...(request.keeps === null ? [] : [request.keeps]), ...from(own)],
      named: from(given),
      found: from(found),
      programs,
    },
    { role: profile.role, userHome, home, repo, env: engineEnv },
  );
  const egress = egressOf(request);
  const guard = guardWords(folder, { guardsProgram: request.guardsProgram === true });
  const words = [
    ...egress.outside,
    ...guard.outside,
    bwrap,
    ...namespaceArguments,
    ...egress.walls,
    ...systemArguments(),
    ...(userHome === '/' ? [] : ['--tmpfs', userHome]),
    ...mountArguments([...programs.map(readable), ...given]),
    ...hidden.flatMap((path) => ['--perms', '0700', '--tmpfs', path]),
    ...mountArguments([...found, ...own]),
    ...hidden.flatMap((path) => ['--remount-ro', path]),
    ...guard.walls,
    '--remount-ro',
    '/',
    '--chdir',
    worktree,
    '--',
    ...egress.inside,
  ];
  return { words, written: writtenIn([...keptByPreset, ...found, ...own], named) };
}

/** How the network is limited. */
function egressOf({ profile, repo, env, folder, socketFolder }: WallsRequest): EgressWords {
  switch (profile.network) {
    case 'full':
      return { outside: [], walls: [], inside: [] };
    case 'none':
      return { outside: [], walls: ['--unshare-net'], inside: [] };
    case 'hosts':
      if (socketFolder === null) throw new Error(`the ${profile.role} has no folder for the socket of its proxy`);
      return egressWords(hostsOf(profile, { repo, env }), { folder: socketFolder, run: folder, env });
    default:
      return profile.network satisfies never;
  }
}

/** The folder is mounted, not the socket: the next engine makes a new socket in it. A read-only mount is enough to connect. */
function socketMounts(folder: string | null): Mount[] {
  return folder === null ? [] : [{ access: 'read', from: folder }];
}

/** A path inside another one of these is counted with that one. */
function writtenIn(own: readonly Mount[], shared: readonly Mount[]): WrittenPlaces {
  const writable = (mounts: readonly Mount[]) =>
    mounts.filter(({ access, from }) => access === 'write' && existsSync(from)).map(({ from }) => from);
  const outermost = (paths: readonly string[], others: readonly string[]) =>
    [...new Set(paths)].filter((path) => !others.some((other) => other !== path && isWithin(other, path)));
  const alone = outermost(writable(own), writable(own));
  const others = outermost(writable(shared), [...writable(shared), ...alone]);
  return { own: alone, shared: others.filter((path) => !alone.includes(path)) };
}

function homeOf({ HOME }: Readonly<Record<string, string>>): string {
  return HOME && isAbsolute(HOME) ? HOME : homedir();
}

/** A path in the configuration's form. */
function placeIn(userHome: string): (path: string) => string {
  return (path) => (path.startsWith('~/') ? join(userHome, path.slice(2)) : path);
}

function readable(from: string): Mount {
  return { access: 'read', from };
}

/**
 * In a place that an earlier run could write, any path may have become a link, and a mount follows links: at its source, and at its target, where bubblewrap
 * creates missing files, even outside the walls. Throws `agent_unusable` for such links. Elsewhere links are allowed: people use them for their settings.
 */
function refuseLinksInside(mounts: readonly Mount[], role: string): void {
  const written = mounts.filter((mount) => mount.access === 'write' && existsSync(mount.from));
  for (const { from, to = from } of mounts.filter((mount) => existsSync(mount.from)))
    for (const path of new Set([from, to])) {
      const link = written.map((holder) => linkTo(path, holder)).find((found) => found !== null);
      if (link == null) continue;
      throw new EngineError(
        'agent_unusable',
        `${link} is a link, and the ${role} may write where it lies: ${path} would be where it leads`,
        `look at it: ls -l ${link}; and take it away, or put a real folder there`,
      );
    }
}

/** The first link between a writable folder and a path in it, by its place on this machine; null: there is none, or the path is elsewhere. */
function linkTo(path: string, { from, to = from }: Mount): string | null {
  if (path === to || !isWithin(to, path)) return null;
  let place = from;
  for (const part of relative(to, path).split('/')) {
    place = join(place, part);
    if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true) return place;
  }
  return null;
}

/** Missing paths are left out; a program that needs one fails with its own message. */
function mountArguments(mounts: readonly Mount[]): string[] {
  return mounts
    .filter(({ from }) => existsSync(from))
    .flatMap(({ access, from, to = from }) => [access === 'read' ? '--ro-bind' : '--bind', from, to]);
}

function systemArguments(): string[] {
  const places = systemPlaces();
  const mounts = places.flatMap(({ path, link }) =>
    link === null ? ['--ro-bind', path, path] : ['--symlink', link, path],
  );
  return [
    ...mounts,
    ...secretsOfRoot(),
    ...[
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '--perms',
      '1777',
      '--tmpfs',
      '/tmp',
      '--perms',
      '1777',
      '--tmpfs',
      '/var/tmp',
    ],
    ...kernelOfRoot(),
    ...['--tmpfs', '/run'],
    ...mountArguments([...resolverFiles().map(readable), readable('/run/current-system')]),
  ];
}

/**
 * Root may write kernel settings according to their file modes, even without other privileges, and `core_pattern` names a program that runs outside. bwrap
 * itself protects only those whose folder is writable.
 */
function kernelOfRoot(): string[] {
  if (process.getuid?.() !== 0) return [];
  return ['sys', 'irq', 'bus', 'fs', 'acpi', 'scsi', 'dynamic_debug', 'mtrr', 'sysrq-trigger']
    .map((name) => join('/proc', name))
    .filter((path) => existsSync(path))
    .flatMap((path) => ['--ro-bind', path, path]);
}

/** Files of /etc that are links to other folders, and that are needed to resolve host names. */
function resolverFiles(): string[] {
  return ['/etc/resolv.conf', '/etc/hosts', '/etc/localtime', '/etc/ssl']
    .filter((path) => existsSync(path))
    .map((path) => realpathSync(path))
    .filter((path) => !isWithin('/etc', path) && !isWithin('/usr', path) && !isWithin('/nix', path));
}

/** Root can read everything in /etc, so these files are hidden; other users cannot read them anyway. */
function secretsOfRoot(): string[] {
  if (process.getuid?.() !== 0) return [];
  const files = ['shadow', 'shadow-', 'gshadow', 'gshadow-', 'krb5.keytab'].map((name) => join('/etc', name));
  const folders = ['ssh', 'ssl/private', 'sudoers.d', 'wireguard'].map((name) => join('/etc', name));
  return [
    ...files.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...folders.filter((path) => isFolder(path)).flatMap((path) => ['--tmpfs', path]),
  ];
}

function presetMounts({ profile, env, folder, worktree, repo, keeps }: WallsRequest, userHome: string): Mount[] {
  const places = knownProgram(profile.preset)?.places({ env, userHome, worktree }) ?? noPlaces;
  const { conversations, logins, readable: onlyRead, closed, copied } = places;
  for (const path of closed) makeFolder(path, profile.role);
  const kept = conversations === null || keeps === null ? [] : [storeAt(keeps, conversations, [...logins, ...closed])];
  return [
    ...kept,
    ...copyLogins(folder, profile.preset, logins).map(
      ({ path, copy }): Mount => ({ access: 'write', from: copy, to: path }),
    ),
    ...[...onlyRead, ...closed].map(readable),
    ...copied
      .filter((path) => isFile(path))
      .map((path): Mount => ({ access: 'write', from: copyOf(path, folder, [worktree, repo]), to: path })),
  ];
}

/** The mount that covers a folder. A mount over a part of it replaces any link that an earlier run made there. */
function storeAt(store: string, folder: string, over: readonly string[]): Mount {
  mkdirSync(store, { recursive: true, mode: 0o700 });
  for (const path of over) {
    const place = join(store, relative(folder, path));
    if (isWithin(store, place) && lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(place);
  }
  return { access: 'write', from: store, to: folder };
}

function copyOf(path: string, folder: RunFolder, folders: readonly string[]): string {
  const copies = join(folder.path, 'copies');
  mkdirSync(copies, { recursive: true, mode: 0o700 });
  const copy = join(copies, basename(path));
  if (basename(path) !== '.claude.json') copyFileSync(path, copy);
  else writeFileSync(copy, claudeState(readFileSync(path, 'utf8'), folders), { mode: 0o600 });
  return copy;
}

function profileMounts({ role, writable, readable: onlyRead }: WallsProfile, userHome: string): Mount[] {
  const placeOf = placeIn(userHome);
  const made = writable.map(placeOf);
  for (const path of made) makeFolder(path, role);
  return [
    ...onlyRead.map((path) => readable(placeOf(path))),
    ...made.map((from): Mount => ({ access: 'write', from })),
  ];
}

/** A cache may not exist yet; it is made so that the first run can fill it. */
function makeFolder(path: string, role: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new EngineError(
      'agent_unusable',
      `${path}, which the ${role} is to write to, is not there and cannot be made: ${messageOf(cause)}`,
      'make it; where writable under [agents] names it, another place may be named there',
      { cause },
    );
  }
}

/** A program in the repo's main folder is mounted with its folder, unless that is the repo itself. */
function repoPrograms({ program, files = [], repo, worktree }: WallsRequest): Mount[] {
  const own = [program, ...files].filter((file) => isWithin(repo, file) && !isWithin(worktree, file));
  const places = own.map((file) => {
    const folder = dirname(file);
    const isWide = [repo, dirname(worktree), join(repo, '.git')].some((place) => isWithin(folder, place));
    return isWide ? file : folder;
  });
  return [...new Set(places)].map(readable);
}

/** The run's own part of the engine's home; the rest is not visible. */
function runMounts(folder: RunFolder, home: string): Mount[] {
  const files = [
    folder.prompt,
    folder.script,
    folder.servers,
    join(folder.path, 'plan.md'),
    join(folder.path, 'feedback.md'),
  ];
  return [readable(join(home, 'bin')), ...files.map(readable), { access: 'write', from: folder.temp }];
}

/** The user's git configuration may name programs and contain secrets: only the identity is needed. */
function gitIdentity({ identity, folder }: WallsRequest, userHome: string): Mount[] {
  if (identity === null) return [];
  const file = join(folder.path, 'gitconfig');
  // No fsync, which costs as much time as the walls: the file is rewritten before each start.
  const text = `[user]\n\tname = ${quoted(identity.name)}\n\temail = ${quoted(identity.email)}\n`;
  replaceFile(file, text, { mode: 0o600, isSynced: false });
  return [{ access: 'read', from: file, to: join(userHome, '.gitconfig') }];
}

function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&').replace(/[\0\n]/g, ' ')}"`;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
