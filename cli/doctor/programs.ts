/** The programs that a repo's agents use: whether they are installed, and which versions. */
import { execFile } from 'node:child_process';
import { delimiter, join, resolve } from 'node:path';
import { acpSpeech, isAcpPreset } from '../../runtime/base/config/acp/agents.ts';
import { type AgentProfile, everyProfile, type RepoConfig } from '../../runtime/base/config/config.ts';
import {
  installHint,
  isProgramPreset,
  type ProgramPreset,
  presetProgram,
  versionHint,
} from '../../runtime/base/config/preset-programs.ts';
import { isExecutable } from '../../runtime/base/platform/quiet-look.ts';
import { acpAboutOf, droppedFlagsOf } from '../../runtime/engine/preflight.ts';
import { plain } from '../text.ts';
import type { Finding } from './finding.ts';

export interface WantedProgram {
  readonly preset: ProgramPreset | 'command';
  /** null: the program of the preset. */
  readonly program: string | null;
  /** The roles that use it, in their order. */
  readonly roles: readonly string[];
  readonly profiles: readonly AgentProfile[];
  /** The table of `[agents.*]` in which another program can be named. */
  readonly table: string;
  /** The configured env file. The program is looked for on its PATH. */
  readonly envFile: string | null;
}

/** Some of them are 200 MB and start from a cold disk. */
const versionLimitMs = 30_000;
const shownLength = 200;

/** The programs of the roles that are on, each once. */
export function programsOf(config: Pick<RepoConfig, 'profiles' | 'policy' | 'origins'>): WantedProgram[] {
  const wanted = new Map<string, WantedProgram>();
  const on = everyProfile(config.profiles).filter(({ role }) => config.policy.roles[role].on);
  for (const profile of on) {
    const { role, name, preset, program, envFile } = profile;
    if (!isProgramPreset(preset) && preset !== 'command') continue;
    const key = `${preset} ${program ?? ''} ${envFile ?? ''}`;
    const known = wanted.get(key);
    const roles = [...new Set([...(known?.roles ?? []), role])];
    // The configured table of this role, otherwise the default table.
    const own = name ?? (Object.hasOwn(config.origins, `agents.${role}`) ? role : 'default');
    wanted.set(key, {
      preset,
      program,
      roles,
      profiles: [...(known?.profiles ?? []), profile],
      table: known === undefined || known.table === 'default' ? own : known.table,
      envFile,
    });
  }
  return [...wanted.values()];
}

/**
 * The version that the program reports. Only the preset's own program on PATH is run for this. A program that a repo's configuration names may not be
 * trusted yet, so stator only checks that its file exists.
 */
export async function programState(wanted: WantedProgram, { cwd, env }: Place): Promise<Finding> {
  const { preset, program, roles, table } = wanted;
  const own = preset === 'command' ? null : presetProgram(preset).program;
  if (preset === 'command' || own === null) return commandState(wanted, { cwd, env });
  const name = program?.trim() || own;
  const whom = `for ${roles.join(', ')}`;
  const path = findProgram(name, cwd, env);
  if (path === null) return { detail: `${name} is not there, ${whom}`, hint: installHint(preset, table) };
  if (program !== null) return { detail: `${path}, ${whom}` };
  const agent = isAcpPreset(preset) ? acpSpeech(preset) : null;
  if (agent !== null)
    return agentState(wanted, {
      path,
      env,
      whom,
      args: agent.args,
      triedVersions: presetProgram(preset).triedVersions,
    });
  const { text, failed } = await versionOf(path, env);
  if (failed) {
    const hint = `run it yourself: ${name} --version; or install it anew: ${presetProgram(preset).installCommand}`;
    return { detail: `${path} does not say its version: ${text || 'no word'}`, hint };
  }
  const dropped = await droppedFlagsOf(preset, path, env);
  const version = /\d+\.\d+[^\s,;()]*/.exec(text)?.[0] ?? text;
  const { triedVersions } = presetProgram(preset);
  const isTried = triedVersions.some((tried) => tried === version);
  const said = isTried ? `${version}, which was tried` : `${version}; tried were ${triedVersions.join(', ')}`;
  if (dropped.length > 0) {
    const detail = `${path} is ${said}; it does not know ${dropped.join(', ')}, ${whom}`;
    return { detail, hint: versionHint(preset, table) };
  }
  return { detail: `${said}, ${whom}` };
}

