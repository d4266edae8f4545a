/** A temporary repository and home for tests with a real engine. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hangMs } from './hang.ts';
import { removeFolder } from './remove-folder.ts';
import { outputOf } from './small-shell.ts';
import { copyTemplate, initialise, type Template } from './template.ts';

export function git(cwd: string, ...args: string[]): string {
  return outputOf('git', args, cwd).trim();
}

export interface Ground {
  readonly root: string;
  readonly repo: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  remove(): void;
}

/** A repository `demo` with one commit and its own identity, and a home beside it, in a temporary folder. `template`: another content of the repository. */
export function makeGround(template: Template = plain): Ground {
  const root = mkdtempSync(join(tmpdir(), 'stator-'));
  const repo = join(root, 'demo');
  const home = join(root, 'home');
  copyTemplate(template, repo);
  const env = { ...process.env, STATOR_HOME: home, XDG_RUNTIME_DIR: root };
  return { root, repo, home, env, remove: () => removeFolder(root) };
}

const plain: Template = {
  name: 'ground',
  make(folder) {
    initialise(folder, { name: 'Ada', email: 'ada@example.com' });
    writeFileSync(join(folder, 'README.md'), 'hello\n');
    commitAll(folder, 'begin');
  },
};

/** The repository of each ground with these files in one more commit. */
export function extended(name: string, files: Readonly<Record<string, string>>): Template {
  return {
    name: `ground-${name}`,
    make(folder) {
      copyTemplate(plain, folder);
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), text);
      }
      commitAll(folder, name);
    },
  };
}

function commitAll(repo: string, message: string): void {
  git(repo, 'add', '-A');
  git(repo, 'commit', '-qm', message);
}

/** The number of events after which waiting tests check again, and the waiting tests. */
let news = 0;
const waiting = new Set<() => void>();

/** Makes all waiting tests check again. Engines in the test's process call it for each fact. */
export function lookAgain(): void {
  news += 1;
  for (const wake of waiting) wake();
}

/** Several facts at once cause one check: to look at a plan takes some milliseconds of processor, and a plan's steps follow each other within a few. */
const gatherMs = 50;
/** The longest time between two checks, in ms: changes of files and other processes are not reported by facts. */
const longestPauseMs = 500;

/** Waits for a condition: checks it after each fact, and otherwise less and less often. Throws after `hangMs` with the text of `describe`. */
export async function until(
  what: () => Promise<boolean> | boolean,
  describe: () => Promise<string> | string = () => '',
): Promise<void> {
  const end = Date.now() + hangMs;
  for (let pauseMs = gatherMs; ; pauseMs = Math.min(1.5 * pauseMs, longestPauseMs)) {
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
