/**
 * Limits for an agent's use of the machine. If the user's systemd can make scopes, the whole run is in one: memory and processes are counted together, and
 * the kernel's counters are read before the scope ends. Elsewhere the engine counts them (resource-watch.ts), and prlimit additionally applies a profile's
 * limits to each single process, without a report. The wrapper process stays outside: a run that has used up its processes still needs it to record the end.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { AgentProfile } from '../../base/config/config.ts';
import { strictDiskUse } from '../../base/platform/disk-usage.ts';
import { usualDiskBytes, usualFiles, usualMemoryBytes, usualProcesses } from '../../base/platform/machine-share.ts';
import { hasProc } from '../../base/platform/process-table.ts';
import { probeResourceLimits, type ResourceLimits, scopeProperties } from '../../base/platform/resource-limits.ts';
import { sizeText } from '../../base/platform/size.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { noteWatched, type WatchedLimits } from '../agents/resource-watch.ts';
import { type RunFolder, withoutOwnLines, writeRunFile } from '../agents/run-folder.ts';
import { type Walls, type WrittenPlaces, wallsFailureOf } from './walls.ts';

/** The keys of a profile that limit it. */
export type LimitsProfile = Pick<AgentProfile, 'role' | 'nice' | 'memoryBytes' | 'processes' | 'diskBytes'>;

export interface LimitsRequest {
  readonly profile: LimitsProfile;
  readonly folder: RunFolder;
  /** The folder whose free disk space is checked. */
  readonly worktree: string;
  readonly written: WrittenPlaces;
  readonly env: Readonly<Record<string, string>>;
  readonly hasWalls: boolean;
}

/** The command parts before the walls, and between them and the program. Both may be empty. */
export interface LimitWords {
  readonly outside: readonly string[];
  readonly inside: readonly string[];
}

export interface Resources {
  /** The limits that this machine supports; checked once. */
  state(): Promise<ResourceLimits>;
  /** Records the limits in force in the folder. Throws the home's errors. */
  around(request: LimitsRequest): Promise<LimitWords>;
}

const inForce = z.object({
  by: z.enum(['scope', 'prlimit']),
  memoryBytes: z.number().nullable(),
  processes: z.number().nullable(),
});
type InForce = z.infer<typeof inForce>;

/** How a failed run relates to its limits. */
export type LimitsEnd =
  | { readonly kind: 'none' }
  /** The kernel reports that the limit was reached. */
  | { readonly kind: 'met'; readonly text: string }
  /** A likely cause that cannot be proven. */
  | { readonly kind: 'maybe'; readonly text: string }
  /** The program was not started, because its scope could not be made. */
  | { readonly kind: 'unmade'; readonly text: string };

/**
 * Runs in the scope, in the process that represents the agent outside, and starts the program as its child. It uses only shell built-ins, because no process
 * may be left. It passes signals to the program. The kernel's counters are deleted with the scope, so they are written here.
 */
const scopeScript = `folder=$1
shift
echo made >"$folder/scope"
trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2
"$@"
code=$?
trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2
{
while IFS=: read -r number names path; do
  [ "$number" = 0 ] && place=/sys/fs/cgroup$path
done </proc/self/cgroup
while read -r name count; do
  [ "$name" = oom_kill ] && memory=$count
done <"$place/memory.events"
while read -r name count; do
  [ "$name" = max ] && processes=$count
done <"$place/pids.events"
echo "\${memory:-0} \${processes:-0}" >"$folder/scope"
} 2>/dev/null
exit "$code"`;

/** The signals that end a program without memory, unless it reports that and exits: ILL, TRAP, ABRT, SEGV. */
const crashCodes: ReadonlySet<number> = new Set([132, 133, 134, 139]);
const memoryWords =
  /cannot allocate memory|out of memory|memory exhausted|MemoryError|bad_alloc|allocation fail(?:ed|ure)|ENOMEM/i;
