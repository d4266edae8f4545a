/** The preset `claude`: Claude Code in print mode. Each flag is justified in docs/agents.md. */
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { modelOf, programLine } from './program.ts';

/** We choose the id of a new conversation, so that it is known whatever kills the run. */
export function claudeCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { conversation, newConversation } = brief;
  const talk = conversation === null ? ['--session-id', newConversation] : ['--resume', conversation.id];
  const before = [
    '--print',
    '--output-format',
    'stream-json',
    '--verbose',
    '--dangerously-skip-permissions',
    ...modelOf(brief),
    ...talk,
  ];
  return programLine('claude', brief, places, { before });
}
