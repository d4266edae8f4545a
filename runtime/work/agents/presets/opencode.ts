/** The preset `opencode`: opencode's `run`. Each flag is justified in docs/agents.md. */
import { join } from 'node:path';
import { createOpencodeReader } from '../reports/opencode.ts';
import { ofTypes } from '../reports/spoilt-lines.ts';
import { opencodeSteps } from '../reports/steps.ts';
import type { CommandLine, CommandPlaces, RunBrief } from '../run-brief.ts';
import type { AgentProgram } from './agent-program.ts';
import { type PlacesOf, type PresetPlaces, under } from './places.ts';
import { modelOf, programLine } from './program.ts';
import { isDue, isSame, isSameBut, type Json, tableOf } from './renewal.ts';

export const opencode = {
  start: opencodeCommand,
  variables: [
    ...['OPENCODE_', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ...['OPENROUTER_API_KEY', 'GROQ_API_KEY', 'MISTRAL_API_KEY', 'DEEPSEEK_API_KEY', 'XAI_API_KEY'],
  ],
  account: {
    address: ['OPENCODE_CONFIG'],
    keys: [
      ...['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
      ...['OPENROUTER_API_KEY', 'GROQ_API_KEY', 'MISTRAL_API_KEY', 'DEEPSEEK_API_KEY', 'XAI_API_KEY'],
    ],
    places: ['XDG_DATA_HOME'],
  },
  hosts: [
    ...['models.dev', 'opencode.ai', 'api.opencode.ai', 'api.anthropic.com', 'api.openai.com', 'openrouter.ai'],
    ...['generativelanguage.googleapis.com', 'api.groq.com', 'api.mistral.ai', 'api.deepseek.com', 'api.x.ai'],
  ],
  settings: ['.opencode', '.claude', '.agents', 'opencode.json', 'opencode.jsonc'],
  leavesSettingsOut: true,
  flags: {
    help: ['run', '--help'],
    flags: ['--format', '--auto', '--print-logs', '--log-level', '--model', '--session'],
  },
  places: ({ env, userHome }) => opencodePlaces(env, userHome),
  isRenewed: isRenewedOpencode,
  hasServiceOfModel: true,
  createReader: createOpencodeReader,
  stepsOf: opencodeSteps,
  end: ofTypes('step_finish'),
  // It prints the command's help without a reason.
  refusedArgument: /^opencode run \[message\.\.\]$/,
  refusalText: 'it prints its help and no reason',
  fullContext: [/^ContextOverflowError\b/],
  refusedModel: [/^(?:Error: )?Model not found: /, /^model: \S+$/, /^The model `[^`]*` does not exist\b/],
} as const satisfies AgentProgram;

/** It waits for a service's limit by itself and does not print that; with its own log on standard error people see why nothing happens. */
function opencodeCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { conversation } = brief;
  const talk = conversation === null ? [] : ['--session', conversation.id];
  const before = [
    'run',
    '--format',
    'json',
    '--auto',
    '--print-logs',
    '--log-level',
    'ERROR',
    ...modelOf(brief),
    ...talk,
  ];
  return { ...programLine('opencode', brief, places, { before }), env: opencodeVariables(places) };
}

/** Without the repository's settings, if it may not load them. */
export function opencodeVariables({ loadsProject }: CommandPlaces): Readonly<Record<string, string>> {
  return loadsProject ? {} : { OPENCODE_DISABLE_PROJECT_CONFIG: '1' };
}

/**
 * Its conversations are a database with further files, so the whole folder is mounted, except for files that it would start. Its settings folder is not
 * mounted: at every start it writes a `.gitignore` there, and fails if it cannot. So the settings files are mounted one by one, and files that it writes
 * beside them are deleted with the run.
 */
function opencodePlaces(env: PlacesOf['env'], userHome: string): PresetPlaces {
  const data = join(env.XDG_DATA_HOME || join(userHome, '.local', 'share'), 'opencode');
  const config = join(env.XDG_CONFIG_HOME || join(userHome, '.config'), 'opencode');
  return {
    ...{ conversations: data, logins: [join(data, 'auth.json')] },
    ...{ readable: under(config, opencodeSettings), closed: under(data, ['bin', 'plugins']), copied: [] },
  };
}

/** The documented names below its settings folder, in both spellings. */
const opencodeSettings = [
  ...['opencode.json', 'opencode.jsonc', 'config.json', 'tui.json', 'AGENTS.md'],
  ...['agent', 'agents', 'command', 'commands', 'mode', 'modes', 'plugin', 'plugins'],
  ...['skill', 'skills', 'theme', 'themes', 'tool', 'tools'],
];

/** One table for each service: `{type: "api", key}`, or `{type: "oauth", access, refresh, expires, …}`. */
function isRenewedOpencode(before: Json, after: Json, nowMs: number): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].every((name) => {
    if (isSame(before[name], after[name])) return true;
    const [old, fresh] = [tableOf(before[name]), tableOf(after[name])];
    if (old === null || fresh === null || old.type !== 'oauth') return false;
    return isSameBut(old, fresh, ['access', 'refresh', 'expires']) && isDue(old.expires, fresh.expires, nowMs);
  });
}
