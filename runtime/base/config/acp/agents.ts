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

export type AcpOnlyAgent = keyof typeof agents;
type AcpOptionalPreset = keyof typeof speeches;
/** The internal preset of a program with a stream of its own whose profile has `acp = true`. It cannot be written in a configuration. */
export type ChosenAcpPreset = `${AcpOptionalPreset}-acp`;
/** Presets of agents that are used through the protocol only. `acp`: any other program that supports it. */
export type AcpOnlyPreset = AcpOnlyAgent | 'acp';
export type AcpPreset = AcpOnlyPreset | ChosenAcpPreset;

export const acpPresets = ['acp', ...(Object.keys(agents) as AcpOnlyAgent[])] as const; // `Object.keys` loses the types of keys

/** The names of the presets that take `acp = true`. */
export const acpOptionalPresets = Object.keys(speeches) as AcpOptionalPreset[]; // as above

const chosen: ReadonlyMap<string, AcpOptionalPreset> = new Map(
  acpOptionalPresets.map((program) => [`${program}-acp`, program]),
);

/** The internal preset of `opencode` or `gemini` with `acp = true`; null: another preset. */
export function chosenAcp(preset: string): ChosenAcpPreset | null {
  return isAcpOptional(preset) ? `${preset}-acp` : null;
}

function isAcpOptional(preset: string): preset is AcpOptionalPreset {
  return Object.hasOwn(speeches, preset);
}

/** The preset for the program itself, whichever protocol it uses. */
export function withoutAcp<Preset extends string>(
  preset: Preset,
): Exclude<Preset, ChosenAcpPreset> | AcpOptionalPreset {
  return chosen.get(preset) ?? (preset as Exclude<Preset, ChosenAcpPreset>); // each `ChosenAcpPreset` is in the map
}

export function isAcpOnly(preset: string): preset is AcpOnlyPreset {
  return preset === 'acp' || Object.hasOwn(agents, preset);
}

export function isAcpPreset(preset: string): preset is AcpPreset {
  return isAcpOnly(preset) || chosen.has(preset);
}

/** A table with an entry for each preset that supports the protocol. */
export function eachAcp<Value>(entryOf: (preset: AcpPreset) => Value): Readonly<Record<AcpPreset, Value>> {
  const all = [...acpPresets, ...(chosen.keys() as Iterable<ChosenAcpPreset>)];
  return Object.fromEntries(all.map((preset) => [preset, entryOf(preset)])) as Record<AcpPreset, Value>; // the list has each preset
}

/** null for `acp`: nothing is known of that program but its profile. */
export function acpAgent(preset: AcpOnlyPreset): AcpAgent | null {
  return preset === 'acp' ? null : agents[preset];
}

/** null for `acp`, as above. */
export function acpSpeech(preset: AcpPreset): AcpSpeech | null {
  const program = withoutAcp(preset);
  return isAcpOptional(program) ? speeches[program] : acpAgent(program);
}

/** Whether a checkout without the known settings files contains no settings of the branch. */
export function loadsKnownSettings(preset: AcpPreset): boolean {
  const program = withoutAcp(preset);
  return isAcpOptional(program) || (acpAgent(program)?.settingsAreTried ?? false);
}