const processWords =
  /resource temporarily unavailable|cannot fork|can't fork|unable to fork|EAGAIN|can't start new thread/i;

/** One for each engine: the machine's abilities are checked at first use, and remembered. */
export function createResources(env: NodeJS.ProcessEnv, walls: Pick<Walls, 'state'>): Resources {
  let asked: Promise<ResourceLimits> | null = null;
  const state = () => {
    asked ??= probeResourceLimits(env, walls.state);
    return asked;
  };
  return {
    state,
    async around(request) {
      rmSync(noteFile(request.folder), { force: true });
      const found = await state();
      await noteWatch(request, found);
      return wordsFor(request, found);
    },
  };
}

/** The default limits. */
function limitsOf({ memoryBytes = usualMemoryBytes(), processes = usualProcesses }: LimitsProfile) {
  return { memoryBytes, processes };
}

/** The engine need not watch limits that a scope counts. */
async function noteWatch(
  { profile, folder, worktree, written }: LimitsRequest,
  { scopes }: ResourceLimits,
): Promise<void> {
  const isCounted = scopes.kind === 'works';
  const { memoryBytes, processes } = isCounted ? { memoryBytes: null, processes: null } : limitsOf(profile);
  const { role, diskBytes = await usualDiskBytes(worktree) } = profile;
  const diskFiles = diskBytes === null ? null : await usualFiles(worktree);
  const shared: WatchedLimits['shared'] = [];
  for (const path of written.shared) {
    const { bytes, files } = await strictDiskUse([path]);
    shared.push({ path, bytes, files });
  }
  noteWatched(folder, { role, memoryBytes, processes, diskBytes, diskFiles, folders: [...written.own], shared });
}

function wordsFor({ profile, folder, env, hasWalls }: LimitsRequest, found: ResourceLimits): LimitWords {
  const nice = profile.nice > 0 && found.nice !== null ? [found.nice, '-n', String(profile.nice)] : [];
  const { scopes, prlimit, counted } = found;
  if (scopes.kind === 'works') {
    const limits = limitsOf(profile);
    if (limits.memoryBytes === null && limits.processes === null) return { outside: nice, inside: [] };
    note(folder, { by: 'scope', ...limits });
    return { outside: [...nice, ...scopeWords(scopes, { limits, folder, env })], inside: [] };
  }
  // Defaults are not applied to each single process: that would stop programs that reserve much memory and use little.
  const { memoryBytes = null, processes = null } = profile;
  if (memoryBytes === null && processes === null) return { outside: nice, inside: [] };
  if (prlimit.kind === 'missing') return { outside: nice, inside: [] };
  const isCounted = hasWalls && counted.kind === 'works';
  const kept = { by: 'prlimit', memoryBytes, processes: isCounted ? processes : null } as const;
  const each = [
    ...(kept.memoryBytes === null ? [] : [`--data=${kept.memoryBytes}`]),
    ...(kept.processes === null ? [] : [`--nproc=${kept.processes}`]),
  ];
  if (each.length === 0) return { outside: nice, inside: [] };
  note(folder, kept);
  return { outside: nice, inside: [prlimit.program, ...each, '--'] };
}

/** The address of systemd's manager must not be a variable of the agent, so it is set only for systemd-run. */
function scopeWords(
  { program, runtimeDir }: Extract<ResourceLimits['scopes'], { kind: 'works' }>,
  { limits, folder, env }: Pick<LimitsRequest, 'folder' | 'env'> & { readonly limits: ReturnType<typeof limitsOf> },
): string[] {
  const own = env.XDG_RUNTIME_DIR;
  return [
    ...['/usr/bin/env', `XDG_RUNTIME_DIR=${runtimeDir}`, program],
    ...['--user', '--scope', '--quiet', '--collect', `--description=stator ${env.STATOR_RUN ?? ''}`],
    ...scopeProperties(limits),
    ...['--', '/usr/bin/env', ...(own === undefined ? ['-u', 'XDG_RUNTIME_DIR'] : [`XDG_RUNTIME_DIR=${own}`])],
    ...['/bin/sh', '-c', scopeScript, 'stator-scope', folder.path],
  ];
}

