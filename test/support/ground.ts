/** A throw-away repository and home for tests of the real engine. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { hangMs } from './hang.ts';
import { removeFolder } from './remove-folder.ts';

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
  cpSync(repoToCopy(), repo, { recursive: true });
  const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };
  return { root, repo, home, env, remove: () => removeFolder(root) };
}

/** Made once for each file of tests: three of git for each test are more than many a test takes itself. */
let copied: string | null = null;

afterAll(() => {
  if (copied !== null) rmSync(copied, { recursive: true, force: true });
  copied = null;
});

function repoToCopy(): string {
  if (copied !== null) return copied;
  const root = mkdtempSync(join(tmpdir(), 'stator-copied-'));
  chmodSync(root, 0o755); // as a folder that somebody makes: others may read it
  git(root, 'init', '-q', '-b', 'main');
  appendFileSync(join(root, '.git', 'config'), '[user]\n\tname = Ada\n\temail = ada@example.com\n');
  writeFileSync(join(root, 'README.md'), 'hello\n');
  git(root, 'add', '.');
  git(root, 'commit', '-qm', 'begin');
  copied = root;
  return root;
}

/** How often something has happened for which those who wait look again, and those who wait. */
let news = 0;
const waiting = new Set<() => void>();

/** Those who wait for a condition look again. Engines of the test's process call it for each of their facts. */
export function lookAgain(): void {
  news += 1;
  for (const wake of waiting) wake();
}

/** Several facts come at once: they are one look. */
const gatherMs = 20;
/** Longest time between two looks, in ms: what no engine of this process tells of, a file or another process, is looked for. */
const longestPauseMs = 250;

/** Waits for a condition: looks after each fact, and besides less and less often. Throws after `hangMs` with what `describe` says. */
export async function until(
  what: () => Promise<boolean> | boolean,
  describe: () => Promise<string> | string = () => '',
): Promise<void> {
  const end = Date.now() + hangMs;
  for (let pauseMs = gatherMs; ; pauseMs = Math.min(1.25 * pauseMs, longestPauseMs)) {
    const known = news;
    if (await what()) return;
    if (Date.now() > end) throw new Error(`it never came true\n${await describe()}`);
    await pause(pauseMs, known);
  }
}

/** Ends soon after something has happened since `known`, and at the latest after `pauseMs`. */
function pause(pauseMs: number, known: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      waiting.delete(wake);
      resolve();
    };
    let timer = setTimeout(end, news === known ? pauseMs : gatherMs);
    const wake = () => {
      waiting.delete(wake);
      clearTimeout(timer);
      timer = setTimeout(end, gatherMs);
    };
    if (news === known) waiting.add(wake);
  });
}
