/**
 * The preset `command`: a user-defined program, with the prompt on its standard input and in $STATOR_PROMPT_FILE.
 *
 * Where a `program` is looked for: a path in the repo's main folder, a plain name on PATH. Never in the run's worktree: otherwise a coder could write the
 * program that judges its work. A `program` with white space that is no file of exactly that name is a shell command line, run in the worktree; its first
 * word is looked for like a program. Other files that it names are the worktree's, but for a judge those of the main folder.
 */
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isJudge } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { isIndirect, type JudgePlaces, type TrustedWords, trustedLine, trustedWords } from './judge-words.ts';
import { resolveProgram } from './program.ts';
import type { CommandLine, CommandPlaces, RunBrief } from './run-brief.ts';

/** Throws `agent_unusable` if no program is configured. The launch reports a missing program. */
export function programCommand({ profile }: RunBrief, places: CommandPlaces): CommandLine {
  const program = profile.program?.trim() ?? '';
  if (program === '') {
    throw new EngineError(
      'agent_unusable',
      `the ${profile.role} has preset "${profile.preset}" and no program`,
      `in .stator/config.toml of the repo, or in daemon.toml:\n\n[agents.${profile.role}]\npreset = "${profile.preset}"\nprogram = "your-agent --its-flags"\n`,
    );
  }
  const { text: rest, flags, files } = withTrustedFiles(profile, program, places);
  const file = programFile(program, places);
  if (file !== null || !/\s/.test(program)) {
    return { argv: [file ?? program, ...flags], stdin: 'prompt', script: null, files };
  }
  const own = rest === program ? firstWord(program, places.repo) : null;
  const command = own === null ? rest : `${shellWord(own.file)}${own.rest}`;
  // Without flags nothing is appended, so a line may end with a brace, a comment or an operator's arguments.
  const line = flags.length === 0 ? command : `${command} "$@"`;
  return {
    argv: ['/bin/sh', '-c', line, 'sh', ...flags],
    stdin: 'prompt',
    script: null,
    files: [...(own === null ? [] : [own.file]), ...files],
  };
}

/** For a judge, the program and its flags with the trusted files; for other roles unchanged. Throws `agent_unusable`. */
export function withTrustedFiles(
  { role, preset, flags, trustedFiles }: Pick<RunBrief['profile'], 'flags' | 'preset' | 'role' | 'trustedFiles'>,
  program: string,
  { repo, worktree }: CommandPlaces,
): { readonly text: string; readonly flags: readonly string[]; readonly files: readonly string[] } {
  if (!isJudge(role)) return { text: program, flags, files: [] };
  const places = { role, repo, worktree, trustedFiles };
  // A single file, or a single name on PATH, is looked up.
  const isOwn = isFile(resolve(repo, program));
  const line = isOwn ? { text: program, files: [] } : trusted(program, places);
  // The options of a preset's program are known; any other program may be an interpreter.
  const words = flags.map((flag) => (preset === 'command' ? trustedLine(flag, places) : trustedWords(flag, places)));
  return {
    text: line.text,
    flags: words.map(({ text }) => text),
    files: [...line.files, ...words.flatMap(({ files }) => files)],
  };
}

/** A single name is looked up on PATH or in the main folder, even if the branch has a file of that name. */
function trusted(program: string, places: JudgePlaces): TrustedWords {
  return /\s/.test(program) || isIndirect(program) ? trustedLine(program, places) : { text: program, files: [] };
}

/**
 * The file of a program's name; null: a plain name was not found, or the text is a command line. A path gives its file even if that cannot be started: the
 * launch reports the fault.
 */
export function programFile(program: string, { repo, env }: Pick<CommandPlaces, 'env' | 'repo'>): string | null {
  const found = resolveProgram(program, { from: repo, env });
  if (found.kind === 'found') return found.path;
  if (!program.includes('/')) return null;
  const path = resolve(repo, program);
  return isFile(path) || !/\s/.test(program) ? path : null;
}

/** The file of the main folder that a command line's first word names by a relative path; null: none. */
function firstWord(line: string, repo: string): { file: string; rest: string } | null {
  const [word] = /^[\w.@%+,:-]*\/[\w.@%+,:/-]*(?=\s)/.exec(line) ?? [];
  if (word === undefined || isAbsolute(word)) return null;
  return { file: resolve(repo, word), rest: line.slice(word.length) };
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // a command line is usually no path, and may be too long for one
  }
}
