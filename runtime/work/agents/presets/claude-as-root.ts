/**
 * Claude Code refuses `--dangerously-skip-permissions` to root, unless `IS_SANDBOX=1` says that it stands in a sandbox. Source: its own message, tried with
 * versions 2.1.197 and 2.1.330.
 */
import type { AgentProfile } from '../../../base/config/config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the program must be told as root. The engine says it where it is true: inside of walls. */
export function rootEnvironment({ STATOR_SANDBOX }: Environment): Readonly<Record<string, string>> {
  return isRoot() && STATOR_SANDBOX === 'bwrap' ? { IS_SANDBOX: '1' } : {};
}

/** Why it would not start, with what to do; null: it would. `env` is what the run will get. */
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
