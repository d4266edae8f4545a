/**
 * The process between a wrapper and a program: `relay <protocol> <program> [argument]...`. The program's output and its errors are sockets, which are opened by no
 * name: what the program starts cannot write into them through /proc, and only what the program hands on to its children do they have. The two stay apart.
 * It stands outside of the walls, as nothing in there may find its own output; it is a part of the run all the same: ended with it, and needed because the
 * run goes on, and ends, while no engine is there.
 *
 * With a protocol the program takes messages while it works. Standard input is then what people type, a message a line, which never ends, and the prompt is in
 * $STATOR_PROMPT_FILE. With `none` the program has the standard input of the relay.
 *
 * A signal that ends processes goes to each process of a run, so the program has its own; this one only waits for it, and ends as it does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createLineReader } from '../line-reader.ts';
import { createClaudeTalk } from './claude-talk.ts';
import { readMessageLine } from './message-line.ts';
import type { Talk, TalkPorts } from './talk.ts';
import { createWholeLines } from './whole-lines.ts';

const talks: Readonly<Record<string, (ports: TalkPorts) => Talk>> = { claude: createClaudeTalk };

/** The longest line of a program that counts is the prompt as it repeats it. */
const outputLineLimitBytes = 8 * 1024 * 1024;
/** A person's message has 4,000 characters, and JSON makes six of some. */
const typedLineLimitBytes = 64 * 1024;
/** A program that reads nothing is given no more than this; what did not reach it becomes the next message. */
const unreadLimitBytes = 1024 * 1024;
/** What a program wrote is in the pipe when it ends; something that it left behind may hold the pipe open. */
const lastOutputMs = 1_000;
const notFoundCode = 127;

function relay(createTalk: ((ports: TalkPorts) => Talk) | null, [program = '', ...args]: readonly string[]): void {
  const child = spawn(program, args, { stdio: [createTalk === null ? 'inherit' : 'pipe', 'pipe', 'pipe'] });
  const talking = createTalk === null ? null : talkWith(child, createTalk);
  const log = createWholeLines((chunk) => process.stdout.write(chunk));
  process.stdout.on('error', () => {});
  child.stdout?.on('data', (chunk: Buffer) => {
    log.said(chunk);
    talking?.read(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => log.error(chunk));
  child.once('error', (error) => {
    process.stderr.write(`stator: ${program} could not be started: ${error.message}\n`);
    process.exit(notFoundCode);
  });
  child.once('exit', (code, signal) => {
    const leave = () => {
      log.end();
      process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    };
    child.once('close', leave);
    setTimeout(leave, lastOutputMs);
  });
  talking?.begin();
}

/** What passes between a person and the program. */
function talkWith({ stdin }: ChildProcess, createTalk: (ports: TalkPorts) => Talk) {
  if (stdin === null) throw new Error('the program has no standard input of its own');
  const prompt = readFileSync(process.env.STATOR_PROMPT_FILE ?? '', 'utf8');
  const talk = createTalk({
    send(line) {
      if (stdin.writable) stdin.write(`${line}\n`);
    },
    isFull: () => !stdin.writable || stdin.writableLength > unreadLimitBytes,
    end: () => stdin.end(),
  });
  // It may end, or close its input, at any moment.
  stdin.on('error', () => {});
  const readTyped = createLineReader(typedLineLimitBytes, (line) => {
    const message = readMessageLine(line);
    if (message !== null) talk.type(message);
  });
  process.stdin.on('error', () => {}).on('data', readTyped);
  return {
    begin: () => talk.begin(prompt),
    read: createLineReader(outputLineLimitBytes, (line) => talk.line(line)),
  };
}

const [protocol = '', ...words] = process.argv.slice(2);
const createTalk = protocol === 'none' ? null : talks[protocol];
if (createTalk === undefined) throw new Error(`no protocol is called "${protocol}"`);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
relay(createTalk, words);