/** Whether limits caused the end of a run that failed by itself with this code. `output`: the end of its output. */
export function limitsEnd(folder: RunFolder, { code, output }: { code: number; output: string }): LimitsEnd {
  const limits = readNote(folder);
  if (limits === null) return { kind: 'none' };
  const memory = limits.memoryBytes === null ? null : `memory limit ${sizeText(limits.memoryBytes, ' ')}`;
  const processes = limits.processes === null ? null : `process limit ${limits.processes}`;
  if (limits.by === 'prlimit') return guess({ memory, processes }, { code, output });
  const counts = readIfThere(scopeFile(folder));
  if (counts === null) return { kind: 'unmade', text: `its limits could not be set: ${safeText(output).trim()}` };
  const [killed = 0, refused = 0] = counts.split(' ').map((count) => Number(count) || 0);
  const met = [
    ...(memory !== null && killed > 0 ? [`${memory} reached`] : []),
    ...(processes !== null && refused > 0 ? [`${processes} reached`] : []),
  ];
  return met.length === 0 ? { kind: 'none' } : { kind: 'met', text: met.join(', ') };
}

/** The fault of the environment that kept a check or a setup, which ended with 1, from its walls: it never ran. null: it ended for another reason. */
export function unbuiltWalls(folder: RunFolder, output: string): EngineError | null {
  const failure = wallsFailureOf(folder, withoutOwnLines(output));
  if (!(failure instanceof EngineError)) return null;
  return limitsEnd(folder, { code: 1, output }).kind === 'none' ? failure : null;
}

function guess(
  { memory, processes }: { memory: string | null; processes: string | null },
  { code, output }: { code: number; output: string },
): LimitsEnd {
  const may = [
    ...(memory !== null && (crashCodes.has(code) || memoryWords.test(output)) ? [`${memory} for each process`] : []),
    ...(processes !== null && processWords.test(output) ? [processes] : []),
  ];
  if (may.length === 0) return { kind: 'none' };
  return {
    kind: 'maybe',
    text: `perhaps because of its ${may.join(' or its ')}: prlimit does not report what it does`,
  };
}

/** Whether a profile uses a limit that the machine may not support. */
export function asksForLimits({ nice, memoryBytes, processes }: LimitsProfile): boolean {
  return nice > 0 || isSet(memoryBytes) || isSet(processes);
}

function isSet(value: number | null | undefined): boolean {
  return value !== null && value !== undefined;
}

/** A line about limits of these profiles that this machine cannot apply; null: it can apply all. On Linux the engine itself counts what no scope counts. */
export function unkeptLimits(profiles: readonly LimitsProfile[], { nice, scopes }: ResourceLimits): string | null {
  const unkept: string[] = [];
  if (nice === null && profiles.some((profile) => profile.nice > 0)) unkept.push('nice (there is no nice on PATH)');
  if (scopes.kind === 'missing' && !hasProc) {
    if (profiles.some(({ memoryBytes }) => isSet(memoryBytes))) unkept.push(`memory (${scopes.reason})`);
    if (profiles.some(({ processes }) => isSet(processes))) unkept.push(`processes (${scopes.reason})`);
  }
  return unkept.length === 0 ? null : `limits of agents that are not kept: ${unkept.join(', ')}`;
}

function note(folder: RunFolder, limits: InForce): void {
  writeRunFile(noteFile(folder), `${JSON.stringify(limits)}\n`);
}

function readNote(folder: RunFolder): InForce | null {
  const text = readIfThere(noteFile(folder));
  return text === null ? null : inForce.parse(JSON.parse(text));
}

function readIfThere(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function noteFile({ path }: RunFolder): string {
  return join(path, 'limits.json');
}

/** Written in the scope: first that it was made, then the kernel's counters. */
function scopeFile({ path }: RunFolder): string {
  return join(path, 'scope');
}
