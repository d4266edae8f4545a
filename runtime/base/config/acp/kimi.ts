/** Kimi Code CLI, which replaced the archived kimi-cli. Sources: its documents, and a trial with 2.1.0 on Node 22 and a model on loopback. */
import type { AcpAgent } from './agent.ts';

export const kimi = {
  program: 'kimi',
  args: ['acp'],
  installCommand: 'npm install -g @moonshot-ai/kimi-code',
  loginCommand: 'kimi login',
  triedVersions: [],
  modeOf: { skip: { modes: ['yolo'] }, ask: { modes: ['default'] } },
  modelFlag: null,
  variables: ['KIMI_'],
  // It reads KIMI_API_KEY from its configuration only.
  keys: ['KIMI_MODEL_API_KEY'],
  addresses: ['KIMI_MODEL_BASE_URL', 'KIMI_CODE_BASE_URL'],
  hosts: ['api.kimi.com', 'auth.kimi.com', 'api.kimi.ai', 'auth.kimi.ai', 'api.moonshot.ai', 'api.moonshot.cn'],
  home: {
    folder: '.kimi-code',
    variable: 'KIMI_CODE_HOME',
    conversations: 'sessions',
    logins: ['credentials/kimi-code.json'],
    readable: ['config.toml', 'mcp.json', 'AGENTS.md', 'skills', 'agents', 'plugins'],
  },
  settings: ['.kimi-code', '.agents', '.mcp.json'],
  settingsAreTried: false,
} as const satisfies AcpAgent;
