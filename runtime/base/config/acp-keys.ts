/** Keys that have an effect only for agents of the Agent Client Protocol. */
import { acpPresets, alsoAcp, isAcpPreset, optedAcp, withoutAcp } from './acp/agents.ts';
import type { AgentProfile } from './profiles.ts';

/** The mistake in a profile that has one of them, and the remedy; null: there is none. */
export function acpKeyProblem({
  role,
  preset,
  acp,
  mode,
  mcp,
}: AgentProfile): { readonly key: 'acp' | 'mode' | 'mcp'; readonly message: string } | null {
  if (acp && optedAcp(withoutAcp(preset)) === null) {
    const why = isAcpPreset(preset)
      ? 'it speaks the Agent Client Protocol anyway'
      : `only ${alsoAcp.join(' and ')} have it`;
    return { key: 'acp', message: `acp = true for the ${role}, whose preset is "${preset}": ${why}; take it out` };
  }
  const key = mode !== null ? 'mode' : Object.keys(mcp).length > 0 ? 'mcp' : null;
  if (key === null || isAcpPreset(preset)) return null;
  const message = `\`${key}\` for the ${role}, whose preset is "${preset}": only agents of the Agent Client Protocol have it (${acpPresets.join(', ')}, and ${alsoAcp.join(' and ')} with acp = true); take it out`;
  return { key, message };
}
