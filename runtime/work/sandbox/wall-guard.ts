/**
 * The last check of all mounts of walls, whatever caused them: a setting, a link, a file in a repository. The places of a user's keys, sockets and of
 * stator's own store are never mounted, neither as a whole nor in part, unless a person named exactly that path.
 */
import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { isWithin } from '../git/worktree-folder.ts';

/** Folders below a home that contain keys, and that no program needs as a whole. */
const keyFolders = [
  '.ssh',
  '.gnupg',
  '.password-store',
  '.local/share/keyrings',
  '.aws',
  '.azure',
  '.kube',
  '.docker',
  '.config/gcloud',
];

export interface GuardedMounts {
  /** The run's own folders. */
  readonly own: readonly string[];
  /** Paths that a person's settings or a preset name. */
  readonly named: readonly string[];
  /** Paths that come from the repository, whose author is not known. */
  readonly found: readonly string[];
  /** The programs on PATH and their installation folders. */
  readonly programs: readonly string[];
}

export interface GuardedPlaces {
  readonly role: string;
  readonly userHome: string;
  readonly home: string;
  /** The repository's main folder: a protected place may be mounted if it contains the repository. */
  readonly repo: string;
  readonly env: NodeJS.ProcessEnv;
}

interface Closed {
  readonly path: string;
  readonly real: string;
  readonly what: string;
}

/**
 * Throws `agent_unusable` for a mount that contains a home, the engine's home, a folder of sockets or a folder of keys. Also for a mount inside such a
 * folder, unless it is the run's own, or a person named exactly that path below a folder of keys or sockets.
 */
export function refuseClosedPlaces(mounts: GuardedMounts, places: GuardedPlaces): void {
  const { role, home, repo } = places;
  const closed = closedPlaces(places);
  const homes = homesOf(places).map((path) => closedAt(path, 'your home folder'));
  for (const from of [...mounts.own, ...mounts.named, ...mounts.found, ...mounts.programs].filter(existsSync))
    refuse(
      { role, from, does: 'holds' },
      [...closed, ...homes].find(({ real }) => isWithin(realOf(from), real)),
    );
  const own = mounts.own.map(realOf);
  const foreign = (from: string) => existsSync(from) && !own.some((place) => isWithin(place, realOf(from)));
  const around = (from: string) => closed.find(({ real }) => isWithin(real, realOf(from)));
  for (const from of mounts.found.filter(foreign)) {
    const place = around(from);
    if (place !== undefined && !isWithin(place.real, realOf(repo))) refuse({ role, from, does: 'lies in' }, place);
  }
  for (const from of mounts.named.filter(foreign)) {
    const place = around(from);
    const isMeant = place !== undefined && place.path !== home && isWithin(place.path, from);
    if (!isMeant) refuse({ role, from, does: 'lies in' }, place);
  }
}

function refuse(
  { role, from, does }: { readonly role: string; readonly from: string; readonly does: 'holds' | 'lies in' },
  closed: Closed | undefined,
): void {
  if (closed === undefined) return;
  const way = realOf(from) === from ? from : `${from}, which is ${realOf(from)},`;
  throw new EngineError(
    'agent_unusable',
    `${way} ${does} ${closed.path} (${closed.what}), which no agent gets: the ${role} would have it inside of its walls`,
    `look where it leads: ls -ld ${shellWord(from)}; under [agents] name only the files or folders that the ${role} needs`,
  );
}

function closedPlaces(places: GuardedPlaces): Closed[] {
  const { home, env } = places;
  const uid = process.getuid?.() ?? 0;
  const sockets = [env.XDG_RUNTIME_DIR ?? '', `/run/user/${uid}`, `/tmp/stator-${uid}`].filter((path) =>
    isAbsolute(path),
  );
  const keys = homesOf(places).flatMap((path) => keyFolders.map((name) => join(path, name)));
  return [
    closedAt(home, "stator's own home"),
    ...sockets.filter(existsSync).map((path) => closedAt(path, 'a folder of sockets')),
    ...keys.filter(existsSync).map((path) => closedAt(path, 'a folder of keys')),
  ];
}

function homesOf({ userHome }: GuardedPlaces): string[] {
  return [...new Set([userHome, homedir()])].filter(existsSync);
}

function closedAt(path: string, what: string): Closed {
  return { path, real: realOf(path), what };
}

/** For a missing path: the path as given. */
function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
