/**
 * The mechanisms of this machine that limit an agent's resources: a scope of the user's own systemd, which counts all processes of a run together, and prlimit,
 * which counts each process by itself. Both are tested and their effect is checked, because an accepted limit is not always enforced: an old hierarchy of
 * cgroups accepts a scope's limits and enforces none.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Bubblewrap, namespaceArguments } from './bubblewrap.ts';
import { findOnPath } from './find-program.ts';
import { tryOut } from './try-out.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** An available program by its absolute path, or why it is not available. */
export type Found =
  | { readonly kind: 'works'; readonly program: string }
  | { readonly kind: 'missing'; readonly reason: string };

export interface ResourceLimits {
  /** systemd-run; `runtimeDir` is the folder of its manager's socket. */
  readonly scopes:
    | (Extract<Found, { kind: 'works' }> & { readonly runtimeDir: string })
    | Extract<Found, { kind: 'missing' }>;
  readonly prlimit: Found;
  /** Whether prlimit's count of processes is that of a run alone: only inside of walls, and never for root. */
  readonly counted: { readonly kind: 'works' } | { readonly kind: 'missing'; readonly reason: string };
  /** null: there is none on PATH. */
  readonly nice: string | null;
}

const trial = { memoryBytes: 64 * 1024 ** 2, processes: 16 } as const;
/** Prints the kernel's limits of the scope that it runs in. */
const look =
  'while IFS=: read -r number _ path; do [ "$number" = 0 ] && place=/sys/fs/cgroup$path; done </proc/self/cgroup; read -r memory <"$place/memory.max" && read -r processes <"$place/pids.max" && echo "$memory $processes"';
/** With a limit of 1 a second process must fail, and with 6 it must not: it fails only if the other processes of this user are counted as well. */
const countTrial = '"$0" --nproc=6 -- setsid --fork true && ! "$0" --nproc=1 -- setsid --fork true 2>/dev/null';

/** The properties of a scope with these limits; null: none of that kind. Memory that was swapped out would be no limit. */
export function scopeProperties(limits: {
  readonly memoryBytes: number | null;
  readonly processes: number | null;
}): string[] {
  const { memoryBytes, processes } = limits;
  return [
    ...(memoryBytes === null ? [] : [`--property=MemoryMax=${memoryBytes}`, '--property=MemorySwapMax=0']),
    ...(processes === null ? [] : [`--property=TasksMax=${processes}`]),
  ];
}

/** Tests the available mechanisms. Throws nothing. `walls` tests bubblewrap; it is called only where the result matters. */
export async function probeResourceLimits(env: Environment, walls: () => Promise<Bubblewrap>): Promise<ResourceLimits> {
  const nice = findOnPath('nice', env);
  if (process.platform !== 'linux') {
    const reason = `there are no such limits on ${process.platform === 'darwin' ? 'macOS' : process.platform} yet`;
    const missing = { kind: 'missing', reason } as const;
    return { scopes: missing, prlimit: missing, counted: missing, nice };
  }
  const prlimit = await probePrlimit(env);
  const [scopes, counted] = await Promise.all([probeScopes(env), probeCount(prlimit, walls, env)]);
  return { scopes, prlimit, counted, nice };
}

async function probeScopes(env: Environment): Promise<ResourceLimits['scopes']> {
  const program = findOnPath('systemd-run', env);
  if (program === null) return { kind: 'missing', reason: 'there is no systemd-run on PATH' };
  const runtimeDir = env.XDG_RUNTIME_DIR || `/run/user/${process.getuid?.()}`;
  if (!existsSync(join(runtimeDir, 'systemd')))
    return { kind: 'missing', reason: `no user manager of systemd answers in ${runtimeDir}` };
  const args = ['--user', '--scope', '--quiet', '--collect', ...scopeProperties(trial), '--', '/bin/sh', '-c', look];
  const tried = await tryOut(program, args, { ...env, XDG_RUNTIME_DIR: runtimeDir });
  if (tried.failure !== null) return { kind: 'missing', reason: `${program} makes no scope: ${tried.failure}` };
  if (tried.output.trim() === `${trial.memoryBytes} ${trial.processes}`) return { kind: 'works', program, runtimeDir };
  return { kind: 'missing', reason: `${program} makes scopes, whose limits the kernel does not have` };
}

/** The programs that have worked: one try is enough for all engines of a process. */
const worked = new Set<string>();

async function probePrlimit(env: Environment): Promise<Found> {
  const program = findOnPath('prlimit', env);
  if (program === null) return { kind: 'missing', reason: 'there is no prlimit on PATH (util-linux)' };
  if (worked.has(program)) return { kind: 'works', program };
  const { failure } = await tryOut(program, [`--data=${trial.memoryBytes}`, '--', 'true'], env);
  if (failure !== null) return { kind: 'missing', reason: `${program} does not work here: ${failure}` };
  worked.add(program);
  return { kind: 'works', program };
}

/** Tried, since kernels before 5.14 count the processes of a user over all namespaces, and none counts those of root. */
async function probeCount(
  prlimit: Found,
  askWalls: () => Promise<Bubblewrap>,
  env: Environment,
): Promise<ResourceLimits['counted']> {
  if (prlimit.kind === 'missing') return prlimit;
  const reason = 'prlimit counts what this user runs altogether';
  if (process.getuid?.() === 0) return { kind: 'missing', reason: 'the kernel counts no processes of root' };
  const walls = await askWalls();
  if (walls.kind === 'missing') return { kind: 'missing', reason: `without walls ${reason}` };
  const inside = [...namespaceArguments, '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--'];
  const { failure } = await tryOut(walls.program, [...inside, '/bin/sh', '-c', countTrial, prlimit.program], env);
  return failure === null
    ? { kind: 'works' }
    : { kind: 'missing', reason: `on this kernel ${reason}, also inside of walls` };
}
