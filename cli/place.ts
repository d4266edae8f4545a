/** Which repo and which plan a verb is about, from what was typed, the run that it is typed in, or the folder. */
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EngineError } from '../machines/errors.ts';
import { planNameOf } from '../machines/ids.ts';
import type { Call } from './command.ts';

/** One of these in the environment (in a git hook) would answer for another repository than the folder's. */
const misleading = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR', 'GIT_PREFIX'];

/** What git answers, or null where it refuses. Throws `git_missing`. */
export function askGit({ cwd, env }: Pick<Call, 'cwd' | 'env'>, args: readonly string[]): string | null {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !misleading.includes(name)));
  try {
    return execFileSync('git', args, { cwd, env: clean, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).replace(
      /\n$/,
      '',
    );
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') {
      throw new EngineError('git_missing', 'git is not installed, or not on PATH', 'install git 2.38 or newer', {
        cause: thrown,
      });
    }
    return null;
  }
}

/** The folder of the main repository that `cwd` is inside of, its worktrees included; null where it is in none. */
export function mainRepository(call: Pick<Call, 'cwd' | 'env'>): string | null {
  return plainRepository(call.cwd) ?? askedRepository(call);
}

/** The ordinary case without a process: a folder with a real `.git` folder in it. Everything else git itself must say. */
function plainRepository(cwd: string): string | null {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (basename(folder) === '.git') return null;
    const found = statSync(join(folder, '.git'), { throwIfNoEntry: false });
    if (found !== undefined) return found.isDirectory() && existsSync(join(folder, '.git', 'HEAD')) ? folder : null;
    if (dirname(folder) === folder) return null;
  }
}

function askedRepository(call: Pick<Call, 'cwd' | 'env'>): string | null {
  const words = ['--is-bare-repository', '--absolute-git-dir', '--git-common-dir', '--show-toplevel'];
  const answer = askGit(call, ['rev-parse', '--path-format=absolute', ...words]);
  if (answer === null) return null;
  const [, gitDir, commonDir = '', top = ''] = answer.split('\n');
  if (gitDir === commonDir) return top;
  if (basename(commonDir) === '.git') return dirname(commonDir);
  // A worktree of a submodule: its common folder lies inside another repository's.
  const [first = ''] = (askGit(call, ['worktree', 'list', '--porcelain', '-z']) ?? '').split('\0');
  return first.replace(/^worktree /, '') || null;
}

/** Throws `bad_repo`. */
export function requireRepository(call: Pick<Call, 'cwd' | 'env'>): string {
  const path = mainRepository(call);
  if (path !== null) return realpathSync(path);
  throw new EngineError(
    'bad_repo',
    `not a git repository: ${call.cwd}`,
    'cd into the repo that the plan is for, or make one: git init',
  );
}

/** `--project`, else that of the run that this is typed in, else the folder's; null where none of them says it. */
export function projectHere(call: Call): string | null {
  const said = call.project ?? (call.env.STATOR_PROJECT || undefined);
  if (said !== undefined) return said;
  const path = mainRepository(call);
  return path === null ? null : basename(path);
}

/** Throws `bad_repo`. */
export function requireProject(call: Call): string {
  const project = projectHere(call);
  if (project !== null) return project;
  throw new EngineError(
    'bad_repo',
    `not a git repository: ${call.cwd}`,
    'cd into the repo, or name it with --project; stator repo list shows them all',
  );
}

/** A plan as it was typed, or that of the run that this is typed in. A file's path means the plan of that file. Throws `usage`. */
export function requirePlan(call: Call, given: string | undefined): string {
  const said = given ?? (call.env.STATOR_PLAN || undefined);
  if (said === undefined || said === '') {
    throw new EngineError('usage', 'which plan?', 'name it: stator plan list shows them');
  }
  return /\/|\.(md|markdown)$/i.test(said) ? (planNameOf(said) ?? said) : said;
}

/** The same for verbs with a word after the plan: inside a run one word alone is that word. */
export function planAndWord(
  call: Call,
  first: string | undefined,
  second: string | undefined,
): [string, string | undefined] {
  const isWordOnly = second === undefined && first !== undefined && Boolean(call.env.STATOR_PLAN);
  return isWordOnly ? [requirePlan(call, undefined), first] : [requirePlan(call, first), second];
}
