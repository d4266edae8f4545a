/**
 * Runs programs and waits for them, through a shell that stays open. The system copies the memory map of a process to start another one: in a worker of 280 MB
 * that took 9 ms for each git, and in a shell it takes 0.3 ms.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';

interface Ended {
  /** The exit code. 128 and the signal's number: a signal ended it. 127: there is no such program. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Shell {
  run(script: string): Ended;
  /** The environment in which it was started. */
  readonly began: Readonly<NodeJS.ProcessEnv>;
}

/** Runs a program with this process's environment as it is now, and an empty input. */
export function runSmall(program: string, args: readonly string[], cwd: string): Ended {
  const shell = openShell();
  const words = [program, ...args].map(shellWord).join(' ');
  return shell.run(`cd -P -- ${shellWord(cwd)} || exit; ${changesOf(shell.began)}exec ${words}`);
}

/** Returns its output; throws like `execFileSync` if its exit code is not 0. */
export function outputOf(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = runSmall(program, args, cwd);
  if (status === 0) return stdout;
  throw Object.assign(new Error(`Command failed: ${[program, ...args].join(' ')}\n${stderr}`), {
    status,
    stdout,
    stderr,
  });
}

/** One for each worker, for all of its files: modules of tests are evaluated again for each file. */
const kept = globalThis as { statorSmallShell?: Shell };

function openShell(): Shell {
  kept.statorSmallShell ??= createShell();
  return kept.statorSmallShell;
}

/** It ends by itself after this process has ended, because its input then has no writer. */
function createShell(): Shell {
  const folder = mkdtempSync(join(tmpdir(), 'stator-shell-'));
  const [asks, answers, out, err] = ['asks', 'answers', 'out', 'err'].map((name) => join(folder, name)) as [
    ...[string, string, string, string], // one for each name
  ];
  execFileSync('mkfifo', [asks, answers]);
  // Tests find processes of stator by their variables and kill them. This shell is not one of them.
  const began = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STATOR')));
  const opened = 'exec sh < "$1" 3> "$2"';
  spawn('sh', ['-c', opened, 'sh', asks, answers], { cwd: '/', env: began, detached: true, stdio: 'ignore' }).unref();
  // Opening a named pipe waits for the other end.
  const asking = openSync(asks, 'w');
  const answering = openSync(answers, 'r');
  const answer = Buffer.alloc(16);
  write(asking, `trap ${shellWord(`rm -rf -- ${shellWord(folder)}`)} EXIT\n`);
  return {
    began,
    run(script) {
      write(asking, `(${script}) < /dev/null > ${shellWord(out)} 2> ${shellWord(err)} 3>&-; echo $? >&3\n`);
      const length = readSync(answering, answer);
      if (length === 0) {
        for (const fd of [asking, answering]) closeSync(fd);
        delete kept.statorSmallShell;
        throw new Error('the shell that starts programs for tests was killed');
      }
      const status = Number(answer.toString('utf8', 0, length));
      return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
    },
  };
}

function write(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** The variables that have changed since the shell began. It reads its input byte by byte, so the others are not sent. */
function changesOf(began: Readonly<NodeJS.ProcessEnv>): string {
  const now = { ...process.env };
  const names = new Set([...Object.keys(began), ...Object.keys(now)]);
  return [...names]
    .filter((name) => began[name] !== now[name] && /^[A-Za-z_]\w*$/.test(name) && name !== 'PWD')
    .map((name) => {
      const value = now[name];
      return value === undefined ? `unset ${name}; ` : `export ${name}=${shellWord(value)}; `;
    })
    .join('');
}
