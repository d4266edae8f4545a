/** The preset `gemini`: Gemini CLI without a terminal. Each flag is justified in docs/agents.md. */
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { modelOf, programLine } from './program.ts';

/** Without `--skip-trust` it falls back to asking for every tool in a folder that nobody has trusted yet, and a worktree is always new. */
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

/** Without a sandbox of its own, unless its flags ask for one. */
export function geminiVariables({ profile }: RunBrief): Readonly<Record<string, string>> {
  return profile.flags.some((flag) => ownSandbox.test(flag)) ? {} : { GEMINI_SANDBOX: 'false' };
}

/** A sandbox of its own is a container, where neither the repo's .git nor the socket of `stator` is: one that its user's settings switch on is off here. */
const ownSandbox = /^(?:-s|--sandbox)(?:=|$)/;
