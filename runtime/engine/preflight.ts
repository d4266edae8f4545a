/** Checks before an engine runs, by `stator doctor` and `stator run`: prompts, programs, env files, git. Each part is loaded when it is needed. */
import type { EngineError } from '../../machines/vocabulary/errors.ts';
import type { AgentProfile, SignMode } from '../base/config/config.ts';
import type { ProgramPreset } from '../base/config/preset-programs.ts';
import type { Environment } from '../base/platform/home.ts';
import type { AcpAbout } from '../work/agents/presets/acp-about.ts';
import type { TerminalProgram } from '../work/agents/terminal.ts';

/** All faults of a repo's own prompts. */
export async function promptProblems(repo: string): Promise<EngineError[]> {
  const templates = await import('../work/agents/prompts/template-files.ts');
  return templates.promptProblems(repo);
}

/** The flags of the preset that the program at that path does not know, by its own help. */
export async function droppedFlagsOf(
  preset: ProgramPreset,
  path: string,
  env: Environment,
): Promise<readonly string[]> {
  const { droppedFlags } = await import('../work/agents/presets/known-flags.ts');
  return droppedFlags(preset, path, env);
}

/** How the program of an agent of the Agent Client Protocol describes itself; null: it does not. */
export async function acpAboutOf(
  ...asked: Parameters<typeof import('../work/agents/presets/acp-about.ts').acpAbout>
): Promise<AcpAbout | null> {
  const { acpAbout } = await import('../work/agents/presets/acp-about.ts');
  return acpAbout(...asked);
}

/** Why the agents of that home cannot start their `stator`; null: they can, as far as is known before the first agent. */
export async function launcherFaultIn(home: string): Promise<EngineError | null> {
  const { launcherFault } = await import('../work/agents/launcher.ts');
  return launcherFault(home);
}

/** Why the program of one of these profiles would not start without walls; null: each would. */
export async function startProblemIn(
  profiles: readonly AgentProfile[],
  env: Environment,
): Promise<{ readonly message: string; readonly hint: string } | null> {
  const { knownProgram } = await import('../work/agents/presets/programs.ts');
  return profiles.map((each) => knownProgram(each.preset)?.startProblem?.(each, env) ?? null).find(Boolean) ?? null;
}

/** The hosts that an agent with `network = "hosts"` reaches. */
export async function hostsIn(
  ...asked: Parameters<typeof import('../work/sandbox/ready-hosts.ts').hostsOf>
): Promise<string[]> {
  const { hostsOf } = await import('../work/sandbox/ready-hosts.ts');
  return hostsOf(...asked);
}

/** The program that opens a terminal for an agent, or why there is none. */
export async function terminalIn(env: Environment): Promise<TerminalProgram> {
  const { probeTerminal } = await import('../work/agents/terminal.ts');
  return probeTerminal(env);
}

/** The version of git on that PATH. Throws `git_missing` if there is none, or if it is too old. */
export async function gitVersionIn({ PATH = '' }: Environment): Promise<string> {
  const { gitVersion } = await import('../work/git/git.ts');
  return gitVersion({ env: { PATH } });
}

/** The author of commits in that folder. Throws `bad_config` where git knows none, and `git_failed` where it could not say. */
export async function identityIn(folder: string): Promise<{ name: string; email: string }> {
  const { identity } = await import('../work/git/identity.ts');
  return identity({ path: folder });
}

/** How commits are signed in that repository. `why`: signing does not work without a question; null: it does. */
export async function signingIn(
  repo: string,
  sign: SignMode,
): Promise<{ readonly kind: 'off' } | { readonly kind: 'on'; readonly isAsked: boolean; readonly why: string | null }> {
  const { signingOf, trySigning } = await import('../work/git/signing.ts');
  const signing = await signingOf({ path: repo, sign });
  return signing.kind === 'off' ? signing : { ...signing, why: await trySigning(repo) };
}

/** The branch, tag or commit that plans of a repository start from. Throws `bad_repo`, and `bad_config` if the configured one does not exist. */
export async function baseBranchIn(repo: string, configured: string): Promise<string> {
  const { baseBranch, createSharedAccess, inspectRepository } = await import('../work/git/repository.ts');
  const shared = createSharedAccess();
  try {
    return await baseBranch(await inspectRepository(repo, shared), configured);
  } finally {
    shared.gits.close();
  }
}

/** The variables of an `env_file`, and the doubtful lines in it. Throws `agent_unusable` where it cannot be read. */
export async function envFileIn(
  repo: string,
  file: string,
): Promise<{ readonly variables: Readonly<Record<string, string>>; readonly warnings: readonly string[] }> {
  const { readEnvFile } = await import('../work/agents/env-file.ts');
  return readEnvFile(file, repo);
}

/** Leftovers of killed git processes in a repository that stop others, each with what to do. */
export async function gitFaultsIn(repo: string): Promise<string[]> {
  const { gitFaults: gitTroubles } = await import('../work/git/troubles.ts');
  return gitTroubles(repo);
}

/** The filters of git that a repository's files need, each with the command that the user has set for it; null: none. */
export async function filtersIn(repo: string): Promise<Map<string, string | null>> {
  const { filtersOf } = await import('../work/git/troubles.ts');
  return filtersOf(repo);
}
