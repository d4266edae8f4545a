/** Gemini CLI by the Agent Client Protocol. Sources: its documents, and trials with 0.61.0. What else is known of the program is at its own preset. */
import type { AcpSpeech } from './agent.ts';

export const gemini = {
  args: ['--acp', '--skip-trust'],
  loginCommand: 'gemini',
  modeOf: { skip: { modes: ['yolo'] }, ask: { modes: ['default'] } },
  modelFlag: '--model',
} as const satisfies AcpSpeech;
