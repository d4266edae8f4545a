/** The preset `gemini`: Gemini CLI without a terminal. Each flag is justified in docs/agents.md. */
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { modelOf, programLine } from './program.ts';

/** Without `--skip-trust` it asks for every tool in an untrusted folder, and a worktree is always new. */
export function geminiCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { conversation, newConversation } = brief;
  const talk = conversation === null ? ['--session-id', newConversation] : ['--resume', conversation.id];
  const before = [
    '--output-format',
    'stream-json',
    '--approval-mode',
    'yolo',
    '--skip-trust',
    ...modelOf(brief),
    ...talk,
  ];
  return { ...programLine('gemini', brief, places, { before }), env: geminiVariables(brief) };
}

/** Without its own sandbox, unless its flags request one. */
export function geminiVariables({ profile }: RunBrief): Readonly<Record<string, string>> {
  return profile.flags.some((flag) => ownSandbox.test(flag)) ? {} : { GEMINI_SANDBOX: 'false' };
}

/** Its own sandbox is a container without the repo's .git and the socket of `stator`, so a sandbox from the user's settings is switched off here. */
const ownSandbox = /^(?:-s|--sandbox)(?:=|$)/;
