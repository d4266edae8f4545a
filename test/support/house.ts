/** A throw-away repository and home for tests of the real engine. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
}

export interface Ground {
  readonly root: string;
  readonly repo: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  remove(): void;
}

/** A repository `demo` with one commit and an identity of its own, and a home beside it, in a temp folder. */
export function makeGround(): Ground {
  const root = mkdtempSync(join(tmpdir(), 'stator-'));
  const repo = join(root, 'demo');
  const home = join(root, 'home');
  mkdirSync(repo);
  git(repo, 'init', '-q', '-b', 'main');
  appendFileSync(join(repo, '.git', 'config'), '[user]\n\tname = Ada\n\temail = ada@example.com\n');
  writeFileSync(join(repo, 'README.md'), 'hello\n');
  git(repo, 'add', '.');
  git(repo, 'commit', '-qm', 'begin');
  const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };
  return { root, repo, home, env, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Waits for a condition, looking often; throws after `limitMs` with what `describe` says. */
export async function until(
  what: () => Promise<boolean> | boolean,
  limitMs = 30_000,
  describe: () => Promise<string> | string = () => '',
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`it never came true\n${await describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
