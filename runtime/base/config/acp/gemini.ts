/** Gemini CLI by the Agent Client Protocol. Sources: its documents, and trials with 0.61.0. Other facts about the program are at its own preset. */
import type { AcpSpeech } from './agent.ts';

export const gemini = {
  args: ['--acp', '--skip-trust'],
  loginCommand: 'gemini',
  modeOf: { skip: { modes: ['yolo'] }, ask: { modes: ['default'] } },
  modelFlag: '--model',
} as const satisfies AcpSpeech;
