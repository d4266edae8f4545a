/**
 * What the programs of the presets load by themselves from the folder that they are started in, and that can make them start or do something: settings with
 * hooks and servers, plugins, agents, commands, skills. Texts that are only read (CLAUDE.md, AGENTS.md, GEMINI.md) are not among them. Sources: the programs'
 * own documents, and trials with the versions that docs/agents.md names.
 */
import type { Preset } from '../../config/config.ts';

/** Files and folders, by their paths from the root of a worktree. */
export const projectSettings = {
  claude: ['.claude', '.mcp.json'],
  codex: ['.codex', '.agents'],
  // Its own `.env` comes first; without one it reads the project's, which may name another service to ask.
  gemini: ['.gemini', '.agents', '.env'],
  opencode: ['.opencode', '.claude', '.agents', 'opencode.json', 'opencode.jsonc'],
  sh: [],
  command: [],
} as const satisfies { readonly [preset in Preset]: readonly string[] };
