/** opencode by the Agent Client Protocol. Sources: its documents, and trials with 1.18.33. Other facts about the program are at its own preset. */
import type { AcpSpeech } from './agent.ts';

/** Its modes do not decide what it asks about; its configuration does, and this variable (OPENCODE_PERMISSION) is a part of it. */
const asks = JSON.stringify({ bash: 'ask', edit: 'ask', webfetch: 'ask' });

export const opencode = {
  args: ['acp'],
  loginCommand: 'opencode auth login',
  modeOf: { skip: { modes: ['build'] }, ask: { modes: ['build'], env: { OPENCODE_PERMISSION: asks } } },
  modelFlag: null,
} as const satisfies AcpSpeech;
