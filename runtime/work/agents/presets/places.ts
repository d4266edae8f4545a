/**
 * The files of the presets' programs in the user's home, and the part that is visible inside walls: their login as a copy, and their conversations in a
 * folder for their role and plan. Files that they execute when a person starts them (settings, hooks, plugins, servers) are read only. Other files are not
 * visible.
 */
import { join } from 'node:path';
import { type AcpAgent, acpAgent, isOwnAcp, withoutAcp } from '../../../base/config/acp/agents.ts';
import type { Preset } from '../../../base/config/config.ts';

export interface PresetPlaces {
  /** The folder of its conversations, which is replaced by one for its role and plan, so that a later run can resume a conversation. null: it stores none. */
  readonly conversations: string | null;
  /** Files with its login. */
  readonly logins: readonly string[];
  readonly readable: readonly string[];
  /** Read-only folders inside that folder; missing ones are made, so that an agent cannot make them. */
  readonly closed: readonly string[];
  /** Files that the program rewrites while it works, and that decide what it starts: it gets a copy, which is deleted with the run. */
  readonly copied: readonly string[];
}

type Environment = PlacesOf['env'];

const none: PresetPlaces = { conversations: null, logins: [], readable: [], closed: [], copied: [] };

export interface PlacesOf {
  /** The environment of the run: its variables may name other folders. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userHome: string;
  readonly worktree: string;
}

/** Absolute paths, there or not. */
export function presetPlaces(preset: Preset, { env, userHome, worktree }: PlacesOf): PresetPlaces {
  const own = withoutAcp(preset);
  if (isOwnAcp(own)) return acpPlaces(acpAgent(own), { env, userHome });
  switch (own) {
    case 'claude':
      return claudePlaces(env, userHome, worktree);
    case 'codex':
      return codexPlaces(env, userHome);
    case 'gemini':
      return geminiPlaces(userHome);
    case 'opencode':
      return opencodePlaces(env, userHome);
    case 'sh':
    case 'command':
    case 'function':
    case 'custom':
      return none;
  }
}

/** It stores conversations by folder, named by the folder's path with `-` for all but letters and digits: those of other folders are not visible. */
function claudePlaces(env: Environment, userHome: string, worktree: string): PresetPlaces {
  const own = env.CLAUDE_CONFIG_DIR || join(userHome, '.claude');
  const state = env.CLAUDE_CONFIG_DIR ? join(own, '.claude.json') : join(userHome, '.claude.json');
  return {
    conversations: join(own, 'projects', worktree.replace(/[^A-Za-z0-9]/g, '-')),
    logins: under(own, ['.credentials.json']),
    readable: under(own, [
      'settings.json',
      'CLAUDE.md',
      'agents',
      'commands',
      'skills',
      'plugins',
      'output-styles',
      'rules',
    ]),
    closed: [],
    copied: [state],
  };
}

function codexPlaces(env: Environment, userHome: string): PresetPlaces {
  const own = env.CODEX_HOME || join(userHome, '.codex');
  return {
    conversations: join(own, 'sessions'),
    logins: under(own, ['auth.json']),
    readable: under(own, ['config.toml', 'AGENTS.md', 'prompts', 'rules', 'skills']),
    closed: [],
    copied: [],
  };
}

function geminiPlaces(userHome: string): PresetPlaces {
  const own = join(userHome, '.gemini');
  return {
    conversations: join(own, 'tmp'),
    logins: under(own, ['oauth_creds.json']),
    readable: under(own, ['settings.json', 'GEMINI.md', '.env', 'commands', 'extensions', 'installation_id']),
    closed: [],
    copied: under(own, ['projects.json', 'state.json', 'google_accounts.json']),
  };
}

/**
 * Its conversations are a database with further files, so the whole folder is mounted, except for files that it would start. Its settings folder is not
 * mounted: at every start it writes a `.gitignore` there, and fails if it cannot. So the settings files are mounted one by one, and files that it writes
 * beside them are deleted with the run.
 */
function opencodePlaces(env: Environment, userHome: string): PresetPlaces {
  const data = join(env.XDG_DATA_HOME || join(userHome, '.local', 'share'), 'opencode');
  const config = join(env.XDG_CONFIG_HOME || join(userHome, '.config'), 'opencode');
  return {
    ...{ conversations: data, logins: [join(data, 'auth.json')] },
    ...{ readable: under(config, opencodeSettings), closed: under(data, ['bin', 'plugins']), copied: [] },
  };
}

function acpPlaces(agent: AcpAgent | null, { env, userHome }: Pick<PlacesOf, 'env' | 'userHome'>): PresetPlaces {
  if (agent === null) return none;
  const { folder, variable, conversations, logins, readable } = agent.home;
  const own = (variable === null ? undefined : env[variable]) || join(userHome, folder);
  return {
    conversations: conversations === null ? null : join(own, conversations),
    ...{ logins: [], readable: under(own, readable), closed: [], copied: under(own, logins) },
  };
}

/** The documented names below its settings folder, in both spellings. */
const opencodeSettings = [
  ...['opencode.json', 'opencode.jsonc', 'config.json', 'tui.json', 'AGENTS.md'],
  ...['agent', 'agents', 'command', 'commands', 'mode', 'modes', 'plugin', 'plugins'],
  ...['skill', 'skills', 'theme', 'themes', 'tool', 'tools'],
];

function under(folder: string, names: readonly string[]): string[] {
  return names.map((name) => join(folder, name));
}
