/** Which programs may have a terminal, and why the others get none. */
import { isProgramPreset, type ProgramPreset } from './preset-programs.ts';
import type { AgentProfile } from './profiles.ts';
import type { Preset } from './schema.ts';

const reads = 'it is started without a terminal, and its prompt comes on standard input';
/** Why `terminal = true` cannot be kept with other programs; null: that program gets one. */
const obstacles: { readonly [preset in Exclude<Preset, ProgramPreset>]: string | null } = {
  sh: null,
  command: null,
  function: 'a function has none',
  custom: null,
};

/** The mistake in a profile that must have a terminal, and the remedy; null: there is none. */
export function terminalProblem({
  role,
  preset,
  terminal,
}: AgentProfile): { readonly key: 'terminal'; readonly message: string } | null {
  const obstacle = !terminal ? null : isProgramPreset(preset) ? reads : obstacles[preset];
  if (obstacle === null) return null;
  const message = `terminal = true for the ${role}, whose preset is "${preset}": ${obstacle}; take it out, or set preset = "command" and a program that works in a terminal`;
  return { key: 'terminal', message };
}
