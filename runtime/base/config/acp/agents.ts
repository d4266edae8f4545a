/** The agents that are known to speak the Agent Client Protocol, by the names of their presets: a further one is a file and a line here. */
import type { AcpAgent } from './agent.ts';
import { cline } from './cline.ts';
import { copilot } from './copilot.ts';
import { goose } from './goose.ts';
import { kimi } from './kimi.ts';
import { qwen } from './qwen.ts';

const agents = { copilot, qwen, goose, cline, kimi } as const satisfies Readonly<Record<string, AcpAgent>>;

export type { AcpAgent } from './agent.ts';

export type KnownAcp = keyof typeof agents;
/** `acp`: any other program that speaks it. */
export type AcpPreset = KnownAcp | 'acp';

export const acpPresets = ['acp', ...(Object.keys(agents) as KnownAcp[])] as const; // the keys of the table above, nothing else

export function isAcpPreset(preset: string): preset is AcpPreset {
  return preset === 'acp' || Object.hasOwn(agents, preset);
}

/** A table with an entry for each of them. */
export function eachAcp<Value>(entryOf: (preset: AcpPreset) => Value): Readonly<Record<AcpPreset, Value>> {
  return Object.fromEntries(acpPresets.map((preset) => [preset, entryOf(preset)])) as Record<AcpPreset, Value>; // one for each of the list
}

/** null: the agent is known by what its profile says alone. */
export function acpAgent(preset: AcpPreset): AcpAgent | null {
  return preset === 'acp' ? null : agents[preset];
}
