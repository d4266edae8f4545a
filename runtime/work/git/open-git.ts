/**
 * One git that stays open and is asked many times, through its standard input: a question costs a few hundred microseconds instead of a process. It stands
 * in no folder of the repository, ends after a while without a question, and with its input when the engine dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { endingHere } from './ending.ts';

const idleMs = 5_000;
/** One that takes longer is ended, and git itself is asked. */
const limitMs = 10_000;
/** Between TERM, on which git removes its lock files, and KILL. */
const killAfterMs = 5_000;
const maxAnswerChars = 64 * 1024 * 1024;

/** Says in a list of processes that this git makes no file for longer than an answer takes. */
export const openMark = 'stator.staysOpen=true';

export interface OpenGit {
  /** What it was opened with: another repository or configuration is not asked of this one. */
  readonly signature: string;
  isOpen(): boolean;
  /**
   * `end` answers how many characters of the text are its whole answer; -1: more is to come. null: it was not asked, or ended by itself, as git does where
   * it refuses. undefined: it was killed in the middle, so what it did is for the repository to say.
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

/** An answer of so many lines. */
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

/** `onEnd` is called once, when it takes no question any more. */
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
  /** The engine's process waits for an answer, and never for a git without a question. */
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
        // What is asked in one turn goes to git in one write.
        if (child.stdin.writableCorked === 0) {
          child.stdin.cork();
          process.nextTick(() => child.stdin.uncork());
        }
        child.stdin.write(input);
      });
    },
  };
}

/** Git could not be started, and may have no pipes to be spoken to. */
function notStarted(child: ChildProcess, signature: string): OpenGit {
  child.on('error', () => {});
  return { signature, isOpen: () => false, ask: () => Promise.resolve(null), end: () => {} };
}
