/** `stator daemon start`. */

import { join, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { localTime } from '../../machines/vocabulary/time-text.ts';
import { type Call, defineVerb } from '../command.ts';
import { ownerHere } from './presence.ts';
import { DaemonEnded, type Started, startDetached, untilAnswers } from './starting.ts';

export default defineVerb({
  summary: 'Start the daemon: a long-running engine that runs the plans of all registered repos.',
  args: {
    foreground: { type: 'boolean', description: 'run in the foreground, for a terminal or a service manager' },
    config: {
      type: 'string',
      valueHint: 'file',
      description: 'use this file instead of daemon.toml in the home folder',
    },
  },
  examples: ['stator daemon start', 'stator daemon start --foreground --config ./daemon.toml'],
  more: `SIGTERM, SIGINT and SIGHUP stop it; agents keep running, and the next engine adopts them. Exit code 0: a daemon with this configuration runs,
perhaps from before. 69: a daemon runs already and you used --foreground or another --config, or a \`stator run\` owns the home folder.`,
  run: ({ foreground, config }, call) => (foreground === true ? stay(call, config) : startAndPrint(call, config)),
});

/** Exit code 0 where a daemon with that configuration runs already; 69 where another process owns the home. */
export async function startAndPrint(call: Call, config: string | undefined): Promise<number> {
  if (await isRunning(call, config)) return 0;
  try {
    printStarted(call, await startDetached(call, config));
    return 0;
  } catch (thrown) {
    // Another `daemon start` was faster.
    if (thrown instanceof EngineError && thrown.code === 'owner_taken' && (await isRunning(call, config))) return 0;
    if (!(thrown instanceof DaemonEnded)) throw thrown;
    printEnded(call, thrown);
    return thrown.exitCode;
  }
}

/** Reports the daemon that runs. Throws `owner_taken` where it has another configuration, does not answer, or is no daemon. */
async function isRunning(call: Call, config: string | undefined): Promise<boolean> {
  const { home, owner } = ownerHere(call.env);
  if (owner === null || (owner.kind === 'engine' && owner.socketPath === null)) return false; // a verb owns the home for a short time
  const itsConfig = owner.config ?? join(home, 'daemon.toml');
  const isWanted = owner.kind === 'daemon' && (config === undefined || resolve(call.cwd, config) === itsConfig);
  const running = isWanted ? await untilAnswers(call, owner.pid) : null;
  if (running !== null) {
    printRunning(call, running, owner.since);
    return true;
  }
  if (isWanted && ownerHere(call.env).owner?.pid !== owner.pid) return false; // it has gone meanwhile
  const { takenBy } = await import('../../runtime/engine/daemon.ts');
  throw takenBy(owner);
}

function printRunning({ out }: Call, running: Started, since: string): void {
  if (out.json) out.print(JSON.stringify({ status: 'running', ...running }));
  else
    out.note(
      `a daemon runs already: pid ${running.pid}, since ${localTime(since, Date.now())}; restart it with: stator daemon restart`,
    );
  printState(out, running);
}

function printStarted({ out }: Call, started: Started): void {
  const { pid, repos } = started;
  if (out.json) {
    out.print(JSON.stringify({ status: 'started', ...started }));
    return;
  }
  // A daemon that waits for its store has not read its repos yet.
  out.say(`daemon started (pid ${pid}${started.waiting === null ? `, ${counted(repos, 'repo')}` : ''})`);
  printState(out, started);
}

function printState(out: Call['out'], { waiting, problems, notes }: Started): void {
  if (out.json) return;
  if (waiting !== null) out.note(`it waits: ${waiting}`);
  for (const line of [...problems, ...notes]) out.note(line);
}

function printEnded({ out }: Call, { message, tail, hint }: DaemonEnded): void {
  out.error({ error: message, code: 'unavailable', hint, log: tail });
}

const stopWords = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Runs until it is asked to stop, then returns 0. Throws the error that ended it. */
async function stay({ env, cwd, out }: Call, config: string | undefined): Promise<number> {
  const isDetached = process.send !== undefined;
  let isWanted = true;
  let leave = () => {
    if (!isWanted) process.exit(130); // the second signal, while it was still starting
    isWanted = false;
  };
  for (const word of stopWords) {
    process.removeAllListeners(word);
    process.on(word, () => leave());
  }
  try {
    const { startDaemon } = await import('../../runtime/engine/daemon.ts');
    const daemon = await startDaemon({
      env,
      ...(config === undefined ? {} : { configFile: resolve(cwd, config) }),
      // A detached daemon's standard error is already the log.
      ...(isDetached ? {} : { echo: (line) => void out.stderr.write(line) }),
    });
    leave = () => void daemon.stop();
    if (!isWanted) leave();
    if (isDetached) notifyParent('ready');
    else out.note(`daemon ${process.pid} listens on ${daemon.socketPath}; Ctrl-C stops it, its agents go on`);
    await daemon.ended;
    return 0;
  } catch (thrown) {
    if (isDetached && thrown instanceof EngineError) notifyParent(thrown.toJSON());
    throw thrown;
  }
}

/** The process that started this daemon may have ended, which is no failure of the daemon. */
function notifyParent(message: unknown): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => process.disconnect());
}
