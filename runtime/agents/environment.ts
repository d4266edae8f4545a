/** The environment of a run: the user's own, without what would mislead an agent, and with what it needs to speak to the engine. */
import { delimiter } from 'node:path';
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { gitLocalVariables } from '../git/local-variables.ts';

export interface RunSurroundings {
  /** The environment of the engine, such as `process.env`. */
  readonly base: Readonly<Record<string, string | undefined>>;
  readonly run: Pick<AgentRun, 'title' | 'role' | 'attempt' | 'wave' | 'task'>;
  readonly project: string;
  readonly plan: string;
  /** What leftovers of the run are found by: the id that `stopTree` is told, unlike any other on this machine. */
  readonly runId: string;
  readonly home: string;
  readonly socketPath: string;
  readonly token: string;
  /** Absolute paths of the run's folder. */
  readonly folder: { readonly prompt: string; readonly temp: string };
  /** Where the launcher `stator` lies; the first folder of PATH. */
  readonly binDir: string;
  /** The variables of the profile's env file; `{}` without one. */
  readonly envFile: Readonly<Record<string, string>>;
}

/** Linux passes no longer `NAME=VALUE` to a program, its NUL included. */
const variableLimitBytes = 128 * 1024;
const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * The whole environment of a run. STATOR_WAVE and STATOR_TASK are empty where it has none, so that scripts under `set -u` may ask. An env file's
 * variables win over the user's, the engine's own over both. Throws `agent_unusable` where a variable is over 128 KiB or holds a NUL.
 */
export function runEnvironment(surroundings: RunSurroundings): Record<string, string> {
  const { base, run, project, plan, runId, home, socketPath, token, folder, binDir, envFile } = surroundings;
  const given = { ...inherited(base), ...envFile };
  const env: Record<string, string> = {
    ...given,
    PATH: pathWith(binDir, given.PATH || defaultPath),
    TMPDIR: folder.temp,
    STATOR: '1',
    STATOR_PROJECT: project,
    STATOR_PLAN: plan,
    STATOR_WAVE: run.wave === null ? '' : String(run.wave),
    STATOR_TASK: run.task === null ? '' : String(run.task),
    STATOR_ROLE: run.role,
    STATOR_TITLE: run.title,
    STATOR_RUN: runId,
    STATOR_ATTEMPT: String(run.attempt),
    STATOR_HOME: home,
    STATOR_SOCKET: socketPath,
    STATOR_TOKEN: token,
    STATOR_PROMPT_FILE: folder.prompt,
    STATOR_TEMP_DIR: folder.temp,
  };
  for (const [name, value] of Object.entries(env)) refuseUnfit(name, value);
  return env;
}

/** An engine that an agent started is not that agent, and one that npm started hands npm's view of its own package to no one. */
function inherited(base: RunSurroundings['base']): Record<string, string> {
  // Outside of npm an npm_config_… is a setting of the user's own.
  const isUnderNpm = base.npm_execpath !== undefined || base.npm_lifecycle_event !== undefined;
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined || /^STATOR(?:_|$)/.test(name) || gitLocalVariables.has(name)) continue;
    if (isUnderNpm && (name.startsWith('npm_') || name === 'INIT_CWD')) continue;
    env[name] = value;
  }
  return env;
}

function pathWith(binDir: string, path: string): string {
  return [binDir, ...path.split(delimiter).filter((entry) => entry !== binDir)].join(delimiter);
}

function refuseUnfit(name: string, value: string): void {
  const sizeBytes = Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  if (sizeBytes <= variableLimitBytes && !value.includes('\0')) return;
  const what = value.includes('\0')
    ? 'holds a NUL'
    : `has ${sizeBytes} bytes; at most ${variableLimitBytes} can be passed`;
  throw new EngineError(
    'agent_unusable',
    `the environment variable ${name} ${what}`,
    `unset ${name} where stator is started, or take it out of the env file; a program can read long values from a file`,
  );
}
