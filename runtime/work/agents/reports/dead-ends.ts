/**
 * Failures that another attempt in the same conversation, or with the same model, would repeat: recognized by the programs' own messages, never by an agent's
 * text.
 */
import { isStreamPreset, type ProgramPreset, type StreamPreset } from '../../../base/config/preset-programs.ts';

/** Sources: the programs' source code and users' reports; the service's messages appear inside of these. */
const fullContexts: Record<StreamPreset, readonly RegExp[]> = {
  claude: [/^(?:API Error: 400 [\s\S]*)?prompt is too long\b/i, /^(?:Error: )?Conversation too long\b/],
  codex: [/\bran out of room in the model['\u2019]s context window\b/, /\bcontext_length_exceeded\b/],
  gemini: [/\bexceeds the maximum number of tokens allowed\b/, /\bmight exceed the remaining context window limit\b/],
  opencode: [
    /\bprompt is too long\b/i,
    /\bexceeds? the (?:model['\u2019]s )?context (?:window|limit)\b/i,
    /\bmaximum context length\b/,
  ],
};

const refusedModels: Record<StreamPreset, readonly RegExp[]> = {
  claude: [/^There['\u2019]s an issue with the selected model \(/],
  codex: [
    /\bThe '[^']*' model is not supported when using Codex\b/,
    /\bThe model `[^`]*` does not exist or you do not have access to it\b/,
    /\bThe requested model '[^']*' does not exist\b/,
  ],
  gemini: [/\bmodels\/\S+ is not found for API version\b/, /^\[API Error: [\s\S]*\bRequested entity was not found\b/],
  opencode: [/^(?:Error: )?Model not found: /],
};

/** Both come from the problem that a failing program reports; null: none. Agents of the Agent Client Protocol have no messages of their own for them. */
export function deadEndIn(
  preset: ProgramPreset,
  problem: string | null,
): { readonly isContextFull: boolean; readonly isModelRefused: boolean } {
  const isOneOf = (lines: Record<StreamPreset, readonly RegExp[]>) =>
    problem !== null && isStreamPreset(preset) && lines[preset].some((line) => line.test(problem));
  return { isContextFull: isOneOf(fullContexts), isModelRefused: isOneOf(refusedModels) };
}
