/** Which programs can ask a person before they act, and why the others cannot. docs/agents.md has the documented behaviour of each. */
import { isAcpPreset } from './acp/agents.ts';
import { isStreamPreset, type PresetProgram, type ProgramPreset, streamPrograms } from './preset-programs.ts';
import type { AgentProfile } from './profiles.ts';
import type { Preset } from './schema.ts';

/** Why `permissions = "ask"` is not possible with other programs. */
const obstacles: { readonly [preset in Exclude<Preset, ProgramPreset>]: string } = {
  sh: 'a shell runs its commands without asking',
  command: 'how a program of your own asks is not known here',
  function: 'a function cannot ask',
  custom: 'how a program of your own asks is not known here',
};

/** The mistake in a profile that must ask, and the remedy, with the key; null: there is none. */
export function permissionProblem({
  role,
  preset,
  flags,
  permissions,
}: AgentProfile): { readonly key: 'permissions' | 'flags'; readonly message: string } | null {
  if (permissions === 'skip') return null;
  const skip = `set permissions = "skip" under [agents.${role}]`;
  const { cannotAsk: obstacle, bypass }: Partial<PresetProgram> = isStreamPreset(preset)
    ? streamPrograms[preset]
    : isAcpPreset(preset)
      ? {}
      : { cannotAsk: obstacles[preset] };
  if (obstacle !== undefined) {
    const message = `permissions = "ask" for the ${role}, whose preset is "${preset}": ${obstacle}; ${skip}, or preset = "claude", or one of the Agent Client Protocol`;
    return { key: 'permissions', message };
  }
  const flag = bypass === undefined ? undefined : flags.find((each) => bypass.test(each));
  if (flag === undefined) return null;
  const message = `"${flag}" lets the ${role} do everything unasked, and permissions = "ask" is in force for it; take the flag out, or ${skip}`;
  return { key: 'flags', message };
}
