/** Starts a daemon in a process group of its own, and waits until it answers or reports why it does not. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, errorFromDocument, isErrorDocument, messageOf } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { ensureHome } from '../../runtime/base/platform/home.ts';
import { createLogTail, type LogTail } from '../../runtime/base/platform/log-tail.ts';
import { inPackage } from '../../runtime/base/platform/package-files.ts';
import { attach } from '../../runtime/engine/attach.ts';
import type { Call } from '../command.ts';
import { plainLines } from '../text.ts';
import { ownerHere } from './presence.ts';

/** A daemon waits half a minute for a verb that owns the home, and a second for its store. */
const readyMs = 45_000;
const pollMs = 25;
/** How much of the log a message shows. */
const tailLength = 4_096;
const tailLines = 20;

export interface Started {
  readonly pid: number;
  readonly socket: string;
  readonly log: string;
  /** Why the daemon handles nothing yet; null: it works. */
  readonly waiting: string | null;
  readonly problems: readonly string[];
  /** Keys of daemon.toml that have no effect. */
  readonly notes: readonly string[];
  readonly repos: number;
}

/**
 * Resolves when the daemon's socket answers. `config`: another daemon.toml, relative to the caller's folder. Throws the error that the daemon
 * reported, `DaemonEnded` with its exit code and the end of its log if it ended without a report, or `home_unusable`.
 */
export async function startDetached(
  { env, cwd }: Pick<Call, 'env' | 'cwd'>,
  config: string | undefined,
): Promise<Started> {
  const { home } = ownerHere(env);
  const log = join(home, 'daemon.log');
  const named = config === undefined ? [] : ['--config', resolve(cwd, config)];
  ensureHome(home);
  const output = openLog(log);
  const tail = createLogTail(log, { lastBytes: 0 });
  const main = inPackage('dist', 'bin', 'stator.js');
  const child = spawn(process.execPath, [main, 'daemon', 'start', '--foreground', ...named], {
    cwd: home,
    env: daemonEnvironment(env, home),
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  });
  closeSync(output);
  let said: unknown = null;
  child.on('message', (message) => {
    said = message;
  });
  let ended: { readonly code: number | null; readonly signal: string | null } | null = null;
  child.on('error', () => {
    ended = { code: 70, signal: null };
  });
  child.on('exit', (code, signal) => {
    ended = { code, signal };
  });
  const untilMs = performance.now() + readyMs;
  try {
    for (;;) {
      if (isErrorDocument(said)) throw errorFromDocument(said);
      const gone = ended as { code: number | null; signal: string | null } | null; // set from outside of this loop
      if (gone !== null) throw new DaemonEnded(gone, lastWords(tail), log);
      const started = said === 'ready' ? await startedAs(child.pid ?? 0, { home, env, log }) : null;
      if (started !== null) return started;
      if (performance.now() > untilMs) {
        child.kill('SIGTERM');
        throw new EngineError(
          'unavailable',
          `the daemon did not answer within ${readyMs / 1_000} s, and was stopped`,
          `its output is in ${log}: stator daemon logs`,
        );
      }
      await delay(pollMs);
    }
  } finally {
    tail.close();
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** The daemon ended before it answered, without an error message. */
export class DaemonEnded extends Error {
  readonly exitCode: number;
  readonly tail: string;
  readonly hint: string;

  constructor({ code, signal }: { code: number | null; signal: string | null }, tail: string, log: string) {
    super(`the daemon ended ${signal === null ? `with exit code ${code}` : `by ${signal}`} before it answered`);
    this.name = 'DaemonEnded';
    this.exitCode = code === null || code === 0 ? 1 : code;
    this.tail = tail;
    this.hint = `all that it said: ${log}; see it fail with: stator daemon start --foreground`;
  }
}

/** The daemon with that pid, once it answers; null: it has ended, or does not answer within the time of a start. */
export async function untilAnswers({ env }: Pick<Call, 'env'>, pid: number): Promise<Started | null> {
  const { home } = ownerHere(env);
  const untilMs = performance.now() + readyMs;
  while (ownerHere(env).owner?.pid === pid && performance.now() < untilMs) {
    const started = await startedAs(pid, { home, env, log: join(home, 'daemon.log') });
    if (started !== null) return started;
    await delay(pollMs);
  }
  return null;
}

async function startedAs(
  pid: number,
  { home, env, log }: { home: string; env: NodeJS.ProcessEnv; log: string },
): Promise<Started | null> {
  const { owner } = ownerHere(env);
  if (owner?.pid !== pid || owner.socketPath === null) return null;
  const client = await attach(home, env);
  if (client === null) return null;
  const { waiting, problems, notes, repo_count: repos } = await client.status();
  return { pid, socket: owner.socketPath, log, waiting, problems, notes, repos };
}

/**
 * The variables of the daemon. A daemon that an agent starts must outlive the agent's run, so it gets none of the run's variables. The home is an
 * absolute path, because the daemon runs in another folder than its starter.
 */
function daemonEnvironment(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(([name]) => !/^STATOR(_(?!SANDBOX$|STORE)|$)/.test(name));
  return { ...Object.fromEntries(own), STATOR_HOME: home };
}

function openLog(log: string): number {
  try {
    return openSync(log, 'a', 0o600);
  } catch (cause) {
    const hint = `look at it: ls -ld ${shellWord(log)}; move it away if it is no file`;
    throw new EngineError('home_unusable', `the log cannot be written: ${messageOf(cause)}`, hint, { cause });
  }
}

/** The text that was added to the log since the tail began. */
function lastWords(tail: LogTail): string {
  return plainLines(tail.read({ rest: true }).slice(-tailLength))
    .trimEnd()
    .split('\n')
    .slice(-tailLines)
    .join('\n');
}
