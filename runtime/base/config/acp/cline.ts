/** Cline CLI. Sources: its documents, and a trial with 3.0.65, which went no further than its login. */
import type { AcpAgent } from './agent.ts';

export const cline = {
  program: 'cline',
  args: ['--acp'],
  installCommand: 'npm install -g cline',
  loginCommand: 'cline auth',
  triedVersions: [],
  modeOf: { skip: { modes: ['act'] }, ask: { modes: ['act'] } },
  modelFlag: '--model',
  variables: ['CLINE_'],
  keys: ['CLINE_API_KEY'],
  addresses: [],
  hosts: ['api.cline.bot', 'app.cline.bot'],
  home: {
    folder: '.cline',
    variable: 'CLINE_DIR',
    conversations: 'data/tasks',
    logins: ['data/secrets.json'],
    readable: ['data/settings', 'data/globalState.json'],
  },
  settings: ['.cline', '.clinerules'],
  settingsAreTried: false,
} as const satisfies AcpAgent;
