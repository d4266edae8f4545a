/** `stator agent logs`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { reasonText } from '../../machines/vocabulary/reason-text.ts';
import type { RunLog } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { namedAgent } from '../named-agent.ts';
import { wholeNumber } from '../number.ts';
import type { Output } from '../output.ts';
import { paged, pagerArgs } from '../pager.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { plain, plainLines } from '../text.ts';
import { followLog } from './follow.ts';

/** The flags of `agent logs`, which `logs` takes as well. */
export const logArgs = {
  follow: { type: 'boolean', alias: 'f', description: 'follow, also over further attempts, until the agent has ended' },
  attempt: { type: 'string', valueHint: 'n', description: 'of that attempt; default: the last one' },
  check: { type: 'boolean', description: 'the output of the **Check:** of its task' },
} as const;

/** Prints the stored log (64 KiB), or its last lines. Returns the exit code. Throws `not_found`. */
async function printTail(
  call: Call,
  { title, lines }: { readonly title: string; readonly lines: number | null },
): Promise<number> {
  const project = requireProject(call);
  const text = await withClient(call, 'read', async (client) => {
    await namedAgent(client, { project, title });
    return client.capture({ project, title });
  });
  const shown = plainLines(lines === null ? text : lastLines(text, lines));
  const { out } = call;
  if (out.json) out.print(JSON.stringify({ title, text: shown }));
  else if (shown !== '') out.quote(shown.replace(/\n$/, ''));
  return 0;
}

/** An unfinished line counts as a line. */
function lastLines(text: string, count: number): string {
  const isWhole = text.endsWith('\n');
  const lines = (isWhole ? text.slice(0, -1) : text).split('\n');
  return `${lines.slice(-count).join('\n')}${isWhole ? '\n' : ''}`;
}

export default defineVerb({
  summary: 'Print the log of an agent, or the output of its check, at most the last 64 KiB.',
  args: {
    title: { type: 'positional', description: 'as stator agent list shows it' },
    ...logArgs,
    ...pagerArgs,
    tail: { type: 'boolean', valueHint: 'n', description: 'the end of what it said, as text; its last n lines' },
  },
  examples: [
    'stator agent logs login-w1-t2 -f',
    'stator agent logs login-w1-t2 --check',
    'stator agent logs login-w1-t2 --attempt 1 --json',
    'stator agent logs login-w1-t2 --tail=20',
  ],
  more: 'With --follow it also waits for an agent that has not started yet. Ctrl-C ends only this command. If an attempt has several logs (it was paused, or each task of a small plan has a check), they are printed one after the other; with --json the last one has the others in its field earlier.',
  run({ tail, ...words }, call) {
    if (tail === undefined) return printLogs(words, call);
    const { title, follow, attempt, check } = words;
    const more = Object.entries({ follow, attempt, check }).find(([, value]) => value !== undefined);
    if (more !== undefined)
      throw new EngineError('usage', `--tail does not go with --${more[0]}`, 'leave out one of the two');
    const lines = tail === true || tail === false ? null : wholeNumber('--tail', tail);
    return printTail(call, { title, lines });
  },
});

interface LogWords {
  readonly title: string;
  readonly follow?: boolean | undefined;
  readonly attempt?: string | undefined;
  readonly check?: boolean | undefined;
  readonly pager?: boolean;
}

/** Returns the exit code. Throws `usage`, and `not_found` if there is no such agent or attempt, or it ran no check. */
export async function printLogs(
  { title, follow = false, attempt, check = false, pager = false }: LogWords,
  call: Call,
) {
  const number = attempt === undefined ? undefined : wholeNumber('--attempt', attempt);
  if (follow && (check || number !== undefined))
    throw new EngineError(
      'usage',
      `--follow goes on over all attempts of an agent, and does not go with ${check ? '--check' : '--attempt'}`,
      'leave out one of the two',
    );
  const project = requireProject(call);
  if (follow) {
    await followLog(call, { project, title });
    return 0;
  }
  const logs = await withClient(call, 'read', async (client) => {
    await namedAgent(client, { project, title });
    return client.runLogs({ project, title, ...(number === undefined ? {} : { attempt: number }), check });
  });
  return paged(call, { pager }, (out) => {
    printLogList(out, logs);
    return 0;
  });
}

/** The oldest first. */
function printLogList(out: Output, logs: readonly RunLog[]): void {
  const last = logs.at(-1);
  if (out.json && last !== undefined) out.print(JSON.stringify({ ...last, earlier: logs.slice(0, -1) }));
  else for (const log of logs) printLog(out, log, { isOnlyOne: logs.length === 1 });
}

function printLog(out: Output, log: RunLog, { isOnlyOne }: { isOnlyOne: boolean }): void {
  if (!isOnlyOne || log.check !== null) out.note(nameOf(log));
  if (log.log === null)
    out.note(`its log is not on this machine: ${log.run} never wrote one, it was cleared away, or another host has it`);
  else if (log.text === '') out.remark('nothing was printed');
  if (log.text !== '') out.quote(plainLines(log.text).replace(/\n$/, ''));
}

function nameOf({ title, attempt, reason, check }: RunLog): string {
  const how = reason === null ? '' : `: ${reasonText(reason)}`;
  if (check === null) return `attempt ${attempt} of ${title}${how}`;
  const { wave, task, command, exit_code: code } = check;
  const of = wave === null ? '' : ` of wave ${wave} task ${task}`;
  const end = code === null ? 'without an exit code' : `exit ${code}`;
  return `the check${of} after attempt ${attempt}${command === null ? '' : `, ${plain(command)}`}: ${end}`;
}
