/** goose. Source: its documents; it was not tried. */
import type { AcpAgent } from './agent.ts';

const keys = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GOOGLE_API_KEY', 'OPENROUTER_API_KEY'] as const;
/** Where the services of these keys are, or a local one. */
const hosts = [
  'ANTHROPIC_HOST',
  'OPENAI_HOST',
  'OPENAI_BASE_URL',
  'GOOGLE_HOST',
  'OPENROUTER_HOST',
  'OLLAMA_HOST',
] as const;

export const goose = {
  program: 'goose',
  args: ['acp'],
  installCommand: 'brew install block-goose-cli',
  loginCommand: 'goose configure',
  triedVersions: [],
  modeOf: { skip: { modes: ['auto'] }, ask: { modes: ['approve'] } },
  modelFlag: null,
  variables: ['GOOSE_', 'OPENAI_BASE_PATH', ...keys, ...hosts],
  keys,
  addresses: ['GOOSE_PROVIDER', ...hosts],
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
