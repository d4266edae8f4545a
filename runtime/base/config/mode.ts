/** Whose agents work in a mode that a profile may name: those of the Agent Client Protocol. */
import { acpPresets, isAcpPreset } from './acp/agents.ts';
import type { AgentProfile } from './profiles.ts';

/** What is wrong with a profile that names a mode, and what to do; null: nothing. */
export function modeProblem({
  role,
  preset,
  mode,
}: AgentProfile): { readonly key: 'mode'; readonly message: string } | null {
  if (mode === null || isAcpPreset(preset)) return null;
  const message = `mode = "${mode}" for the ${role}, whose preset is "${preset}": only agents of the Agent Client Protocol have modes (${acpPresets.join(', ')}); take it out`;
  return { key: 'mode', message };
}
