/** The commit hook of a repository, and the check that does the same work: stator's own commits run no hooks. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import { isExecutable } from '../runtime/base/platform/quiet-look.ts';
import type { Call } from './command.ts';
import { askGit } from './place.ts';

export interface CommitHook {
  /** As a path from the root of the repository, or absolute. */
  readonly file: string;
  /** The command that does the same as a check, in a worktree of the repository. */
  readonly command: string;
}

/** Programs that run hooks, by their configuration file, the more specific ones first. */
const byFile = [
  ['.pre-commit-config.yaml', 'pre-commit run --all-files'],
  ...['lefthook.yml', 'lefthook.yaml', '.lefthook.yml', '.lefthook.yaml'].map(
    (file) => [file, 'lefthook run pre-commit --all-files'] as const,
  ),
  ['.husky/pre-commit', 'sh .husky/pre-commit'],
] as const;

/** null: the repository has no commit hook. */
export function commitHook(call: Pick<Call, 'env'>, repo: string): CommitHook | null {
  for (const [file, command] of byFile) if (existsSync(join(repo, file))) return { file, command };
  const folder = askGit({ cwd: repo, env: call.env }, ['rev-parse', '--git-path', 'hooks']);
  const file = folder === null ? null : join(folder, 'pre-commit');
  if (file === null || !isExecutable(resolve(repo, file))) return null;
  const isGits = file === join('.git', 'hooks', 'pre-commit');
  return { file, command: `sh ${isGits ? '"$(git rev-parse --git-path hooks/pre-commit)"' : shellWord(file)}` };
}

/** The lines that explain it to a person. */
export function commitHookLines({ file, command }: CommitHook): string[] {
  return [
    `commits of plans run no hooks, so not ${file} either; as the check of a task it is run before the task counts as done:`,
    `  **Check:** ${command}`,
  ];
}
