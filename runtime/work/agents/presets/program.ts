/** The common parts of the starters of claude, codex, opencode and gemini: the started file, and that the prompt is never an argument. */
import { type ProgramPreset, presetProgram } from '../../../base/config/preset-programs.ts';
import { programFile, withTrustedFiles } from '../preset-command.ts';
import type { CommandLine, CommandPlaces, RunBrief } from '../run-brief.ts';

/**
 * The program of the profile, else the preset's own, with its arguments and then the profile's flags, so that a flag of the user comes last. The prompt is
 * on standard input: it may have 300 KiB, and Linux passes no argument over 128 KiB.
 */
export function programLine(
  preset: ProgramPreset,
  { profile }: RunBrief,
  places: CommandPlaces,
  args: { readonly before: readonly string[]; readonly after?: readonly string[] },
): CommandLine {
  const program = profile.program?.trim() || (presetProgram(preset).program ?? '');
  const file = programFile(program, places) ?? program;
  const { flags, files } = withTrustedFiles(profile, program, places);
  return { argv: [file, ...args.before, ...flags, ...(args.after ?? [])], stdin: 'prompt', script: null, files };
}

/** `--model <name>` if the profile names one; all four programs use this flag. */
export function modelOf({ profile }: RunBrief): string[] {
  return profile.model === null ? [] : ['--model', profile.model];
}
