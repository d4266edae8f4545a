/** A temporary repository and home for tests with a real engine. */
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

/** A repository `demo` with one commit and its own identity, and a home beside it, in a temporary folder. */
export function makeGround(): Ground {
  const root = mkdtempSync(join(tmpdir(), 'stator-'));
  const repo = join(root, 'demo');
  const home = join(root, 'home');
  cpSync(repoToCopy(), repo, { recursive: true });
  const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };
  return { root, repo, home, env, remove: () => removeFolder(root) };
}

/** Made once for each test file: three git processes per test would take longer than many tests. */
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

/** The number of events after which waiting tests check again, and the waiting tests. */
let news = 0;
const waiting = new Set<() => void>();

/** Makes all waiting tests check again. Engines in the test's process call it for each fact. */
export function lookAgain(): void {
  news += 1;
  for (const wake of waiting) wake();
}

/** Several facts at once cause one check. */
const gatherMs = 20;
/** The longest time between two checks, in ms: changes of files and other processes are not reported by facts. */
const longestPauseMs = 250;

/** Waits for a condition: checks it after each fact, and otherwise less and less often. Throws after `hangMs` with the text of `describe`. */
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

/** Ends soon after an event since `known`, and at the latest after `pauseMs`. */
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
