/** The agents that are known to support the Agent Client Protocol, by the names of their presets. To add one, write a file and add it to `agents`. */
import type { AcpAgent, AcpSpeech } from './agent.ts';
import { cline } from './cline.ts';
import { copilot } from './copilot.ts';
import { gemini } from './gemini.ts';
import { goose } from './goose.ts';
import { kimi } from './kimi.ts';
import { opencode } from './opencode.ts';
import { qwen } from './qwen.ts';

const agents = { copilot, qwen, goose, cline, kimi } as const satisfies Readonly<Record<string, AcpAgent>>;

/** Programs with a preset and a stream of their own; they use the protocol where their profile has `acp = true`. */
const speeches = { opencode, gemini } as const satisfies Readonly<Record<string, AcpSpeech>>;

export type { AcpAgent } from './agent.ts';

export type KnownAcp = keyof typeof agents;
type AlsoAcp = keyof typeof speeches;
/** The internal preset of such a program whose profile has `acp = true`. It cannot be written in a configuration. */
export type OptedAcp = `${AlsoAcp}-acp`;
/** Presets of agents that are used through the protocol only. `acp`: any other program that supports it. */
export type OwnAcp = KnownAcp | 'acp';
export type AcpPreset = OwnAcp | OptedAcp;

export const acpPresets = ['acp', ...(Object.keys(agents) as KnownAcp[])] as const; // `Object.keys` loses the types of keys

/** The names of the presets that take `acp = true`. */
export const alsoAcp = Object.keys(speeches) as AlsoAcp[]; // as above

const opted: ReadonlyMap<string, AlsoAcp> = new Map(alsoAcp.map((program) => [`${program}-acp`, program]));

/** The internal preset for the protocol of `opencode` and `gemini`; null: another preset. */
export function optedAcp(preset: string): OptedAcp | null {
  return isAlsoAcp(preset) ? `${preset}-acp` : null;
}

function isAlsoAcp(preset: string): preset is AlsoAcp {
  return Object.hasOwn(speeches, preset);
}

/** The preset for the program itself, whichever protocol it uses. */
export function withoutAcp<Preset extends string>(preset: Preset): Exclude<Preset, OptedAcp> | AlsoAcp {
  return opted.get(preset) ?? (preset as Exclude<Preset, OptedAcp>); // each `OptedAcp` is in the map
}

export function isOwnAcp(preset: string): preset is OwnAcp {
  return preset === 'acp' || Object.hasOwn(agents, preset);
}

export function isAcpPreset(preset: string): preset is AcpPreset {
  return isOwnAcp(preset) || opted.has(preset);
}

/** A table with an entry for each preset that supports the protocol. */
export function eachAcp<Value>(entryOf: (preset: AcpPreset) => Value): Readonly<Record<AcpPreset, Value>> {
  const all = [...acpPresets, ...(opted.keys() as Iterable<OptedAcp>)];
  return Object.fromEntries(all.map((preset) => [preset, entryOf(preset)])) as Record<AcpPreset, Value>; // the list has each preset
}

/** null for `acp`: nothing is known of that program but its profile. */
export function acpAgent(preset: OwnAcp): AcpAgent | null {
  return preset === 'acp' ? null : agents[preset];
}

/** null for `acp`, as above. */
export function acpSpeech(preset: AcpPreset): AcpSpeech | null {
  const program = withoutAcp(preset);
  return isAlsoAcp(program) ? speeches[program] : acpAgent(program);
}

/** Whether a checkout without the known settings files contains no settings of the branch. */
export function loadsKnownSettings(preset: AcpPreset): boolean {
  const program = withoutAcp(preset);
  return isAlsoAcp(program) || (acpAgent(program)?.settingsAreTried ?? false);
}
