/**
 * The preset `command`: a program of the user's own, with the prompt on its standard input and in $STATOR_PROMPT_FILE.
 *
 * Where a `program` is looked for: a path with a slash in the run's worktree first, since the repo's own scripts lie there as this branch has them,
 * then in the repo's main folder, for what git does not keep; a plain name on PATH. One with white space in it that is no file by that very name
 * is a shell's command line, run in the worktree.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { CommandLine, CommandPlaces } from './command-line.ts';
import { resolveProgram } from './program.ts';
import type { RunBrief } from './run-brief.ts';

/** Throws `agent_unusable` where no program is configured. One that does not exist is told by whoever launches it. */
export function programCommand({ profile }: RunBrief, places: CommandPlaces): CommandLine {
  const program = profile.program?.trim() ?? '';
  if (program === '') {
    throw new EngineError(
      'agent_unusable',
      `the ${profile.role} has preset "command" and no program`,
      `in .stator/config.toml of the repo, or in daemon.toml:\n\n[agents.${profile.role}]\npreset = "command"\nprogram = "your-agent --its-flags"\n`,
    );
  }
  const { flags } = profile;
  const file = programFile(program, places);
  if (file !== null || !/\s/.test(program)) {
    return { argv: [file ?? program, ...flags], stdin: 'prompt', script: null };
  }
  // Without flags nothing is added, so a line may end with a brace, a comment or an operator's own arguments.
  const line = flags.length === 0 ? program : `${program} "$@"`;
  return { argv: ['/bin/sh', '-c', line, 'sh', ...flags], stdin: 'prompt', script: null };
}

/**
 * The file that a program's name means by the order above; null where there is none. A file that is there and not executable is
 * still the one that was meant, so that the launch can say what is wrong with it.
 */
export function programFile(program: string, { worktree, repo, env }: CommandPlaces): string | null {
  const folders = program.includes('/') ? [worktree, repo] : [worktree];
  for (const cwd of folders) {
    const found = resolveProgram(program, { cwd, env });
    if (found.kind === 'found') return found.path;
  }
  if (!program.includes('/')) return null;
  return folders.map((folder) => resolve(folder, program)).find(isFile) ?? null;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // a command line read as a path is mostly none, and may be too long for one
  }
}
