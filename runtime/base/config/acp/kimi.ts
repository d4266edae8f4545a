/** Kimi Code CLI. Source: its documents; it was not tried. */
import type { AcpAgent } from './agent.ts';

export const kimi = {
  program: 'kimi',
  args: ['acp'],
  installCommand: 'uv tool install --python 3.13 kimi-cli',
  loginCommand: 'kimi login',
  triedVersions: [],
  modeOf: { skip: { modes: ['yolo', 'default'] }, ask: { modes: ['default'] } },
  modelFlag: null,
  variables: ['KIMI_', 'MOONSHOT_'],
  keys: ['KIMI_API_KEY', 'MOONSHOT_API_KEY'],
  addresses: ['KIMI_BASE_URL'],
  hosts: ['api.kimi.com', 'api.moonshot.ai', 'api.moonshot.cn', 'auth.kimi.com'],
  home: {
    folder: '.kimi',
    variable: 'KIMI_SHARE_DIR',
    conversations: 'sessions',
    logins: ['credentials/kimi-code.json'],
    readable: ['config.toml', 'mcp.json'],
  },
  settings: ['.kimi', '.agents'],
  settingsAreTried: false,
} as const satisfies AcpAgent;
