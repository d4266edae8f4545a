/** The process table of a system without /proc, read with `ps` in the form of macOS. Best effort, and slower. */
import { execFileSync } from 'node:child_process';
import type { ProcessRow, ProcessTable } from './process-identity.ts';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const rowPattern = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S)\S*\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]+\s+\d{4})\s+(.*)$/;

/** Which start of the machine this is. */
export function readBootFromSysctl(): string {
  return ask('sysctl', ['-n', 'kern.bootsessionuuid']).trim();
}

/** All processes, or one; an absent one is no row. The group replaces the session, which `ps` shows as a pointer only. */
export function readTableFromPs(boot: string, pid?: number): ProcessTable {
  const columns = ['-o', 'pid=,ppid=,pgid=,state=,lstart=,ucomm='];
  const lines = ask('ps', pid === undefined ? ['-ax', ...columns] : ['-p', String(pid), ...columns]).split('\n');
  let environments: Map<number, string> | null = null;
  return {
    boot,
    rows: lines.map((line) => parseRow(line, boot)).filter((row) => row !== null),
    startedAtMs: (start) => Date.parse(start),
    runOf(of) {
      environments ??= readEnvironments();
      return /(?:^| )STATOR_RUN=(\S*)/.exec(environments.get(of) ?? '')?.[1] ?? null;
    },
    argumentsOf: (of) =>
      ask('ps', ['-ww', '-p', String(of), '-o', 'command='])
        .trim()
        .split(' '),
    outputsOf: () => [],
  };
}

/** The wrapper collapses the white space of `lstart` in the same way, so the two compare as text. */
function parseRow(line: string, boot: string): ProcessRow | null {
  const match = rowPattern.exec(line);
  if (!match) return null;
  const [, pid, parent, group, state = '', start = '', name = ''] = match;
  return {
    identity: { boot, pid: Number(pid), start: start.replace(/\s+/g, ' ') },
    parent: Number(parent),
    session: Number(group),
    state,
    hasEnded: state === 'Z',
    name,
  };
}

/** One call for all, because a call for each would take seconds. `ps` appends the environment to the command. */
function readEnvironments(): Map<number, string> {
  const lines = ask('ps', ['-axEww', '-o', 'pid=,command=']).split('\n');
  return new Map(lines.map((line) => [Number.parseInt(line, 10), line]));
}

/** `ps -p` of a process that has gone exits 1 with no output, which is an answer. */
function ask(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: MAX_OUTPUT_BYTES,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (error) {
    if ((error as { status?: unknown }).status === 1) return ''; // execFileSync puts the exit code there
    throw error;
  }
}
