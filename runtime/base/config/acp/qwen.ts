/** Qwen Code. Sources: its documents, and trials with 0.15.10, which is the last version for Node 20, and a task with 0.24.4. */
import type { AcpAgent } from './agent.ts';

export const qwen = {
  program: 'qwen',
  args: ['--acp'],
  installCommand: 'npm install -g @qwen-code/qwen-code',
  loginCommand: 'qwen',
  triedVersions: ['0.15.10'],
  modeOf: { skip: { modes: ['yolo'] }, ask: { modes: ['default'] } },
  modelFlag: '--model',
  variables: ['QWEN_', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_MODEL', 'DASHSCOPE_API_KEY'],
  keys: ['OPENAI_API_KEY', 'DASHSCOPE_API_KEY'],
  addresses: ['OPENAI_BASE_URL'],
  hosts: [
    'dashscope.aliyuncs.com',
    'dashscope-intl.aliyuncs.com',
    'coding.dashscope.aliyuncs.com',
    'chat.qwen.ai',
    'portal.qwen.ai',
  ],
  home: {
    folder: '.qwen',
    variable: null,
    conversations: 'projects',
    logins: ['oauth_creds.json'],
    readable: ['settings.json', 'QWEN.md', '.env', 'agents', 'commands', 'extensions', 'skills', 'installation_id'],
  },
  // Newer versions load `.mcp.json`, after an approval that lies in its home.
  settings: ['.qwen', '.agents', '.env', '.lsp.json', '.mcp.json'],
  settingsAreTried: true,
} as const satisfies AcpAgent;
