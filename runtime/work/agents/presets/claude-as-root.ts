/**
 * Claude Code refuses `--dangerously-skip-permissions` to root, unless `IS_SANDBOX=1` declares a sandbox. Source: its own message, tested with versions
 * 2.1.197 and 2.1.330.
 */
import type { AgentProfile } from '../../../base/config/config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that the program needs as root. The engine sets it only if it is true: inside walls. */
export function rootEnvironment({ STATOR_SANDBOX }: Environment): Readonly<Record<string, string>> {
  return isRoot() && STATOR_SANDBOX === 'bwrap' ? { IS_SANDBOX: '1' } : {};
}

/** Why it would not start, with the remedy; null: it would. `env` is the run's environment. */
export function rootProblem(
  { role, permissions }: Pick<AgentProfile, 'permissions' | 'role'>,
  env: Environment,
): { readonly message: string; readonly hint: string } | null {
  if (!isRoot() || permissions === 'ask' || env.STATOR_SANDBOX === 'bwrap' || env.IS_SANDBOX === '1') return null;
  return {
    message: 'claude does not work without questions as root, and no walls stand around it here',
    hint: `run stator as another user; or install bubblewrap, so that walls stand around the agent; or, in a container of its own, put IS_SANDBOX=1 into the env_file of [agents.${role}]`,
  };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
