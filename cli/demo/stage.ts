/** The setting of the demo: a home and a git repo in a temporary folder, with a plan, its agents and a reviewer. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { EngineError, gitMissing } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { systemCode } from '../../runtime/base/platform/system-code.ts';
import type { Call } from '../command.ts';
import type { RunRequest } from '../run/prepare.ts';
import { files, planText } from './script.ts';

export interface Stage {
  readonly home: string;
  /** The same call, in the folder of that repo. */
  readonly call: Call;
  readonly request: RunRequest;
  /** Deletes the folder, or prints where it is. */
  leave(how: { keep: boolean; isGood: boolean }): void;
}

/** Throws `git_missing`, `git_failed`, or the system's error if the files cannot be written. */
export function makeDemo(outer: Call): Stage {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'stator-demo-')));
  const remove = () => rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove); // no git, a full disk, or Ctrl-C before anything was done
  const home = join(root, 'home');
  const repo = join(root, 'hello');
  const env = demoEnvironment(outer.env, home);
  for (const [name, { text, isProgram }] of Object.entries(files)) {
    const path = join(repo, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    if (isProgram) chmodSync(path, 0o755);
  }
  for (const args of beginning) git(repo, env, args);
  return {
    home,
    call: { ...outer, env, cwd: repo, project: undefined, out: { ...outer.out, env } },
    request: {
      file: 'hello.md',
      bound: 'hello.md',
      name: 'hello',
      isNamed: false,
      content: planText,
      repo,
      trust: true,
      keepsTrust: false,
      branch: undefined,
      topic: undefined,
      yes: true,
      planOnly: false,
      force: false,
      waitLimitMs: null,
    },
    leave({ keep, isGood }) {
      process.removeListener('exit', remove);
      if (keep || !isGood) {
        outer.out.note(`kept: ${root}`);
        outer.out.note(`look around: cd ${shellWord(repo)} && STATOR_HOME=${shellWord(home)} stator plan show hello`);
        return;
      }
      remove();
      outer.out.note(`it was in ${root}, and is gone; --keep leaves it`);
    },
  };
}

/** The user's environment without variables that name another engine, another repo, or another author. */
function demoEnvironment(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => !/^(STATOR_(?!SANDBOX$)|GIT_)/.test(name));
  return { ...Object.fromEntries(own), STATOR_HOME: home };
}

const beginning: readonly (readonly string[])[] = [
  ['init', '-q', '-b', 'main'],
  ['config', 'user.name', 'stator demo'],
  ['config', 'user.email', 'demo@example.com'],
  ['config', 'commit.gpgSign', 'false'],
  ['config', 'core.hooksPath', '/dev/null'],
  ['add', '-A'],
  ['commit', '-q', '-m', 'an empty stage'],
];

function git(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): void {
  try {
    execFileSync('git', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') throw gitMissing(cause);
    throw new EngineError('git_failed', `git ${args.join(' ')} in ${cwd}`, 'see stator doctor', { cause });
  }
}
