/** The preset `codex`: Codex CLI's `exec`. Each flag is justified in docs/agents.md. */
import { isJudge } from '../../../../machines/vocabulary/ids.ts';
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { modelOf, programLine } from './program.ts';

/** It starts commands in a login shell, whose profile may set PATH anew (Debian's does): then there is no `stator` for the agent. */
const shell = ['--config', 'allow_login_shell=false'];

/** It takes the option once. */
const ownFile = /^(?:-o|--output-last-message(?:=|$))/;

/**
 * Its sandbox `workspace-write` forbids unix sockets and the repo's own .git, so an agent in it could neither say that it is done nor commit. All options
 * stand before `resume`, which knows fewer of them than `exec` and takes the others over from it: so the profile's flags fit every run.
 */
export function codexCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { conversation, profile } = brief;
  const writes = isJudge(profile.role) && !profile.flags.some((flag) => ownFile.test(flag));
  const before = [
    'exec',
    '--json',
    '--dangerously-bypass-approvals-and-sandbox',
    ...shell,
    ...untrusted(places),
    ...(writes ? ['--output-last-message', places.lastMessage] : []),
    ...modelOf(brief),
  ];
  const after = conversation === null ? ['-'] : ['resume', conversation.id, '-'];
  const line = programLine('codex', brief, places, { before, after });
  return writes ? { ...line, writesLastMessage: true } : line;
}

/** Of a folder that its user does not trust it loads nothing. A worktree counts as its repository does, unless it is named itself. */
function untrusted({ loadsProject, worktree }: CommandPlaces): string[] {
  return loadsProject ? [] : ['--config', `projects={${JSON.stringify(worktree)}={trust_level="untrusted"}}`];
}
