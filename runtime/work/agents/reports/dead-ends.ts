/**
 * Failures that another attempt in the same conversation, or with the same model, would repeat: recognized by the programs' own messages, never by an agent's
 * text. Sources: the programs' source code and users' reports; the service's messages appear inside of these.
 */
import type { AgentProgram } from '../presets/agent-program.ts';

/** Both come from the problem that a failing program reports; null: none. */
export function deadEndIn(
  { fullContext, refusedModel }: Pick<AgentProgram, 'fullContext' | 'refusedModel'>,
  problem: string | null,
): { readonly isContextFull: boolean; readonly isModelRefused: boolean } {
  const isOneOf = (lines: readonly RegExp[]) => problem !== null && lines.some((line) => line.test(problem));
  return { isContextFull: isOneOf(fullContext), isModelRefused: isOneOf(refusedModel) };
}
