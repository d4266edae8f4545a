/**
 * The process between a wrapper and a program: `relay <protocol> <program> [argument]...`. The program's output and errors are sockets without a path: its
 * child processes cannot open them through /proc, and have only the descriptors that the program passes to them. The two stay separate. The relay is outside
 * the walls, because no process inside may find its output. It is still a part of the run: it is ended with the run, and needed because the run can continue
 * and end without an engine.
 *
 * With a protocol the program accepts messages while it works. Standard input then has people's messages, one per line, and never ends, and the prompt is in
 * $STATOR_PROMPT_FILE. With `none` the program has the relay's standard input. With `acp` the relay is the client of a protocol: its settings are beside the
 * prompt, its own lines are in the log between the program's, and it ends the program and reports the run's end.
 *
 * A termination signal goes to each process of a run, so the program gets its own; the relay only waits for the program, and ends with the same code.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { createLineReader } from '../line-reader.ts';
import { isRelayLine, LINE_LIMIT_BYTES, objectOf } from '../reports/json-line.ts';
import { type AcpSettings, acpSettingsName, wholePromptName } from './acp-settings.ts';
import { createAcpTalk } from './acp-talk.ts';
import { createAskPerson } from './ask-person.ts';
import { createClaudeTalk } from './claude-talk.ts';
import { isCancelLine, readMessageLine } from './message-line.ts';
import type { Talk, TalkPorts } from './talk.ts';
import { createWholeLines, type WholeLines } from './whole-lines.ts';

const talks: Readonly<Record<string, (ports: TalkPorts) => Talk>> = { claude: createClaudeTalk, acp: acpTalk };

/** The longest line of a program that counts: its repetition of the prompt. */
const outputLineLimitBytes = 8 * 1024 * 1024;
/** The same for the Agent Client Protocol; a longer message is also left out of the log. */
const messageLimitBytes = LINE_LIMIT_BYTES;
/** The part of such a line that is read. */
const beginningBytes = 4_096;
/** The time for the program to end after its input is closed; then it is terminated, and finally killed. */
const endMs = 10_000;
const termMs = 5_000;
/** A person's message has 4,000 characters, and JSON may need six for one. */
const typedLineLimitBytes = 64 * 1024;
/** The most unread bytes for a program; messages that do not reach it stay for the next run. */
const unreadLimitBytes = 1024 * 1024;
/** After a program's end its last output is in the pipe; a leftover process may hold the pipe open. */
const lastOutputMs = 1_000;
const notFoundCode = 127;
/** The prefix of a program's line that has the form of the relay's own lines. */
const outputMark = 'stdout: ';

function relay(createTalk: ((ports: TalkPorts) => Talk) | null, [program = '', ...args]: readonly string[]): void {
  const child = spawn(program, args, { stdio: [createTalk === null ? 'inherit' : 'pipe', 'pipe', 'pipe'] });
  const log = createWholeLines((chunk) => process.stdout.write(chunk));
  const talking = createTalk === null ? null : talkWith(child, { createTalk, log });
  process.stdout.on('error', () => {});
  child.stdout?.on('data', (chunk: Buffer) => (talking === null ? log.said(chunk) : talking.read(chunk)));
  child.stderr?.on('data', (chunk: Buffer) => log.error(chunk));
  child.once('error', (error) => {
    process.stderr.write(`stator: ${program} could not be started: ${error.message}\n`);
    process.exit(notFoundCode);
  });
  child.once('exit', (code, signal) => {
    let isLeaving = false;
    const leave = async () => {
      if (isLeaving) return;
      isLeaving = true;
      const ownCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      const endCode = (await talking?.ended(ownCode)) ?? ownCode;
      log.end();
      // What the pipe had no room for is still to be written, and an exit would lose it.
      process.stdout.write('', () => process.exit(endCode));
    };
    child.once('close', () => void leave());
    setTimeout(() => void leave(), lastOutputMs);
  });
  talking?.begin();
}

interface Talking {
  readonly createTalk: (ports: TalkPorts) => Talk;
  readonly log: WholeLines;
}

/** The exchange between a person and the program. */
function talkWith(child: ChildProcess, { createTalk, log }: Talking) {
  const { stdin } = child;
  if (stdin === null) throw new Error('the program has no standard input of its own');
  const prompt = readFileSync(process.env.STATOR_PROMPT_FILE ?? '', 'utf8');
  const talk = createTalk({
    send(line) {
      if (stdin.writable) stdin.write(`${line}\n`);
    },
    isFull: () => !stdin.writable || stdin.writableLength > unreadLimitBytes,
    end() {
      stdin.end();
      if (talk.ended !== undefined) endProgram(child);
    },
    note: (words) => log.said(Buffer.from(`${JSON.stringify({ stator: words })}\n`)),
  });
  // The program may end, or close its input, at any moment.
  stdin.on('error', () => {});
  const readTyped = createLineReader(typedLineLimitBytes, (line) => {
    const message = readMessageLine(line);
    if (message !== null) talk.type(message);
    else if (isCancelLine(line)) talk.cancel?.();
  });
  process.stdin.on('error', () => {}).on('data', readTyped);
  const readLine = createLineReader(outputLineLimitBytes, (line) => talk.line(line));
  const readMessage = messageReader(talk, log);
  return {
    begin: () => talk.begin(prompt),
    read(chunk: Buffer) {
      if (talk.leftOut === undefined) {
        log.said(chunk);
        readLine(chunk);
      } else readMessage(chunk);
    },
    async ended(code: number) {
      // A last line without a line end: what waits for it goes on before the end is judged.
      if (talk.leftOut !== undefined) readMessage(Buffer.from('\n'));
      await new Promise(setImmediate);
      return talk.ended?.(code);
    },
  };
}

/** Each line is logged before it is handled. A line that looks like the relay's own is marked, and a repeated line of an earlier run becomes a relay line. */
function messageReader(talk: Talk, log: WholeLines): (chunk: Buffer) => void {
  let beginning = '';
  return createLineReader(
    messageLimitBytes,
    (line) => {
      if (line === '') return;
      const event = objectOf(line) ?? {};
      const isRepeated = event.method === 'session/update' && talk.isRepeating?.() === true;
      if (isRepeated) log.said(Buffer.from(`{"stator":{"repeated":${line}}}\n`));
      else log.said(Buffer.from(`${isRelayLine(event) ? outputMark : ''}${line}\n`));
      talk.line(line);
    },
    (piece) => {
      if (beginning.length < beginningBytes) beginning += piece.toString('latin1', 0, beginningBytes);
    },
    (sizeBytes) => {
      talk.leftOut?.(beginning, sizeBytes);
      beginning = '';
    },
  );
}

function endProgram(child: ChildProcess): void {
  setTimeout(() => child.kill('SIGTERM'), endMs).unref();
  setTimeout(() => child.kill('SIGKILL'), endMs + termMs).unref();
}

function acpTalk(ports: TalkPorts): Talk {
  const folder = dirname(process.env.STATOR_PROMPT_FILE ?? '');
  return createAcpTalk(ports, {
    // The engine that started this run wrote it.
    settings: JSON.parse(readFileSync(join(folder, acpSettingsName), 'utf8')) as AcpSettings,
    ask: createAskPerson(process.env),
    wholePrompt: () => readFileSync(join(folder, wholePromptName), 'utf8'),
  });
}

const [protocol = '', ...words] = process.argv.slice(2);
const createTalk = protocol === 'none' ? null : talks[protocol];
if (createTalk === undefined) throw new Error(`no protocol is called "${protocol}"`);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
relay(createTalk, words);
