/** The preset `codex`: Codex CLI's `exec`. Each flag is justified in docs/agents.md. */
import { isJudge } from '../../../../machines/vocabulary/ids.ts';
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { modelOf, programLine } from './program.ts';

/** It starts commands in a login shell, whose profile may reset PATH (Debian's does): then the agent has no `stator`. */
const shell = ['--config', 'allow_login_shell=false'];

/** It accepts the option once. */
const ownFile = /^(?:-o|--output-last-message(?:=|$))/;

/**
 * Its sandbox `workspace-write` forbids unix sockets and the repo's own .git, so an agent in it could neither report its end nor commit. All options come
 * before `resume`, which knows fewer options than `exec` and inherits the others: so the profile's flags fit every run.
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

/** It loads nothing from a folder that its user does not trust. A worktree has its repository's trust, unless it is listed itself. */
function untrusted({ loadsProject, worktree }: CommandPlaces): string[] {
  return loadsProject ? [] : ['--config', `projects={${JSON.stringify(worktree)}={trust_level="untrusted"}}`];
}