/**
 * The version is requested through the agent protocol. npm installs an older version where Node is too old for the newest one, and another version of
 * the program may speak another version of the protocol.
 */
async function agentState(
  { table }: WantedProgram,
  {
    path,
    env,
    whom,
    args,
    triedVersions,
  }: {
    readonly path: string;
    readonly env: NodeJS.ProcessEnv;
    readonly whom: string;
    readonly args: readonly string[];
    readonly triedVersions: readonly string[];
  },
): Promise<Finding> {
  const about = await acpAboutOf(path, args, env);
  const command = [path, ...args].join(' ');
  if (about === null)
    return {
      detail: `${command} does not answer as an agent of the Agent Client Protocol, ${whom}`,
      hint: `run it yourself: ${command}; or set \`program\` under [agents.${table}] to another one`,
    };
  const version = about.version ?? 'no version that it says';
  const tried = triedVersions.length === 0 ? 'none was tried' : `tried were ${triedVersions.join(', ')}`;
  const said = triedVersions.includes(version) ? `${version}, which was tried` : `${version}; ${tried}`;
  if (about.protocol === 1) return { detail: `${said}, ${whom}` };
  return {
    detail: `${said}; it speaks version ${about.protocol} of the Agent Client Protocol, and stator version 1, ${whom}`,
    hint: `install a version of it that speaks version 1, or set \`program\` under [agents.${table}] to one`,
  };
}

interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Looks for the first word of a command line if it is a plain word. What a shell would make of anything else is not guessed. */
async function commandState({ program, roles, table }: WantedProgram, { cwd, env }: Place): Promise<Finding> {
  const whom = `for ${roles.join(', ')}`;
  const line = program?.trim() ?? '';
  const key = `\`program\` under [agents.${table}]`;
  if (line === '')
    return {
      detail: `no program is named, ${whom}`,
      hint: `set ${key} in .stator/config.toml or daemon.toml: program = "your-agent --its-flags"`,
    };
  const file = findProgram(line, cwd, env);
  if (file !== null) return { detail: `${file}, ${whom}` };
  const word = line.split(/\s/)[0] ?? '';
  const isPlain = /^[\w.@%+,:/-]+$/.test(word);
  if (word !== line && (!isPlain || findProgram(word, cwd, env) !== null || (await isOfShell(word, env))))
    return { detail: `${plain(line).slice(0, shownLength)}, ${whom}` };
  const missing = isPlain ? word : line;
  return { detail: `${plain(missing)} is not there, ${whom}`, hint: `install it, or set ${key} to where it is` };
}

/** Whether the word is a builtin of the shell, such as `exec`. The word is only looked up, not run. */
function isOfShell(word: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const args = ['-c', 'command -v -- "$1"', 'sh', word];
  return new Promise((done) => {
    execFile('/bin/sh', args, { env, timeout: versionLimitMs }, (error) => done(error === null));
  });
}

/** The path of that program, which is named by a path or by a name on PATH; null: not found. */
export function findProgram(name: string, cwd: string, env: NodeJS.ProcessEnv): string | null {
  const folders = name.includes('/') ? [''] : (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => resolve(cwd, join(folder, name))).find(isExecutable);
  return found ?? null;
}

function versionOf(path: string, env: NodeJS.ProcessEnv): Promise<{ text: string; failed: boolean }> {
  const options = { env, timeout: versionLimitMs, maxBuffer: 1024 * 1024, encoding: 'utf8' } as const;
  return new Promise((done) => {
    const child = execFile(path, ['--version'], options, (error, stdout, stderr) => {
      const said = stdout.trim() === '' ? stderr : stdout;
      done({ text: plain(said).slice(0, shownLength), failed: error !== null || said.trim() === '' });
    });
    child.stdin?.end();
  });
}
