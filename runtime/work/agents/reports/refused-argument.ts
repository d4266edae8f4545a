/**
 * What a program says that ended because it does not take one of its arguments. Each of them says so in plain text before it begins anything, so before its first
 * event. Pure.
 */
import { eachAcp } from '../../../base/config/acp/agents.ts';
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';

/** Each in the words of the library that reads its arguments. Tried with the versions of docs/agents.md. */
const refusals: Readonly<Record<ProgramPreset, RegExp>> = {
  claude: /^error: (?:unknown option|option|too many arguments) /,
  codex:
    /^error: (?:unexpected argument|invalid value|a value is required|the argument|unrecognized subcommand) |^Error parsing -c overrides: /,
  gemini: /^(?:Unknown arguments?|Not enough arguments following): |^\s*Argument: [\w-]+, Given: /,
  ...eachAcp(() => /^(?:error: )?(?:unknown (?:option|argument)s?|unexpected argument|unrecognized option)\b/i),
  // It prints the help of its command and no word of why.
  opencode: /^opencode run \[message\.\.\]$/,
};

const silent = 'it prints its help and no reason';

/** null: that line says nothing of an argument. */
export function refusedArgumentIn(preset: ProgramPreset, line: string): string | null {
  if (!refusals[preset].test(line)) return null;
  return preset === 'opencode' ? silent : line.trim().replace(/^error: /i, '');
}
