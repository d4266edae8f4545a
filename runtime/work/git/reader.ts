/**
 * One `git cat-file --batch-check` a repository, which stays while it is asked what names point to: a question is a line instead of a process. It takes no
 * lock, reads refs and objects anew for each question, ends after a while without one, and with its input when the engine dies. It stands in no folder of
 * the repository. What it cannot answer beyond doubt is asked of a git of its own, which says why.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { endingHere } from './ending.ts';
import { gitEnvironment } from './environment.ts';

const idleMs = 5_000;
/** One that takes longer is ended, and git itself is asked. */
const limitMs = 10_000;

interface Reader {
  /** What the repository looked like when it was opened: another one there is not asked of this reader. */
  readonly signature: string;
  isOpen(): boolean;
  /** null: it ended, or is too slow. */
  ask(name: string): Promise<string | null>;
  end(): void;
}

/** The readers of one engine, each opened when it is first asked. */
export interface Readers {
  /**
   * The object that a name of the repository at `path` points to: a ref by its full name, HEAD or an id, with `^{commit}` or `^{tree}`; or an id of a tree
   * or commit that is there, with `:` and the path of a file or folder in it. null: there is none. undefined: it cannot be said this way, so ask git itself.
   */
  lookUp(path: string, name: string): Promise<string | null | undefined>;
  /** They end when they have answered what they were asked; whoever asks later is told to ask git. May be called twice. */
  close(): void;
}

/** A repository, and who may be asked what its names point to; where there is nobody, git is. */
export interface ReadPlace {
  readonly path: string;
  readonly readers?: Readers;
}

export function createReaders(): Readers {
  const open = new Map<string, Reader>();
  let isClosed = false;

  function readerOf(gitDir: string, signature: string): Reader {
    const known = open.get(gitDir);
    if (known?.isOpen() === true && known.signature === signature) return known;
    known?.end();
    const reader = openReader(gitDir, signature, () => {
      if (open.get(gitDir) === reader) open.delete(gitDir);
    });
    open.set(gitDir, reader);
    return reader;
  }

  return {
    async lookUp(path, name) {
      return isClosed ? undefined : lookUpWith(readerOf, path, name);
    },
    close() {
      isClosed = true;
      for (const reader of open.values()) reader.end();
    },
  };
}

async function lookUpWith(
  readerOf: (gitDir: string, signature: string) => Reader,
  path: string,
  name: string,
): Promise<string | null | undefined> {
  const [, pointer] =
    /^((?:refs|worktrees)\/\S+|HEAD|[0-9a-f]{40}|[0-9a-f]{64})\^\{(?:commit|tree)\}$/.exec(name) ??
    /^([0-9a-f]{40}|[0-9a-f]{64}):[\w.-]+(?:\/[\w.-]+)*$/.exec(name) ??
    [];
  const gitDir = join(path, '.git');
  const signature = signatureOf(gitDir);
  if (pointer === undefined || signature === null) return undefined;
  const answer = await readerOf(gitDir, signature).ask(name);
  const [, id] = /^([0-9a-f]{40,64}) (?:commit|tree|blob) \d+$/.exec(answer ?? '') ?? [];
  if (id !== undefined) return id;
  const isNone = answer === `${name} missing` && isNowhere(gitDir, pointer) && signatureOf(gitDir) === signature;
  return isNone ? null : undefined;
}

/** null: no folder of git's own, such as in a linked worktree. */
function signatureOf(gitDir: string): string | null {
  try {
    const folder = statSync(gitDir);
    const config = statSync(join(gitDir, 'config'));
    return folder.isDirectory() ? [folder.dev, folder.ino, config.ino, config.size, config.mtimeMs].join(' ') : null;
  } catch {
    return null; // git says what is missing there, or closed
  }
}

/** Whether git can read the repository, and no file of that name lies in it: one that is broken is for git to judge. */
function isNowhere(gitDir: string, pointer: string): boolean {
  try {
    accessSync(join(gitDir, 'HEAD'), constants.R_OK);
    for (const folder of ['objects', 'refs']) accessSync(join(gitDir, folder), constants.R_OK | constants.X_OK);
    return statSync(join(gitDir, pointer), { throwIfNoEntry: false })?.isDirectory() ?? true;
  } catch {
    return false; // out of reach, which is not the same as missing
  }
}

/** Git could not be started, and may have no pipes to be spoken to. */
function closedReader(child: ChildProcess, signature: string): Reader {
  child.on('error', () => {});
  return { signature, isOpen: () => false, ask: () => Promise.resolve(null), end: () => {} };
}

/** `onEnd` is called once, when it takes no question any more. */
function openReader(gitDir: string, signature: string, onEnd: () => void): Reader {
  const child = spawn('git', ['cat-file', '--batch-check'], {
    cwd: '/',
    env: gitEnvironment({ GIT_DIR: gitDir }),
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (child.pid === undefined) return closedReader(child, signature);
  const waiting: ((answer: string | null) => void)[] = [];
  let text = '';
  let isOpen = true;
  /** The engine's process waits for an answer, and never for a reader without a question. */
  const hold = (isHeld: boolean): void => {
    for (const each of [child, child.stdin, child.stdout])
      if (each === child || each instanceof Socket) isHeld ? each.ref() : each.unref();
  };
  const end = (): void => {
    clearTimeout(idle);
    if (!isOpen) return;
    isOpen = false;
    child.stdin.end();
    onEnd();
  };
  let idle = setTimeout(end, idleMs).unref();
  const ended = (): void => {
    end();
    for (const answer of waiting.splice(0)) answer(null);
    hold(false);
  };
  child.on('error', ended).on('close', ended);
  child.stdin.on('error', end);
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    const lines = (text + more).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) waiting.shift()?.(line);
    if (waiting.length > 0) return;
    hold(false);
    if (isOpen) idle = setTimeout(end, idleMs).unref();
  });
  hold(false);
  return {
    signature,
    isOpen: () => isOpen,
    end,
    ask(name) {
      if (!isOpen) return Promise.resolve(null);
      clearTimeout(idle);
      hold(true);
      return new Promise((resolve) => {
        const kill = () => void child.kill('SIGKILL');
        const limit = setTimeout(kill, limitMs);
        const ending = endingHere();
        ending?.addEventListener('abort', kill, { once: true });
        waiting.push((answer) => {
          clearTimeout(limit);
          ending?.removeEventListener('abort', kill);
          resolve(answer);
        });
        child.stdin.write(`${name}\n`);
      });
    },
  };
}
