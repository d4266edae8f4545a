/** Which programs can ask a person before they do something, and why the others cannot. What each documents is in docs/agents.md. */
import { eachAcp } from './acp/agents.ts';
import type { AgentProfile } from './profiles.ts';
import type { Preset } from './schema.ts';

/** Why `permissions = "ask"` is not possible; null: that program asks. */
const obstacles: { readonly [preset in Preset]: string | null } = {
  claude: null,
  codex: 'codex exec cannot ask: it runs with approvals off, and what its own sandbox forbids fails',
  opencode: 'opencode run rejects by itself what it would have to ask about; with acp = true it asks',
  gemini: 'gemini denies by itself what it would have to ask about where no terminal is there; with acp = true it asks',
  ...eachAcp(() => null),
  sh: 'a shell runs its commands without asking',
  command: 'how a program of your own asks is not known here',
  function: 'a function cannot ask',
  custom: 'how a program of your own asks is not known here',
};

/** A flag of claude's that lets everything pass, whatever other flags say. */
const bypass = /^--dangerously-skip-permissions(?:=|$)|^(?:--permission-mode=)?bypassPermissions$/;

/** What is wrong with a profile that is to ask, and what to do, with the key that is at fault; null: nothing. */
export function permissionProblem({
  role,
  preset,
  flags,
  permissions,
}: AgentProfile): { readonly key: 'permissions' | 'flags'; readonly message: string } | null {
  if (permissions === 'skip') return null;
  const skip = `set permissions = "skip" under [agents.${role}]`;
  const obstacle = obstacles[preset];
  if (obstacle !== null) {
    const message = `permissions = "ask" for the ${role}, whose preset is "${preset}": ${obstacle}; ${skip}, or preset = "claude", or one of the Agent Client Protocol`;
    return { key: 'permissions', message };
  }
  const flag = preset === 'claude' ? flags.find((each) => bypass.test(each)) : undefined;
  if (flag === undefined) return null;
  const message = `"${flag}" lets the ${role} do everything unasked, and permissions = "ask" is in force for it; take the flag out, or ${skip}`;
  return { key: 'flags', message };
}
