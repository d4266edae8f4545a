/** What another attempt in the same conversation, or with the same model, would meet again: by the programs' own words for it, never by words of an agent. */
import { isStreamPreset, type ProgramPreset, type StreamPreset } from '../../../base/config/preset-programs.ts';

/** Sources: the texts of the programs' own sources and of what their users report; those of the service come inside of them. */
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

/** Both are of the problem that a program tells when it ends badly; null: it tells none. Agents of the Agent Client Protocol have no words of their own for them. */
export function deadEndIn(
  preset: ProgramPreset,
  problem: string | null,
): { readonly isContextFull: boolean; readonly isModelRefused: boolean } {
  const isOneOf = (lines: Record<StreamPreset, readonly RegExp[]>) =>
    problem !== null && isStreamPreset(preset) && lines[preset].some((line) => line.test(problem));
  return { isContextFull: isOneOf(fullContexts), isModelRefused: isOneOf(refusedModels) };
}
