/**
 * Walls around an agent, a check or a setup: bubblewrap with namespaces of its own, in which only what it needs is there. The wrapper stays outside. It
 * starts bubblewrap, which starts the agent, so the identity in `pid` is that of bubblewrap: it lives as long as the agent, its exit code is the agent's
 * (128+n for a signal), and its end is the end of every process inside, however they were started.
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
import type { AgentProfile } from '../../base/config/config.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { type Bubblewrap, namespaceArguments, probeBubblewrap } from '../../base/platform/bubblewrap.ts';
import { isSandboxOff } from '../../base/platform/sandbox-variables.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { copyLogins } from '../agents/logins.ts';
import { claudeState } from '../agents/presets/claude-state.ts';
import { presetPlaces } from '../agents/presets/places.ts';
import type { RunFolder } from '../agents/run-folder.ts';
import { isWithin } from '../git/worktree-folder.ts';
import { type EgressWords, egressWords } from './egress-words.ts';
import { type GuardWords, guardWords } from './program-guard.ts';
import { hostsOf } from './ready-hosts.ts';
import { refuseClosedPlaces } from './wall-guard.ts';
import { programPlaces, systemPlaces } from './wall-programs.ts';

/** Something of this machine that is there inside. Later ones lie over earlier ones. */
export interface Mount {
  readonly access: 'read' | 'write';
  /** An absolute path on this machine. */
  readonly from: string;
  /** Where it is inside; default: at the same path. */
  readonly to?: string;
}

/** The keys of a profile that walls follow. `role`: who stands inside, for people. */
export type WallsProfile = { readonly role: string } & Pick<
  AgentProfile,
  'preset' | 'sandbox' | 'network' | 'hosts' | 'writable' | 'readable'
>;

export interface WallsRequest {
  readonly profile: WallsProfile;
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly folder: RunFolder;
  /** Real paths: of the folder that is worked in, and of the repo's main folder. */
  readonly worktree: string;
  readonly repo: string;
  /** Whether the folder that is worked in is one of stator's own, which is only read. Default: a worktree. */
  readonly isOnlyRead?: boolean;
  /** Whether what the program starts is kept from reaching into it: nobody else is to give its verdict. Default: it is not. */
  readonly guardsProgram?: boolean;
  /** The file that is started, absolute, where it is known. */
  readonly program: string;
  /** Files of the main folder that its words name. Default: none. */
  readonly files?: readonly string[];
  /** Who commits, for repositories that are made inside; null: nobody. */
  readonly identity: { readonly name: string; readonly email: string } | null;
  readonly git: readonly Mount[];
  /** The folder of the socket through which the run speaks to the engine; null: it has none. The one of its proxy lies there, too. */
  readonly socketFolder: string | null;
  /** Where what the preset's program keeps lies from one run to the next; null: it keeps nothing. */
  readonly keeps: string | null;
}

/** What a program may write to of this machine, by absolute paths; what is only in memory is not among it. */
export interface WrittenPlaces {
  /** Of the run alone. */
  readonly own: readonly string[];
  /** Shared with other runs, or with the user. */
  readonly shared: readonly string[];
}

export interface BuiltWalls {
  /** What stands before the program and its arguments. */
  readonly words: readonly string[];
  readonly written: WrittenPlaces;
}

/** What decides whether walls stand around somebody. */
export type NeedsWalls = Pick<WallsProfile, 'role' | 'sandbox' | 'network'>;

export interface Walls {
  /** Whether walls can be built here; asked of the system once. */
  state(): Promise<Bubblewrap>;
  /** Whether walls stand around who has this profile. Throws `agent_unusable` where they must and cannot. */
  standFor(profile: NeedsWalls): Promise<boolean>;
  /** null: no walls are to stand. Throws `agent_unusable`, and what the home throws. */
  around(request: WallsRequest): Promise<BuiltWalls | null>;
}

/** One for each engine: whether bubblewrap works is asked when it is first needed, and kept. */
export function createWalls(env: NodeJS.ProcessEnv): Walls {
  let asked: Promise<Bubblewrap> | null = null;
  const state = () => {
    asked ??= probeBubblewrap(env);
    return asked;
  };
  async function builderFor(profile: NeedsWalls): Promise<string | null> {
    const { role, sandbox } = profile;
    const mustStand = needsWalls(profile);
    if (sandbox === 'off' || (sandbox === 'auto' && isSandboxOff(env))) {
      if (mustStand) throw noWallsWanted(profile);
      return null;
    }
    const found = await state();
    if (found.kind === 'works') return found.program;
    if (!mustStand) return null;
    throw noWalls(role, found, profile);
  }
  return {
    state,
    standFor: async (profile) => (await builderFor(profile)) !== null,
    async around(request) {
      const bwrap = await builderFor(request.profile);
      return bwrap === null ? null : builtWalls(bwrap, request, env);
    },
  };
}

/** Whether who has this profile must not start without walls. */
export function needsWalls({ sandbox, network }: Pick<NeedsWalls, 'sandbox' | 'network'>): boolean {
  return sandbox === 'bwrap' || network !== 'full';
}

