/**
 * The process between a wrapper and a program: `relay <protocol> <program> [argument]...`. The program's output and its errors are sockets, which are opened by no
 * name: what the program starts cannot write into them through /proc, and only what the program hands on to its children do they have. The two stay apart.
 * It stands outside of the walls, as nothing in there may find its own output; it is a part of the run all the same: ended with it, and needed because the
 * run goes on, and ends, while no engine is there.
 *
 * With a protocol the program takes messages while it works. Standard input is then what people type, a message a line, which never ends, and the prompt is in
 * $STATOR_PROMPT_FILE. With `none` the program has the standard input of the relay. With `acp` the relay is the client of a protocol: what it is told of the
 * conversation lies beside the prompt, the log has its own words between those of the program, and it ends the program and says how the run ended.
 *
 * A signal that ends processes goes to each process of a run, so the program has its own; this one only waits for it, and ends as it does.
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

/** The longest line of a program that counts is the prompt as it repeats it. */
const outputLineLimitBytes = 8 * 1024 * 1024;
/** The same of a message of the Agent Client Protocol, of which a longer one is left out of the log as well. */
const messageLimitBytes = LINE_LIMIT_BYTES;
/** Of such a line so much is looked at. */
const beginningBytes = 4_096;
/** After the end of its input the program ends by itself, or is ended, first in kind. */
const endMs = 10_000;
const termMs = 5_000;
/** A person's message has 4,000 characters, and JSON makes six of some. */
const typedLineLimitBytes = 64 * 1024;
/** A program that reads nothing is given no more than this; what did not reach it becomes the next message. */
const unreadLimitBytes = 1024 * 1024;
/** What a program wrote is in the pipe when it ends; something that it left behind may hold the pipe open. */
const lastOutputMs = 1_000;
const notFoundCode = 127;
/** Before a line of the program's output that has the form of the relay's own. */
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
    const leave = () => {
      const ownCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      const endCode = talking?.ended(ownCode) ?? ownCode;
      log.end();
      process.exit(endCode);
    };
    child.once('close', leave);
    setTimeout(leave, lastOutputMs);
  });
  talking?.begin();
}

interface Talking {
  readonly createTalk: (ports: TalkPorts) => Talk;
  readonly log: WholeLines;
}

/** What passes between a person and the program. */
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
  // It may end, or close its input, at any moment.
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
    ended(code: number) {
      // What it did not end with a line.
      if (talk.leftOut !== undefined) readMessage(Buffer.from('\n'));
      return talk.ended?.(code);
    },
  };
}

/** Each line is in the log before anything is made of it; one that looks like the relay's own is marked, and one of an earlier run is a word of the relay. */
function messageReader(talk: Talk, log: WholeLines): (chunk: Buffer) => void {
  let beginning = '';
  return createLineReader(
    messageLimitBytes,
    (line) => {
      if (line === '') return;
      const event = objectOf(line) ?? {};
      const isRepeated = event.method === 'session/update' && talk.isRepeating?.() === true;
      if (isRepeated) log.said(Buffer.from(`${JSON.stringify({ stator: { repeated: event } })}\n`));
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
    // Written by the engine that started this run.
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
