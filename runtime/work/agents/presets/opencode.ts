/** The preset `opencode`: opencode's `run`. Each flag is justified in docs/agents.md. */
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { modelOf, programLine } from './program.ts';

/** It waits for a service's limit by itself and does not print that; with its own log on standard error people see why nothing happens. */
export function opencodeCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
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
