/** `stator daemon start`. */
import { resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { type Call, defineVerb } from '../command.ts';
import { counted } from '../text.ts';
import { ownerHere } from './presence.ts';
import { DaemonEnded, type Started, startDetached } from './starting.ts';

export default defineVerb({
  summary: 'Start the engine that stays: it runs the plans of all registered repos.',
  args: {
    foreground: { type: 'boolean', description: 'stay in this terminal, or under a service manager' },
    config: { type: 'string', valueHint: 'file', description: "another daemon.toml than the home's" },
  },
  examples: ['stator daemon start', 'stator daemon start --foreground --config ./daemon.toml'],
  more: 'SIGTERM, SIGINT and a hang-up stop it; its agents go on, and the next engine adopts them.',
  run: ({ foreground, config }, call) => (foreground === true ? stay(call, config) : startAndTell(call, config)),
});

/** Exit code 69 where the home has an owner that stays. */
export async function startAndTell(call: Call, config: string | undefined): Promise<number> {
  await refuseOwned(call);
  try {
    tellStarted(call, await startDetached(call, config));
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof DaemonEnded)) throw thrown;
    tellEnded(call, thrown);
    return thrown.exitCode;
  }
}

/** Said at once, and not by a process that is started for it. */
async function refuseOwned({ env }: Call): Promise<void> {
  const { owner } = ownerHere(env);
  if (owner === null || (owner.kind === 'engine' && owner.socketPath === null)) return; // a verb has it for a moment
  const { takenBy } = await import('../../runtime/engine/daemon.ts');
  throw takenBy(owner);
}

function tellStarted({ out }: Call, started: Started): void {
  const { pid, repos, waiting, problems, notes } = started;
  if (out.json) {
    out.print(JSON.stringify({ status: 'started', ...started }));
    return;
  }
  out.say(`daemon started (pid ${pid}, ${counted(repos, 'repo')})`);
  if (waiting !== null) out.note(`it waits: ${waiting}`);
  for (const line of [...problems, ...notes]) out.note(line);
}

function tellEnded({ out }: Call, { message, tail, hint }: DaemonEnded): void {
  out.error({ error: message, code: 'unavailable', hint, log: tail });
}

const stopWords = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Until somebody asks it to stop. Answers 0; throws what ended it otherwise. */
async function stay({ env, cwd, out }: Call, config: string | undefined): Promise<number> {
  const isDetached = process.send !== undefined;
  let isWanted = true;
  let leave = () => {
    if (!isWanted) process.exit(130); // the second word, while it was still starting
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
      // Detached, standard error is the log already.
      ...(isDetached ? {} : { echo: (line) => void out.stderr.write(line) }),
    });
    leave = () => void daemon.stop();
    if (!isWanted) leave();
    if (isDetached) tellParent('ready');
    else out.note(`daemon ${process.pid} listens on ${daemon.socketPath}; Ctrl-C stops it, its agents go on`);
    await daemon.ended;
    return 0;
  } catch (thrown) {
    if (isDetached && thrown instanceof EngineError) tellParent(thrown.toJSON());
    throw thrown;
  }
}

/** Whoever started us may be gone, which is no failure of ours. */
function tellParent(message: unknown): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => process.disconnect());
}
