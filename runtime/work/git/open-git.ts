/**
 * A git process that stays open and answers many questions through its standard input: a question costs a few hundred microseconds instead of a process. It
 * does not run in a folder of the repository. It ends after a while without a question, and when the engine dies, because its input then closes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { endingHere } from './ending.ts';

const idleMs = 5_000;
/** An answer that takes longer ends the process, and a separate git is used. */
const limitMs = 10_000;
/** The time between TERM, on which git removes its lock files, and KILL. */
const killAfterMs = 5_000;
const maxAnswerChars = 64 * 1024 * 1024;

/** Marks this git in a list of processes: it makes files only while it answers. */
export const openMark = 'stator.staysOpen=true';

export interface OpenGit {
  /** The settings with which it was opened: it cannot answer for another repository or configuration. */
  readonly signature: string;
  isOpen(): boolean;
  /**
   * `end` returns the length of the complete answer in the text; -1: more is to come. null: the question was not sent, or git ended by itself, as it does
   * when it refuses. undefined: git was killed meanwhile, so only the repository shows what it did.
   */
  ask(input: string, end: (text: string) => number): Promise<Answer>;
  end(): void;
}

export type Answer = string | null | undefined;

interface Question {
  readonly end: (text: string) => number;
  readonly answer: (text: Answer) => void;
}

/** An answer of one line. */
export const oneLine = (text: string): number => text.indexOf('\n') + 1 || -1;

/** An answer of `count` lines. */
export function lines(count: number): (text: string) => number {
  return (text) => {
    let end = 0;
    for (let line = 0; line < count; line += 1) {
      end = text.indexOf('\n', end) + 1;
      if (end === 0) return -1;
    }
    return end;
  };
}

/** `onEnd` is called once, when the process accepts no more questions. */
export function openGit(
  { args, env, signature }: { args: readonly string[]; env: Readonly<Record<string, string>>; signature: string },
  onEnd: () => void,
): OpenGit {
  const child = spawn('git', ['-c', openMark, ...args], {
    cwd: '/',
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if (child.pid === undefined) return notStarted(child, signature);
  const waiting: Question[] = [];
  let text = '';
  let isOpen = true;
  /** Keeps the engine's process alive while an answer is open, but not for an idle git. */
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
  let killing: NodeJS.Timeout | undefined;
  const kill = (): void => {
    end();
    child.kill('SIGTERM');
    killing ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  };
  const ended = (answered: null | undefined): void => {
    end();
    clearTimeout(killing);
    for (const { answer } of waiting.splice(0)) answer(answered);
    hold(false);
  };
  child.on('error', () => ended(null)).on('close', (code) => ended(code === null ? undefined : null));
  child.stdin.on('error', end);
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const length = first.end(text);
      if (length < 0) return text.length > maxAnswerChars ? kill() : undefined;
      waiting.shift();
      first.answer(text.slice(0, length));
      text = text.slice(length);
    }
    hold(false);
    if (isOpen) idle = setTimeout(end, idleMs).unref();
  });
  hold(false);
  return {
    signature,
    isOpen: () => isOpen,
    end,
    ask(input, endOf) {
      if (!isOpen) return Promise.resolve(null);
      clearTimeout(idle);
      hold(true);
      return new Promise((resolve) => {
        const limit = setTimeout(kill, limitMs);
        const ending = endingHere();
        ending?.addEventListener('abort', kill, { once: true });
        const answer = (said: Answer): void => {
          clearTimeout(limit);
          ending?.removeEventListener('abort', kill);
          resolve(said);
        };
        waiting.push({ end: endOf, answer });
        // Questions of one turn are sent to git in one write.
        if (child.stdin.writableCorked === 0) {
          child.stdin.cork();
          process.nextTick(() => child.stdin.uncork());
        }
        child.stdin.write(input);
      });
    },
  };
}

/** For a git that could not be started, and may have no pipes. */
function notStarted(child: ChildProcess, signature: string): OpenGit {
  child.on('error', () => {});
  return { signature, isOpen: () => false, ask: () => Promise.resolve(null), end: () => {} };
}
