/** The programs behind the presets that are agents of others: what they are called, and how they are installed. Pure, for every layer. */
import type { Preset } from './schema.ts';

export interface PresetProgram {
  /** The program on PATH, unless the profile names another one. */
  readonly program: string;
  /** The npm package that brings it. */
  readonly npmPackage: string;
  /** The versions with which the suite of the real programs is run, the oldest that is promised first: docs/agents.md. */
  readonly triedVersions: readonly [string, ...string[]];
}

export const presetPrograms = {
  claude: { program: 'claude', npmPackage: '@anthropic-ai/claude-code', triedVersions: ['2.1.197', '2.1.330'] },
  codex: { program: 'codex', npmPackage: '@openai/codex', triedVersions: ['0.169.0'] },
  opencode: { program: 'opencode', npmPackage: 'opencode-ai', triedVersions: ['1.18.33'] },
  gemini: { program: 'gemini', npmPackage: '@google/gemini-cli', triedVersions: ['0.61.0'] },
} as const satisfies { readonly [name in Preset]?: PresetProgram };

export type ProgramPreset = keyof typeof presetPrograms;

export function isProgramPreset(preset: string): preset is ProgramPreset {
  return Object.hasOwn(presetPrograms, preset);
}

/** The message that a service refuses the program's login, and what to do. */
export function loginHint(preset: ProgramPreset, role: string): string {
  const { program } = presetPrograms[preset];
  return `the service refuses the login of ${program}: log in to ${program} as the user that runs stator, or put its key into the env_file of [agents.${role}]`;
}

/** That the program does not take an argument, as it `said` itself, and what a person does about it: of their own `flags`, or of its version where they gave none. */
export function argumentHint(
  preset: ProgramPreset,
  { role, said, flags }: { readonly role: string; readonly said: string; readonly flags: readonly string[] },
): string {
  const { program } = presetPrograms[preset];
  const what = `${program} does not take an argument: ${said}`;
  if (flags.length === 0) return `${what}; ${versionHint(preset, role)}`;
  return `${what}; correct \`flags\` of [agents.${role}], or of the table that it takes them from, which are now: ${shownFlags(flags)}`;
}

/** The characters of the flags that a message shows. */
const flagsLength = 120;

function shownFlags(flags: readonly string[]): string {
  const text = flags.join(' ');
  return text.length <= flagsLength ? text : `${text.slice(0, flagsLength - 1)}…`;
}

/** The hint for a program that knows other flags than the tried version. */
export function versionHint(preset: ProgramPreset, role: string): string {
  const { npmPackage, triedVersions } = presetPrograms[preset];
  return `install a version that was tried: npm install -g ${npmPackage}@${triedVersions.at(-1)}; or set \`program\` under [agents.${role}] to where one is`;
}

/** What a person does where the program is not there; `role` names the table of the configuration that could say another. */
export function installHint(preset: ProgramPreset, role: string): string {
  return `install it: npm install -g ${presetPrograms[preset].npmPackage}; or set \`program\` under [agents.${role}] to where it is; stator doctor looks for it`;
}
