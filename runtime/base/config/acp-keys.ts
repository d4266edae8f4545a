/** Keys that only agents of the Agent Client Protocol have a use for. */
import { acpPresets, isAcpPreset } from './acp/agents.ts';
import type { AgentProfile } from './profiles.ts';

/** What is wrong with a profile that has one of them, and what to do; null: nothing. */
export function acpKeyProblem({
  role,
  preset,
  mode,
  mcp,
}: AgentProfile): { readonly key: 'mode' | 'mcp'; readonly message: string } | null {
  const key = mode !== null ? 'mode' : Object.keys(mcp).length > 0 ? 'mcp' : null;
  if (key === null || isAcpPreset(preset)) return null;
  const message = `\`${key}\` for the ${role}, whose preset is "${preset}": only agents of the Agent Client Protocol have it (${acpPresets.join(', ')}); take it out`;
  return { key, message };
}
