/** Recognizes the message of a program that ended because it does not accept one of its arguments. */
import type { AgentProgram } from '../presets/agent-program.ts';

/** null: the line is not about an argument. */
export function refusedArgumentIn(
  { refusedArgument, refusalText }: Pick<AgentProgram, 'refusedArgument' | 'refusalText'>,
  line: string,
): string | null {
  if (!refusedArgument.test(line)) return null;
  return refusalText ?? line.trim().replace(/^error: /i, '');
}
