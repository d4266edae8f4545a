/** goose. Source: its documents; it was not tried. */
import type { AcpAgent } from './agent.ts';

export const goose = {
  program: 'goose',
  args: ['acp'],
  installCommand: 'brew install block-goose-cli',
  loginCommand: 'goose configure',
  triedVersions: [],
  modeOf: { skip: { modes: ['auto'] }, ask: { modes: ['approve'] } },
  modelFlag: null,
  variables: ['GOOSE_', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GOOGLE_API_KEY', 'OPENROUTER_API_KEY'],
  keys: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GOOGLE_API_KEY', 'OPENROUTER_API_KEY'],
  addresses: ['GOOSE_PROVIDER'],
  hosts: ['api.anthropic.com', 'api.openai.com', 'generativelanguage.googleapis.com', 'openrouter.ai'],
  home: {
    folder: '.config/goose',
    variable: null,
    conversations: null,
    logins: ['secrets.yaml'],
    readable: ['config.yaml', '.goosehints'],
  },
  settings: ['.goose'],
  settingsAreTried: false,
} as const satisfies AcpAgent;
