/**
 * Checks whether a plan's agents can be started, before anything begins: the programs of the needed roles, and the shell blocks of the tasks. The start
 * itself checks things that only exist in a worktree (a script on the plan's branch, a result of the setup).
 */
import { basename, isAbsolute } from 'node:path';
import type { PlanDocument } from '../../../machines/document/plan-document.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import {
  type AgentProfile,
  type RepoConfig,
  tasksWithoutBlocks,
  unknownAgents,
  unknownRepos,
} from '../../base/config/config.ts';
import {
  installHint,
  isProgramPreset,
  type ProgramPreset,
  presetProgram,
  versionHint,
} from '../../base/config/preset-programs.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import { readEnvFile } from '../agents/env-file.ts';
import { programFile } from '../agents/preset-command.ts';
import type { FlagCheck } from '../agents/presets/known-flags.ts';
import { knownProgram } from '../agents/presets/programs.ts';
import { resolveProgram } from '../agents/program.ts';
import { taskName } from '../agents/run-brief.ts';
import { needsWalls, type Walls } from '../sandbox/walls.ts';

/** A plan that is to be started, and what decides whether its agents can be. */
export interface Candidate {
  readonly config: Pick<RepoConfig, 'profiles' | 'policy' | 'checks' | 'members'>;
  readonly repo: string;
  /** The environment of the process that will start them. */
  readonly env: NodeJS.ProcessEnv;
  readonly walls: Pick<Walls, 'areUsedFor' | 'state'>;
  readonly flagCheck: FlagCheck;
  readonly plan: string;
  /** Its file, from the repo's folder on; null: it has none. */
  readonly file: string | null;
  /** It is an issue's session: one agent works on it, without a planner. */
  readonly isSession?: boolean;
  /** The document with the tasks; null: the plan is only planned. */
  readonly document: PlanDocument | null;
  readonly isDone: (wave: number, task: number) => boolean;
}

interface Problem {
  readonly message: string;
  readonly hint: string;
}

const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/** Throws `agent_unusable` with every problem, one per line. */
export async function refuseUnplayable(candidate: Candidate): Promise<void> {
  const problems = [
    ...nameProblems(candidate),
    ...(await programProblems(candidate)),
    ...(await wallsProblems(candidate)),
    ...blockProblems(candidate),
  ];
  if (problems.length === 0) return;
  const lines = (texts: readonly string[]) => [...new Set(texts)].join('\n');
  throw new EngineError(
    'agent_unusable',
    lines(problems.map(({ message }) => message)),
    lines(problems.map(({ hint }) => hint)),
  );
}

/** One problem for each program, however many roles use it. */
async function programProblems(candidate: Candidate): Promise<Problem[]> {
  const found = new Map<string, { names: string[]; hint: string }>();
  const played = [...rolesOf(candidate).map((role) => candidate.config.profiles[role]), ...namedProfiles(candidate)];
  for (const profile of played) {
    const problem = await programProblem(candidate, profile);
    if (problem === null) continue;
    const name = profile.name ?? profile.role;
    const known = found.get(problem.message);
    if (known === undefined) found.set(problem.message, { names: [name], hint: problem.hint });
    else known.names.push(name);
  }
  return [...found].map(([message, { names, hint }]) => ({ message: `${names.join(', ')}: ${message}`, hint }));
}

/** The profiles that tasks name. */
function namedProfiles({ config: { profiles }, document }: Candidate): AgentProfile[] {
  const names = new Set(document?.waves.flatMap(({ tasks }) => tasks.flatMap(({ agent }) => agent ?? [])));
  return profiles.coder.choices.filter(({ name }) => name !== null && names.has(name));
}

function nameProblems({ config: { profiles, members }, document, repo, plan, file }: Candidate): Problem[] {
  const unknown = document === null ? [] : unknownAgents(document, profiles.coder);
  const hint = 'write the table into .stator/config.toml or daemon.toml, or name another one in the plan: **Agent:** …';
  const strangers = document === null ? [] : unknownRepos(document, { members, project: basename(repo) });
  const written = file === null ? '<file>' : shellWord(file);
  const correct = `correct ${file ?? 'its document'}, then hand it in: stator plan update-content ${shellWord(plan)} --file ${written}`;
  return [
    ...unknown.map(({ line, message }) => ({ message: `line ${line}: ${message}`, hint })),
    ...strangers.map(({ line, message }) => ({ message: `line ${line}: ${message}`, hint: correct })),
  ];
}