/** What stops a role that must have walls on this machine. */
function noWalls(
  role: string,
  { reason, hint }: Extract<Bubblewrap, { kind: 'missing' }>,
  { sandbox, network }: Pick<NeedsWalls, 'sandbox' | 'network'>,
): EngineError {
  const key = sandbox === 'bwrap' ? 'sandbox = "bwrap"' : `network = "${network}"`;
  return new EngineError('agent_unusable', `${role}: ${key}, and ${reason}`, `${hint}; stator doctor looks again`);
}

/** The same where a person turned walls off for a whole engine. */
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
 * Why bubblewrap built no walls, where that is all that a run said before it ended with 1: then nothing was started in them, and its exit code is nobody's
 * verdict. null: it says something else.
 */
export function wallsFailure(output: string): string | null {
  const line = /^bwrap: ([^\n]+)\n?$/.exec(output)?.[1];
  return line === undefined
    ? null
    : `its walls could not be built: ${safeText(line)}; see writable and readable of its profile, and stator doctor`;
}

/**
 * What is written without walls, as far as it is known where: an agent may write wherever its user may. `more`: further places of the run alone.
 */
export function writtenWithoutWalls(
  {
    worktree,
    folder,
    writable,
    env,
  }: Pick<WallsRequest, 'worktree' | 'folder' | 'env'> & Pick<WallsProfile, 'writable'>,
  more: readonly string[] = [],
): WrittenPlaces {
  return { own: [worktree, folder.temp, ...more], shared: writable.map(placeIn(homeOf(env))) };
}

/** bubblewrap and its arguments up to the program, `--` included. Makes the folders that are writable by configuration and not there yet. */
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
  const guard: GuardWords = request.guardsProgram === true ? guardWords(folder) : { outside: [], walls: [] };
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

/** The folder, not the socket: the next engine makes that anew in it. Whoever may only read the folder connects all the same. */
function socketMounts(folder: string | null): Mount[] {
  return folder === null ? [] : [{ access: 'read', from: folder }];
}

/** What lies in another of these places is counted with that. */
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

/** A path as the configuration has it. */
function placeIn(userHome: string): (path: string) => string {
  return (path) => (path.startsWith('~/') ? join(userHome, path.slice(2)) : path);
}

function readable(from: string): Mount {
  return { access: 'read', from };
}

/**
 * In a place that an earlier run could write anything may have become a link to anywhere, and a mount follows it: at what is mounted, and at where it is to
 * be, where bubblewrap makes a file that is missing, outside of the walls as well. Throws `agent_unusable`. What lies in no such place may be a link: people
 * keep their settings so.
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

/** The first link on the way from a folder that is written to a path in it, by its place on this machine; null: there is none, or the path lies elsewhere. */
function linkTo(path: string, { from, to = from }: Mount): string | null {
  if (path === to || !isWithin(to, path)) return null;
  let place = from;
  for (const part of relative(to, path).split('/')) {
    place = join(place, part);
    if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true) return place;
  }
  return null;
}

/** What is not there is left out; whoever must have it says so by its own failure. */
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
 * Settings of the kernel are root's to write by the modes of their files, also where it has no rights else: `core_pattern` names a program that runs outside. bwrap itself
 * closes only those whose folder may be written.
 */
function kernelOfRoot(): string[] {
  if (process.getuid?.() !== 0) return [];
  return ['sys', 'irq', 'bus', 'fs', 'acpi', 'scsi', 'dynamic_debug', 'mtrr', 'sysrq-trigger']
    .map((name) => join('/proc', name))
    .filter((path) => existsSync(path))
    .flatMap((path) => ['--ro-bind', path, path]);
}

/** Files of /etc that are links to elsewhere, and without which no name is resolved. */
function resolverFiles(): string[] {
  return ['/etc/resolv.conf', '/etc/hosts', '/etc/localtime', '/etc/ssl']
    .filter((path) => existsSync(path))
    .map((path) => realpathSync(path))
    .filter((path) => !isWithin('/etc', path) && !isWithin('/usr', path) && !isWithin('/nix', path));
}

/** Root reads everything in /etc; nobody else reads these anyway. */
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
  const places = presetPlaces(profile.preset, { env, userHome, worktree });
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

/** The folder in whose place another is. What is put over a part of it is no link there, whatever an earlier run has made of it. */
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

/** A cache that nothing has filled yet is not there; it is to be one from the first run on. */
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

/** A program of the repo's own main folder comes with the folder that it lies in, unless that is the repo itself. */
function repoPrograms({ program, files = [], repo, worktree }: WallsRequest): Mount[] {
  const own = [program, ...files].filter((file) => isWithin(repo, file) && !isWithin(worktree, file));
  const places = own.map((file) => {
    const folder = dirname(file);
    const isWide = [repo, dirname(worktree), join(repo, '.git')].some((place) => isWithin(folder, place));
    return isWide ? file : folder;
  });
  return [...new Set(places)].map(readable);
}

/** The run's own part of the engine's home: the rest is not there. */
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

/** The user's own git configuration may name programs and hold secrets: what of it is needed is who commits. */
function gitIdentity({ identity, folder }: WallsRequest, userHome: string): Mount[] {
  if (identity === null) return [];
  const file = join(folder.path, 'gitconfig');
  // No fsync, which costs as much as the walls: it is written anew before each start.
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
