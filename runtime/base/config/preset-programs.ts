/** The programs of other makers behind the presets: their names, and how they are installed. Pure, for every layer. */
import {
  type AcpOnlyPreset,
  type AcpPreset,
  acpAgent,
  acpPresets,
  acpSpeech,
  isAcpOnly,
  isAcpPreset,
  withoutAcp,
} from './acp/agents.ts';

export interface PresetProgram {
  /** The program on PATH, unless the profile names another one; null: the profile must name it. */
  readonly program: string | null;
  /** null: it is not known how. */
  readonly installCommand: string | null;
  /** The versions with which the suite of the real programs is run, the oldest that is promised first: docs/agents.md. */
  readonly triedVersions: readonly string[];
  /** Why `permissions = "ask"` is not possible; missing: it asks. */
  readonly cannotAsk?: string;
  /** Its flags that let everything pass, whatever other flags say. */
  readonly bypass?: RegExp;
}

/** Programs with a stream of events of their own. What only a run needs is in work/agents/presets/. */
export const streamPrograms = {
  claude: {
    ...ofNpm('claude', '@anthropic-ai/claude-code', ['2.1.197', '2.1.332']),
    bypass: /^--dangerously-skip-permissions(?:=|$)|^(?:--permission-mode=)?bypassPermissions$/,
  },
  codex: {
    ...ofNpm('codex', '@openai/codex', ['0.171.0']),
    cannotAsk: 'codex exec cannot ask: it runs with approvals off, and what its own sandbox forbids fails',
  },
  opencode: {
    ...ofNpm('opencode', 'opencode-ai', ['1.18.33']),
    cannotAsk: 'opencode run rejects by itself what it would have to ask about; with acp = true it asks',
  },
  gemini: {
    ...ofNpm('gemini', '@google/gemini-cli', ['0.61.0']),
    cannotAsk:
      'gemini denies by itself what it would have to ask about where no terminal is there; with acp = true it asks',
  },
} as const satisfies Readonly<Record<string, PresetProgram>>;

export type StreamPreset = keyof typeof streamPrograms;
/** Presets whose program says in its output what it does. */
export type ProgramPreset = StreamPreset | AcpPreset;
/** The same by their programs, however those are spoken to. */
export type OwnProgramPreset = StreamPreset | AcpOnlyPreset;

export const programPresets: readonly OwnProgramPreset[] = [
  ...(Object.keys(streamPrograms) as StreamPreset[]), // the keys of the table above, nothing else
  ...acpPresets,
];

export function isStreamPreset(preset: string): preset is StreamPreset {
  return Object.hasOwn(streamPrograms, preset);
}

export function isProgramPreset(preset: string): preset is ProgramPreset {
  return isStreamPreset(preset) || isAcpPreset(preset);
}

export function presetProgram(preset: ProgramPreset): PresetProgram {
  const own = withoutAcp(preset);
  return (
    (isAcpOnly(own) ? acpAgent(own) : streamPrograms[own]) ?? { program: null, installCommand: null, triedVersions: [] }
  );
}

function ofNpm(program: string, npmPackage: string, triedVersions: readonly string[]) {
  return { program, npmPackage, installCommand: `npm install -g ${npmPackage}`, triedVersions };
}

/** The message that a service refuses the program's login, and what to do. */
export function loginHint(preset: ProgramPreset, role: string): string {
  const name = nameOf(preset);
  const agent = isAcpPreset(preset) ? acpSpeech(preset) : null;
  const how = agent === null ? `log in to ${name}` : `log in with ${agent.loginCommand}`;
  return `the service refuses the login of ${name}: ${how} as the user that runs stator, or put its key into the env_file of [agents.${role}]`;
}

/** The message that a service refuses the program's model, and what to do. */
export function modelHint(preset: ProgramPreset, role: string): string {
  const name = nameOf(preset);
  return `the service does not have the model of ${name} for this login: name another one in \`model\` of [agents.${role}], or of the table that it takes it from; or log in to ${name} with an account that has it`;
}

/** The hint for a program that does not take an argument, as it `said` itself: about the user's own `flags`, or about its version if there are none. */
export function argumentHint(
  preset: ProgramPreset,
  { role, said, flags }: { readonly role: string; readonly said: string; readonly flags: readonly string[] },
): string {
  const what = `${nameOf(preset)} does not take an argument: ${said}`;
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
  const { installCommand, triedVersions } = presetProgram(preset);
  const version = triedVersions.at(-1);
  const what = version === undefined ? 'the newest version of the program' : 'a version that was tried';
  const how = installCommand === null ? '' : `: ${[installCommand, version].filter(Boolean).join('@')}`;
  return `install ${what}${how}; or set \`program\` under [agents.${role}] to where one is`;
}

/** What a person does if the program is not installed; `role` names the table of the configuration that could say another. */
export function installHint(preset: ProgramPreset, role: string): string {
  const { installCommand } = presetProgram(preset);
  const how = installCommand === null ? '' : `: ${installCommand}`;
  return `install it${how}; or set \`program\` under [agents.${role}] to where it is; stator doctor looks for it`;
}

/** What a person calls it. */
function nameOf(preset: ProgramPreset): string {
  return presetProgram(preset).program ?? 'the agent';
}