/** An agent that requires walls on a system without walls counts as missing, like a missing program. */
async function wallsProblems(candidate: Candidate): Promise<Problem[]> {
  const { profiles, checks } = candidate.config;
  const hasChecks = candidate.document?.waves.some(({ tasks }) => tasks.some(({ check }) => check !== null)) === true;
  const all = [
    ...rolesOf(candidate).map((role) => ({ name: role as string, profile: profiles[role] })),
    ...(hasChecks ? [{ name: 'check', profile: checks }] : []),
  ];
  const needing = all.filter(({ profile }) => needsWalls(profile));
  const groups = groupBy(needing, ({ profile: { sandbox, network } }) =>
    sandbox === 'bwrap' ? sandbox : `${sandbox} ${network}`,
  );
  const problems: Problem[] = [];
  for (const group of groups.values()) {
    const [{ profile } = { profile: null }] = group;
    if (profile === null) continue;
    const names = group.map(({ name }) => name);
    // Checks use the coder's settings unless they have their own table.
    const role = (names.length > 1 ? names.filter((name) => name !== 'check') : names).join(', ');
    try {
      await candidate.walls.areUsedFor({ ...profile, role });
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      problems.push(thrown);
    }
  }
  return problems;
}

function rolesOf({ config: { policy }, document, isSession = false }: Candidate): Role[] {
  const isJudged = policy.roles.reviewer.on || policy.roles.verifier.on;
  return roles.filter((role) => {
    if (isSession) return role === 'session' || (policy.roles[role].on && (role === 'reviewer' || role === 'verifier'));
    if (role === 'session' || (role === 'planner' && document !== null)) return false;
    return policy.roles[role].on && (role !== 'fixer' || (policy.auto_review_fix && isJudged));
  });
}

async function programProblem(
  { repo, env: base, walls, flagCheck }: Candidate,
  profile: AgentProfile,
): Promise<Problem | null> {
  const { preset, role } = profile;
  // These variables exist as soon as the engine runs.
  if (preset === 'function' || preset === 'custom') return null;
  const own = isProgramPreset(preset) ? (presetProgram(preset).program ?? '') : preset === 'sh' ? '/bin/sh' : '';
  const program = profile.program?.trim() || own;
  if (program === '') {
    return {
      message: `preset "${preset}" and no program`,
      hint: `set it under [agents.${role}] in .stator/config.toml or daemon.toml: program = "your-agent --its-flags"`,
    };
  }
  const given = envFileOf(profile, repo);
  const env = { PATH: given.PATH || base.PATH || defaultPath };
  const file = programFile(program, { repo, env });
  // A shell command line, or a file that the plan's branch or a setup may still provide.
  if (file === null && (preset === 'command' || preset === 'acp') && /\s/.test(program)) return null;
  if (file === null && program.includes('/') && !isAbsolute(program)) return null;
  const found = resolveProgram(file ?? program, { from: repo, env });
  if (found.kind === 'found') {
    const isWalled = needsWalls(profile) || (await walls.areUsedFor(profile));
    const refusal = isWalled ? null : (knownProgram(preset)?.startProblem?.(profile, { ...base, ...given }) ?? null);
    if (refusal !== null || !isProgramPreset(preset) || profile.program !== null) return refusal;
    const dropped = await flagCheck(preset, found.path);
    return dropped.length === 0 ? null : droppedProblem(preset, role, { path: found.path, dropped });
  }
  const hint = isProgramPreset(preset)
    ? installHint(preset, role)
    : `install it, or set \`program\` under [agents.${role}] to where it is; stator doctor looks for it`;
  return { message: found.message, hint };
}

function droppedProblem(
  preset: ProgramPreset,
  role: Role,
  { path, dropped }: { readonly path: string; readonly dropped: readonly string[] },
): Problem {
  const hint = versionHint(preset, role);
  return { message: `${path} does not know ${dropped.join(', ')}, which preset "${preset}" gives it`, hint };
}

/** The variables of the env file. The start reports an unreadable file, with the line. */
function envFileOf({ envFile }: AgentProfile, repo: string): Readonly<Record<string, string>> {
  try {
    return envFile === null ? {} : readEnvFile(envFile, repo).variables;
  } catch (thrown) {
    if (thrown instanceof EngineError) return {};
    throw thrown;
  }
}

function blockProblems({ config: { profiles }, document, isDone, isSession = false }: Candidate): Problem[] {
  const role = isSession ? 'session' : 'coder';
  if (document === null) return [];
  const found = tasksWithoutBlocks(document, profiles[role], (wave, { number }) => isDone(wave, number));
  return found.map(({ wave, task }) => ({
    message: `${taskName({ wave, task })}: no fenced sh block, and preset "sh" runs nothing else`,
    hint: `put the commands into the task between \`\`\`sh and \`\`\`, or give the ${role} another agent: [agents.${role}] preset = "command" with a program`,
  }));
}
