/** Profiles that cannot do what their keys say: they are refused when the configuration is read. docs/agents.md has the documented behaviour of each program. */
import { roles } from '../../../machines/vocabulary/ids.ts';
import { acpOptionalPresets, acpPresets, chosenAcp, isAcpPreset, withoutAcp } from './acp/agents.ts';
import { type Origins, originOf, problemsError } from './document.ts';
import {
  isProgramPreset,
  isStreamPreset,
  type PresetProgram,
  type ProgramPreset,
  streamPrograms,
} from './preset-programs.ts';
import {
  type AgentLayer,
  type AgentProfile,
  allPlayersOf,
  canPlay,
  fallbackNames,
  type ResolvedProfile,
  smallName,
  stepNames,
  unplayable,
} from './profiles.ts';
import type { Preset } from './schema.ts';

/**
 * An agent that must ask and cannot, or must have a terminal and cannot, is found when the configuration is read, and not when it already acts without asking.
 * All agents of one file are reported together.
 */
export function refuseUnfitKeys(resolved: readonly ResolvedProfile[], origins: Origins): void {
  const problems = resolved.flatMap(({ profile }) => {
    const isOn = profile.enabled && canPlay(profile);
    const problemOf = (each: AgentProfile) =>
      permissionProblem(each) ??
      terminalProblem(each) ??
      acpKeyProblem(each) ??
      networkProblem(each, each.name ?? each.role);
    const others = isOn ? allPlayersOf(profile) : [];
    const unfit = others.find((other) => other.name !== null && !canPlay(other));
    const problem = isOn
      ? (problemOf(profile) ??
        others.map(problemOf).find((other) => other !== null) ??
        (unfit === undefined
          ? null
          : ({
              key: profile.steps.some(({ name }) => name === unfit.name) ? 'escalate' : 'fallback',
              message: `${unfit.name} cannot replace the ${profile.role}: ${unplayable(unfit)}`,
            } as const)))
      : null;
    if (problem === null) return [];
    const { file, line } = originOf({ origins }, `agents.${profile.role}.${problem.key}`);
    return [{ file: file ?? 'the agents given to the engine', line, message: problem.message }];
  });
  const [first] = problems;
  if (first === undefined) return;
  throw problemsError(
    first.file,
    problems.filter(({ file }) => file === first.file),
  );
}

export function refuseUnfitChecks({ profile, origins }: ResolvedProfile): void {
  const problem = networkProblem({ ...profile, preset: 'command' }, 'check');
  if (problem === null) return;
  const { file, line } = origins[problem.key];
  throw problemsError(file ?? 'the agents given to the engine', [{ line, message: problem.message }]);
}

/** A circle, or a missing profile, is found when the configuration is read. All of one file are reported together. */
export function refuseReplacements(layers: readonly AgentLayer[]): void {
  const problems = roles.flatMap((role) => [
    ...[fallbackNames(role, layers), stepNames(role, layers)].flatMap(({ problem }) => problem ?? []),
  ]);
  const tables = new Set(layers.flatMap((layer) => Object.keys(layer.tables)));
  for (const table of new Set(['coder', ...tables]))
    if (table !== 'default') problems.push(...[smallName(table, layers).problem ?? []].flat());
  const [first] = problems;
  if (first === undefined) return;
  const here = problems.filter(({ origin }) => origin.file === first.origin.file);
  const byText = new Map(
    here.map(({ origin, message }) => [`${origin.line} ${message}`, { line: origin.line, message }]),
  );
  throw problemsError(first.origin.file ?? 'the agents given to the engine', [...byText.values()]);
}

/** Why `permissions = "ask"` is not possible with other programs. */
const cannotAsk: { readonly [preset in Exclude<Preset, ProgramPreset>]: string } = {
  sh: 'a shell runs its commands without asking',
  command: 'how a program of your own asks is not known here',
  function: 'a function cannot ask',
  custom: 'how a program of your own asks is not known here',
};

