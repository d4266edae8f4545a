/** The environment of a run: the user's variables that are listed here or named by its profile, and the variables for reaching the engine. */
import { delimiter, dirname } from 'node:path';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Preset } from '../../base/config/config.ts';
import { gitLocalVariables } from '../git/local-variables.ts';
import type { OwnPorts } from './own-ports.ts';
import { knownProgram } from './presets/programs.ts';

export interface RunContext {
  /** The environment of the engine, such as `process.env`. */
  readonly base: Readonly<Record<string, string | undefined>>;
  readonly run: Pick<AgentRun, 'title' | 'role' | 'attempt' | 'wave' | 'task'>;
  readonly project: string;
  readonly plan: string;
  /** The id that finds leftovers of the run; it is passed to `stopTree`, and unique on this machine. */
  readonly runId: string;
  readonly home: string;
  readonly socketPath: string;
  readonly token: string;
  /** Absolute paths of the run's folder. */
  readonly folder: { readonly prompt: string; readonly temp: string };
  /** The absolute path of its working folder. */
  readonly worktree: string;
  /** The ports of its worktree. */
  readonly ports: OwnPorts;
  /** The folder of the launcher `stator`; the first folder of PATH. */
  readonly binDir: string;
  /** The variables of the profile's env file; `{}` without one. */
  readonly envFile: Readonly<Record<string, string>>;
  /** The preset whose keys it gets; `command` and `sh` have none. */
  readonly preset: Preset;
  /** The variables that the profile names. */
  readonly names: readonly string[];
  readonly hasWalls: boolean;
}

/**
 * The variables of the engine's environment that every run gets: the user, language and terminal, network access, git's settings and the user's folders. Not
 * included: the ssh agent, tokens, and variables of loaders and interpreters (LD_…, NODE_OPTIONS, PYTHONPATH …).
 */
const usual: ReadonlySet<string> = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TERM', 'COLORTERM', 'NO_COLOR', 'TZ', 'CI'],
  ...['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'ALL_PROXY', 'NO_PROXY'],
  ...[
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'NIX_SSL_CERT_FILE',
    'NODE_EXTRA_CA_CERTS',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
  ],
  ...['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_DIRS', 'XDG_DATA_DIRS'],
  // Folders of language tools: paths, no secrets.
  ...[
    'ASDF_DATA_DIR',
    'ASDF_DIR',
    'BUN_INSTALL',
    'CARGO_HOME',
    'GOPATH',
    'GOROOT',
    'JAVA_HOME',
    'NVM_DIR',
    'PNPM_HOME',
  ],
  ...['PYENV_ROOT', 'RBENV_ROOT', 'RUSTUP_HOME', 'SDKMAN_DIR', 'VIRTUAL_ENV', 'VOLTA_HOME'],
  ...['GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL', 'GIT_COMMITTER_NAME', 'GIT_COMMITTER_EMAIL', 'EMAIL'],
]);
/** The places of git's settings; walls pass only the identity. */
const gitSettings: ReadonlySet<string> = new Set(['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM', 'GIT_CONFIG_NOSYSTEM']);
const usualBeginnings = ['LC_'];

/** Linux passes no longer `NAME=VALUE` to a program, including its NUL. */
const variableLimitBytes = 128 * 1024;
const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * The whole environment of a run. STATOR_WAVE and STATOR_TASK are empty if there is none, and so is STATOR_PORT_BASE if every block is taken, so that scripts
 * with `set -u` work. An env file's variables override the user's, and the engine's override both. STATOR_SANDBOX is `bwrap` inside walls. Throws
 * `agent_unusable` if a variable is over 128 KiB or contains a NUL.
 */
export function runEnvironment(context: RunContext): Record<string, string> {
  const { run, project, plan, runId, home, socketPath, token, folder, worktree, ports, binDir, envFile, hasWalls } =
    context;
  const given = { ...inherited(context), ...envFile };
  const env: Record<string, string> = {
    ...given,
    PATH: pathWith(binDir, given.PATH || defaultPath),
    TMPDIR: folder.temp,
    // If the worktree has lost its `.git`, git would search parent folders, and work on the surrounding user's checkout.
    GIT_CEILING_DIRECTORIES: dirname(worktree),
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
    STATOR_PORT_BASE: ports.base === null ? '' : String(ports.base),
    STATOR_SLUG: ports.slug,
    ...(hasWalls ? { STATOR_SANDBOX: 'bwrap' } : {}),
  };
  for (const [name, value] of Object.entries(env)) refuseUnfit(name, value);
  return env;
}

/** The preset's keys in the engine's environment: only the agent gets them. */
export function presetKeys(preset: Preset, names: readonly string[]): string[] {
  return names.filter((name) => isPresets(name, preset));
}

/** The part of the engine's environment that an agent gets, before its env file. */
export function givenEnvironment(
  base: RunContext['base'],
  { preset, names }: Pick<RunContext, 'preset' | 'names'>,
): Record<string, string> {
  return inherited({ base, preset, names, hasWalls: true });
}

/** The part of the engine's environment for a program that is no agent: the user, network access, and `names`; no key, no token. */
export function inheritedEnvironment(
  base: RunContext['base'],
  { names = [], hasWalls = false }: Partial<Pick<RunContext, 'names' | 'hasWalls'>> = {},
): Record<string, string> {
  const env = inherited({ base, preset: 'command', names, hasWalls });
  return { ...env, PATH: env.PATH || defaultPath };
}

function inherited(run: Pick<RunContext, 'base' | 'preset' | 'names' | 'hasWalls'>): Record<string, string> {
  const named = new Set(run.names);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(run.base)) {
    if (value === undefined || /^STATOR(?:_|$)/.test(name) || gitLocalVariables.has(name)) continue;
    const isUsual = usual.has(name) || usualBeginnings.some((beginning) => name.startsWith(beginning));
    const isGits = !run.hasWalls && gitSettings.has(name);
    if (isUsual || isGits || isPresets(name, run.preset) || named.has(name)) env[name] = value;
  }
  return env;
}

function isPresets(name: string, preset: Preset): boolean {
  return (knownProgram(preset)?.variables ?? []).some((each) =>
    each.endsWith('_') ? name.startsWith(each) : name === each,
  );
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
