/**
 * The process between a wrapper and a program that takes messages while it works: `relay <protocol> <program> [argument]...`. Standard input: what people
 * type, a message a line, which never ends. The prompt is in $STATOR_PROMPT_FILE. It is a part of the run: inside of its walls, ended with it, and needed
 * because the run goes on, and ends, while no engine is there.
 *
 * A signal that ends processes goes to each process of a run, so the program has its own; this one only waits for it, and ends as it does.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { createLineReader } from '../line-reader.ts';
import { createClaudeTalk } from './claude-talk.ts';
import { readMessageLine } from './message-line.ts';
import type { Talk, TalkPorts } from './talk.ts';

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

function relay(createTalk: (ports: TalkPorts) => Talk, [program = '', ...args]: readonly string[]): void {
  const prompt = readFileSync(process.env.STATOR_PROMPT_FILE ?? '', 'utf8');
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  const talk = createTalk({
    send(line) {
      if (stdin.writable) stdin.write(`${line}\n`);
    },
    isFull: () => !stdin.writable || stdin.writableLength > unreadLimitBytes,
    end: () => stdin.end(),
  });
  // It may end, or close its input, at any moment.
  stdin.on('error', () => {});
  process.stdout.on('error', () => {});
  const readLines = createLineReader(outputLineLimitBytes, (line) => talk.line(line));
  stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    readLines(chunk);
  });
  const readTyped = createLineReader(typedLineLimitBytes, (line) => {
    const message = readMessageLine(line);
    if (message !== null) talk.type(message);
  });
  process.stdin.on('error', () => {}).on('data', readTyped);
  child.once('error', (error) => {
    process.stderr.write(`stator: ${program} could not be started: ${error.message}\n`);
    process.exit(notFoundCode);
  });
  child.once('exit', (code, signal) => {
    const leave = () => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    child.once('close', leave);
    setTimeout(leave, lastOutputMs);
  });
  talk.begin(prompt);
}

const [protocol = '', ...words] = process.argv.slice(2);
const createTalk = talks[protocol];
if (createTalk === undefined) throw new Error(`no protocol is called "${protocol}"`);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
relay(createTalk, words);
