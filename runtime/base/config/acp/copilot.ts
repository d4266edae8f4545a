/** GitHub Copilot CLI. Sources: its reference of the ACP server and of its folder, and trials with 1.0.102. */
import type { AcpAgent } from './agent.ts';

export const copilot = {
  program: 'copilot',
  args: ['--acp'],
  installCommand: 'npm install -g @github/copilot',
  loginCommand: 'copilot login',
  triedVersions: ['1.0.102'],
  modeOf: {
    skip: { modes: ['agent'], options: { allow_all: 'on' } },
    ask: { modes: ['agent'], options: { allow_all: 'off' } },
  },
  modelFlag: '--model',
  // GH_TOKEN and GITHUB_TOKEN, which it reads as well, open far more than its service.
  variables: ['COPILOT_'],
  keys: ['COPILOT_PROVIDER_API_KEY', 'COPILOT_GITHUB_TOKEN'],
  addresses: ['COPILOT_PROVIDER_BASE_URL'],
  hosts: ['api.github.com', 'github.com', 'api.githubcopilot.com', 'api.individual.githubcopilot.com'],
  home: {
    folder: '.copilot',
    variable: 'COPILOT_HOME',
    conversations: 'session-state',
    logins: ['config.json'],
    readable: ['settings.json', 'mcp-config.json', 'copilot-instructions.md', 'agents', 'skills', 'installed-plugins'],
  },
  settings: [
    '.github/agents',
    '.github/skills',
    '.github/hooks',
    '.github/mcp.json',
    '.mcp.json',
    '.vscode/mcp.json',
    '.copilot',
  ],
  settingsAreTried: false,
} as const satisfies AcpAgent;
