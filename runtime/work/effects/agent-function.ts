/**
 * Calls a run's agent that is a function, in this process, while a waiting shell represents it. The result is stored before the shell gets the exit code: if
 * an engine dies between the two, the next one sends the code. If it dies earlier, the function is called again, with the same key.
 */
import { constants } from 'node:fs';
import { appendFile, open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import type { AgentCall, OwnAgents } from '../../base/config/config.ts';
import type { Log } from '../../base/platform/log.ts';
import { endedText, maxEngines } from '../../core/store/suspected.ts';
import {
  answerPipe,
  type FunctionAnswer,
  readFunctionAnswer,
  readFunctionWork,
  writeFunctionAnswer,
} from '../agents/preset-own.ts';
import type { RunFolder } from '../agents/run-folder.ts';

export interface AgentFunctionParts {
  /** The agents that were passed to the engine. */
  readonly ownAgents: OwnAgents;
  readonly log: Log;
  readonly graceMs: number;
}

interface Calling {
  readonly folder: RunFolder;
  readonly key: string;
  /** The agent's title, for messages. */
  readonly title: string;
  /** How many engines called the function again after it may have ended the engine before. */
  readonly suspected: number;
  /** Makes another token for the run. */
  readonly giveToken: () => Promise<string>;
}

const answerLimit = 256 * 1024;
/** The shell makes its pipe within milliseconds; a stopped shell takes longer. */
const pipePollMs = 50;

/** Does nothing if the run's agent is no function. `stop` aborts the function and waits for its end, at most for the grace period. */
export function callFunction(parts: AgentFunctionParts, calling: Calling): { stop(): Promise<void> } {
  const { folder, title } = calling;
  const kept = readFunctionWork(folder);
  if (kept === null) return { stop: async () => {} };
  const over = new AbortController();
  const ended = (async () => {
    const answer = readFunctionAnswer(folder) ?? (await call(parts, calling, kept, over.signal));
    if (answer !== null) await writeExitCode(answerPipe(folder), answer.code, over.signal);
  })().catch((thrown: unknown) =>
    parts.log.warn(`the function of ${title} was not called to its end: ${reasonOf(thrown)}`),
  );
  return {
    async stop() {
      over.abort(new DOMException('the run is over', 'AbortError'));
      await Promise.race([ended, delay(parts.graceMs, undefined, { ref: false })]);
    },
  };
}

/** null: it was aborted, and its result is ignored. */
async function call(
  { ownAgents, log }: AgentFunctionParts,
  { folder, key, title, suspected, giveToken }: Calling,
  { agent, work }: NonNullable<ReturnType<typeof readFunctionWork>>,
  signal: AbortSignal,
): Promise<FunctionAnswer | null> {
  const write = (text: string) =>
    appendFile(folder.log, `${text}\n`).catch((thrown: unknown) => log.debug(`${title}: ${reasonOf(thrown)}`));
  const run = ownAgents[agent]?.run;
  const answer = await (async (): Promise<FunctionAnswer> => {
    if (run === undefined)
      return {
        code: 1,
        text: `this engine was given no function agents.${agent}: give it to createEngine({ agents })`,
      };
    if (suspected >= maxEngines) return { code: 1, text: endedText(suspected, { did: 'ran', what: 'its function' }) };
    const env = { ...work.env, STATOR_TOKEN: await giveToken() };
    const prompt = await readFile(work.promptFile, 'utf8');
    signal.throwIfAborted(); // a function that only listens would never be aborted
    const given: AgentCall = { ...work, env, prompt, key, signal, log: (message) => void write(message) };
    const text = (await run(given)) ?? '';
    return { code: 0, text: String(text).slice(-answerLimit) };
  })().catch((thrown: unknown) => ({ code: 1, text: reasonOf(thrown).slice(-answerLimit) }));
  if (signal.aborted) return null;
  if (answer.text !== '') await write(answer.text);
  writeFunctionAnswer(folder, answer);
  return answer;
}

/** A pipe without a reader is not opened, so a missing shell blocks nothing. */
async function writeExitCode(pipe: string, code: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const file = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
      await file.writeFile(`${code}\n`);
      await file.close();
      return;
    } catch (thrown) {
      const { code: why } = thrown as NodeJS.ErrnoException; // errors of the file system have a code
      if (why !== 'ENXIO' && why !== 'ENOENT' && why !== 'EPIPE') throw thrown;
    }
    await delay(pipePollMs, undefined, { signal }).catch(() => {});
  }
}