/** The mistake in a profile that must ask, and the remedy, with the key; null: there is none. */
function permissionProblem(
  profile: AgentProfile,
): { readonly key: 'permissions' | 'flags'; readonly message: string } | null {
  if (profile.permissions === 'skip') return null;
  const skip = `set permissions = "skip" under [agents.${profile.role}]`;
  const { cannotAsk: obstacle, bypass }: Partial<PresetProgram> = isStreamPreset(profile.preset)
    ? streamPrograms[profile.preset]
    : isAcpPreset(profile.preset)
      ? {}
      : { cannotAsk: cannotAsk[profile.preset] };
  if (obstacle !== undefined) {
    const message = `permissions = "ask" for the ${profile.role}, whose preset is "${profile.preset}": ${obstacle}; ${skip}, or preset = "claude", or one of the Agent Client Protocol`;
    return { key: 'permissions', message };
  }
  const flag = bypass === undefined ? undefined : profile.flags.find((each) => bypass.test(each));
  if (flag === undefined) return null;
  const message = `"${flag}" lets the ${profile.role} do everything unasked, and permissions = "ask" is in force for it; take the flag out, or ${skip}`;
  return { key: 'flags', message };
}

const reads = 'it is started without a terminal, and its prompt comes on standard input';
/** Why `terminal = true` cannot be kept with other programs; null: that program gets one. */
const noTerminal: { readonly [preset in Exclude<Preset, ProgramPreset>]: string | null } = {
  sh: null,
  command: null,
  function: 'a function has none',
  custom: null,
};

/** The mistake in a profile that must have a terminal, and the remedy; null: there is none. */
function terminalProblem(profile: AgentProfile): { readonly key: 'terminal'; readonly message: string } | null {
  const obstacle = !profile.terminal ? null : isProgramPreset(profile.preset) ? reads : noTerminal[profile.preset];
  if (obstacle === null) return null;
  const message = `terminal = true for the ${profile.role}, whose preset is "${profile.preset}": ${obstacle}; take it out, or set preset = "command" and a program that works in a terminal`;
  return { key: 'terminal', message };
}

/** The mistake in a profile that has one of them, and the remedy; null: there is none. */
function acpKeyProblem(
  profile: AgentProfile,
): { readonly key: 'acp' | 'mode' | 'mcp'; readonly message: string } | null {
  if (profile.acp && chosenAcp(withoutAcp(profile.preset)) === null) {
    const why = isAcpPreset(profile.preset)
      ? 'it speaks the Agent Client Protocol anyway'
      : `only ${acpOptionalPresets.join(' and ')} have it`;
    return {
      key: 'acp',
      message: `acp = true for the ${profile.role}, whose preset is "${profile.preset}": ${why}; take it out`,
    };
  }
  const key = profile.mode !== null ? 'mode' : Object.keys(profile.mcp).length > 0 ? 'mcp' : null;
  if (key === null || isAcpPreset(profile.preset)) return null;
  const message = `\`${key}\` for the ${profile.role}, whose preset is "${profile.preset}": only agents of the Agent Client Protocol have it (${acpPresets.join(', ')}, and ${acpOptionalPresets.join(' and ')} with acp = true); take it out`;
  return { key, message };
}

/** A network is limited only by walls. The mistake and the remedy, with the key; null: there is none. `table`: the table of `[agents]` that contains it. */
function networkProblem(
  { network, sandbox, preset }: Pick<AgentProfile, 'network' | 'sandbox' | 'preset'>,
  table: string,
): { readonly key: 'network'; readonly message: string } | null {
  if (network === 'full') return null;
  const what = `network = "${network}" of [agents.${table}] limits nothing`;
  const free = `set network = "full" under [agents.${table}] to say that it may reach everything`;
  if (preset === 'function')
    return { key: 'network', message: `${what}: a function runs in the engine's own process; ${free}` };
  if (sandbox === 'off')
    return {
      key: 'network',
      message: `${what} with sandbox = "off": only walls limit a network; take sandbox = "off" out, or ${free}`,
    };
  const { platform } = process;
  if (platform === 'linux') return null;
  return {
    key: 'network',
    message: `${what} on ${platform === 'darwin' ? 'macOS' : platform}: only walls limit a network, and there are none; ${free}`,
  };
}
