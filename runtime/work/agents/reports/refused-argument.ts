/**
 * Recognizes the message of a program that ended because it does not accept one of its arguments. Each program prints it as plain text before its first
 * event. Pure.
 */
import { eachAcp } from '../../../base/config/acp/agents.ts';
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';

/** The messages of each program's argument parser. Tested with the versions in docs/agents.md. */
const refusals: Readonly<Record<ProgramPreset, RegExp>> = {
  claude: /^error: (?:unknown option|option|too many arguments) /,
  codex:
    /^error: (?:unexpected argument|invalid value|a value is required|the argument|unrecognized subcommand) |^Error parsing -c overrides: /,
  gemini: /^(?:Unknown arguments?|Not enough arguments following): |^\s*Argument: [\w-]+, Given: /,
  ...eachAcp(() => /^(?:error: )?(?:unknown (?:option|argument)s?|unexpected argument|unrecognized option)\b/i),
  // It prints the command's help without a reason.
  opencode: /^opencode run \[message\.\.\]$/,
};

const silent = 'it prints its help and no reason';

/** null: the line is not about an argument. */
export function refusedArgumentIn(preset: ProgramPreset, line: string): string | null {
  if (!refusals[preset].test(line)) return null;
  return preset === 'opencode' ? silent : line.trim().replace(/^error: /i, '');
}
