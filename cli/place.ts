/** The repo and the plan that a verb is about, from its arguments, the run that calls it, or the folder. */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EngineError, gitMissing, messageOf } from '../machines/vocabulary/errors.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import { systemCode } from '../runtime/base/platform/system-code.ts';
import type { Call } from './command.ts';
import { missingWord } from './usage.ts';

/** In a git hook these variables are set, and git would answer about another repository than the folder's. */
const misleading = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR', 'GIT_PREFIX'];

/** The output of git; null: git refuses. Throws `git_missing`, and `git_failed` if a signal ended git, since that is no answer. */
export function askGit({ cwd, env }: Pick<Call, 'cwd' | 'env'>, args: readonly string[]): string | null {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !misleading.includes(name)));
  try {
    const { execFileSync } = process.getBuiltinModule('node:child_process');
    return execFileSync('git', args, { cwd, env: clean, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).replace(
      /\n$/,
      '',
    );
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw gitMissing(thrown);
    const { status, signal } = thrown as { status?: number | null; signal?: string | null }; // execFileSync puts both there
    // A wrapper of git on PATH reports the signal that ended git as an exit code above 129.
    if (typeof status === 'number' && status <= 129) return null;
    const command = `git ${args.join(' ')}`;
    const by = signal ?? (typeof status === 'number' ? `signal ${status - 128}` : null);
    const how = by === null ? `could not be started: ${messageOf(thrown)}` : `was ended by ${by}`;
    const hint = `ask again; by hand: cd ${shellWord(cwd)} && ${command}`;
    throw new EngineError('git_failed', `\`${command}\` in ${cwd} ${how}`, hint, { cause: thrown });
  }
}

/** The folder of the main repository that contains `cwd`, also through one of its worktrees; null: `cwd` is in no repository, or is no folder. */
export function mainRepository(call: Pick<Call, 'cwd' | 'env'>): string | null {
  if (!existsSync(call.cwd) || !statSync(call.cwd).isDirectory()) return null;
  return plainRepository(call.cwd) ?? askedRepository(call);
}

/** The usual case without a process: a folder with a real `.git` folder. Everything else is asked of git. */
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
  // In a worktree of a submodule, the common folder is inside of another repository.
  const [first = ''] = (askGit(call, ['worktree', 'list', '--porcelain', '-z']) ?? '').split('\0');
  const main = first.replace(/^worktree /, '');
  // If the git folder lies apart from its checkout, git lists that folder: the code that opens the repository says what it is.
  return main === '' || main === commonDir ? top || null : main;
}

/** Throws `bad_repo`. */
export function requireRepository(call: Pick<Call, 'cwd' | 'env'>): string {
  const path = mainRepository(call);
  if (path !== null) return realpathSync(path);
  throw noRepository(call, 'cd into the repo that the plan is for, or make one: git init');
}

/** A bare repository has no working tree; the message explains that. */
function noRepository(call: Pick<Call, 'cwd' | 'env'>, hint: string): EngineError {
  const answer = askGit(call, ['rev-parse', '--is-bare-repository', '--is-inside-git-dir', '--absolute-git-dir']);
  const [isBare, isInside, gitDir = ''] = answer?.split('\n') ?? [];
  if (isBare === 'true') {
    const clone = `plans need a checkout: git clone ${shellWord(gitDir)} <folder>, and cd into that folder`;
    return new EngineError('bad_repo', `${gitDir} is a bare repository, without a working tree`, clone);
  }
  if (isInside === 'true') {
    const up = basename(gitDir) === '.git' ? `: cd ${shellWord(dirname(gitDir))}` : '';
    return new EngineError('bad_repo', `${call.cwd} is inside a .git folder`, `cd into the repository's checkout${up}`);
  }
  return new EngineError('bad_repo', `not a git repository: ${call.cwd}`, hint);
}

/** `--project`, otherwise the project of the run that calls this, otherwise of the folder; null: none. */
export function projectHere(call: Call): string | null {
  const said = call.project ?? (call.env.STATOR_PROJECT || undefined);
  if (said !== undefined) return said;
  const path = mainRepository(call);
  return path === null ? null : basename(path);
}

/** The project whose name a printed command can leave out, since the command means it here; null: each command names its project. */
export function impliedProject(call: Call): string | null {
  return call.project === undefined ? projectHere(call) : null;
}

export const allArgs = { all: { type: 'boolean', description: 'of all repos' } } as const;

/** The repos of a list: the selected one, or all with --all and outside of any repo. */
export function scopeOf(call: Call, { all = false }: { all?: boolean | undefined }): { project?: string } {
  const project = all ? null : projectHere(call);
  return project === null ? {} : { project };
}

/** Throws `bad_repo`. */
export function requireProject(call: Call): string {
  const project = projectHere(call);
  if (project !== null) return project;
  throw noRepository(call, 'cd into the repo, or name it with --project; stator repo list shows them all');
}

/** Whether an agent runs this command: it uses its run's own socket and token. */
export function isInRun({ env }: Pick<Call, 'env'>): boolean {
  return env.STATOR_RUN !== undefined && env.STATOR_TOKEN !== undefined;
}

/** Throws `not_allowed` inside a run: only a person may do `what`. */
export function refuseAgent({ env }: Pick<Call, 'env'>, what: string): void {
  if (env.STATOR_TOKEN === undefined) return;
  const hint = 'ask for it with: stator signal emit needs_decision --payload "<why>"';
  throw new EngineError('not_allowed', `an agent may not ${what}, only a person may`, hint);
}

/** The typed plan, or the plan of the run that calls this. A file's path stays a path. Throws `usage`. */
export function saidPlan(call: Pick<Call, 'env'>, given: string | undefined): string {
  const said = given ?? (call.env.STATOR_PLAN || undefined);
  if (said !== undefined && said !== '') return said;
  throw missingWord('<plan>', 'name it: stator plan list shows them');
}

/** The same for verbs with an argument after the plan: inside a run a single argument is that one. */
export function planAndWord(
  call: Call,
  first: string | undefined,
  second: string | undefined,
): [string, string | undefined] {
  const isWordOnly = second === undefined && first !== undefined && Boolean(call.env.STATOR_PLAN);
  return isWordOnly ? [saidPlan(call, undefined), first] : [saidPlan(call, first), second];
}
