/** Passes a whole log to the reader of its preset: in pieces, because it may have 128 MiB, and with any content. */
import { createReadStream, statSync } from 'node:fs';
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';
import { createLogTail } from '../../../base/platform/log-tail.ts';
import { safeText } from '../../../base/platform/terminal-text.ts';
import { withLastMessage } from '../last-message.ts';
import { createLineReader } from '../line-reader.ts';
import type { AgentProgram } from '../presets/agent-program.ts';
import { programOf } from '../presets/programs.ts';
import { isOwnLine, type RunFolder } from '../run-folder.ts';
import { setupEndIn } from '../setup-end.ts';
import { isInformative } from './informative-lines.ts';
import { isRelayLine, LINE_LIMIT_BYTES, objectOf } from './json-line.ts';
import { type ProgramReport, type ReadAt, type RunReport, shortened } from './report.ts';
import { createSpoiltLines } from './spoilt-lines.ts';

type LogOfRun = Pick<RunFolder, 'path' | 'temp' | 'log' | 'olderLog' | 'outputLost'>;

/** The most bytes that are read at once, for a run that an earlier engine began. */
const liveBytes = 8 * 1024 * 1024;
/** The last lines of plain text, which may explain the end of a program without an event. */
const plainLimit = 5;
const plainLineLength = 500;

/**
 * The program's report of the run, as far as it is written. A log that is missing, cut, rotated meanwhile or not text gives as much as can be read. Throws
 * only the file system's errors.
 */
export async function reportOf(
  preset: ProgramPreset,
  folder: LogOfRun,
  code: number | null = null,
): Promise<RunReport> {
  const log = createLogReader(preset, createSetupEnd(folder));
  for (const file of [folder.olderLog, folder.log]) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) log.read(chunk as Buffer); // without an encoding the chunks are buffers
    log.endFile();
  }
  // Whole milliseconds, as everywhere; file systems have fractions.
  const writtenAtMs = Math.floor(statSync(folder.log, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const report = log.report({ writtenAtMs, code });
  const finalMessages = isIncomplete(folder) ? [] : withLastMessage(report.finalMessages, folder);
  return { ...report, finalMessages };
}

/** Accepts the bytes of a log. Lines that are too long are skipped; text after the last newline of a file counts as a line. */
export function createLogReader(preset: ProgramPreset, isSetupEnd: (line: string) => boolean = () => false) {
  const program = programOf(preset);
  let reader = program.createReader();
  let spoilt = createSpoiltLines(program.end);
  const plain: string[] = [];
  let hasBegun = false;
  let refused: string | null = null;

  /** The setup command's output is not the program's. */
  function begin(): void {
    reader = program.createReader();
    spoilt = createSpoiltLines(program.end);
    hasBegun = false;
    refused = null;
    plain.length = 0;
  }

  function take(line: string): void {
    if (isSetupEnd(line)) {
      begin();
      return;
    }
    const event = objectOf(line);
    spoilt.line(line, event);
    if (event !== null) {
      hasBegun ||= !isRelayLine(event);
      reader.event(event);
      return;
    }
    if (!isInformative(line) || isOwnLine(line)) return;
    const cut = line.slice(0, plainLineLength);
    refused ??= refusedArgumentIn(program, cut);
    plain.push(cut);
    if (plain.length > plainLimit) plain.shift();
  }

  const read = createLineReader(
    LINE_LIMIT_BYTES,
    (line) => {
      if (line !== '') take(line.replace(/\r$/, ''));
    },
    (piece) => spoilt.leftOut(piece),
  );

  return {
    read,
    endFile: () => read(Buffer.from('\n')),
    report(at: ReadAt): RunReport {
      const report = reader.report(at);
      const code = at.code === 0 && report.hasFailed === true ? 1 : at.code;
      // A program without any event may have reported its error as plain text.
      const limits = plain.map((line) => program.limitIn?.(line, at.writtenAtMs) ?? null);
      const plainLimit = hasBegun || code === 0 ? null : (limits.find((limit) => limit !== null) ?? null);
      const refusedArgument = hasBegun || code === 0 || refused === null ? null : safeText(refused);
      // If it never spoke the protocol, its own words say why the relay's problem came.
      const said = hasBegun || report.problem === null ? report.problem : [report.problem, ...plain].join('\n');
      const problem = shortened(safeText(said ?? refusedArgument ?? plain.join('\n')));
      return {
        ...report,
        code,
        ...deadEndIn(program, code === 0 ? null : problem),
        rateLimit: report.rateLimit ?? plainLimit,
        lastMessage: report.lastMessage === null ? null : shortened(safeText(report.lastMessage)),
        problem,
        finalMessages: spoilt.isAny() ? [] : report.finalMessages,
        refusedArgument,
        conversation: fitConversation(report.conversation),
      };
    },
  };
}

/** Reads the program's output so far, and continues from there at each read. For a longer log only its end is read. */
export function createLiveReader(preset: ProgramPreset, folder: Pick<RunFolder, 'log'>) {
  const reader = programOf(preset).createReader();
  const tail = createLogTail(folder.log, { lastBytes: liveBytes });
  return {
    read(): ProgramReport {
      for (const line of tail.read({ rest: false }).split('\n')) {
        const event = line.length > LINE_LIMIT_BYTES ? null : objectOf(line);
        if (event !== null) reader.event(event);
      }
      const report = reader.report({ writtenAtMs: 0, code: null });
      return { ...report, conversation: fitConversation(report.conversation) };
    },
    close: tail.close,
  };
}

/** An id that is invalid, or that could be mistaken for an option, is not passed to a program. */
function fitConversation(id: string | null): string | null {
  return id !== null && /^[A-Za-z0-9][A-Za-z0-9_-]{0,199}$/.test(id) ? id : null;
}

/** Whether parts of the program's output may be missing in its log, because of rotation or a full disk. */
function isIncomplete({ olderLog, outputLost }: LogOfRun): boolean {
  return [olderLog, outputLost].some((file) => statSync(file, { throwIfNoEntry: false }) !== undefined);
}

/**
 * Tells for each line whether the agent's own output begins after it. Only the first such line counts, and none if no setup command ran: a program that
 * writes another one cannot make earlier output be ignored.
 */
function createSetupEnd(folder: Pick<RunFolder, 'path'>): (line: string) => boolean {
  let awaited = setupEndIn(folder);
  return (line) => {
    const isEnd = awaited !== null && line.endsWith(awaited);
    if (isEnd) awaited = null;
    return isEnd;
  };
}

/** The message of a program that ended because it does not accept one of its arguments; null: the line is not about an argument. */
function refusedArgumentIn(
  { refusedArgument, refusalText }: Pick<AgentProgram, 'refusedArgument' | 'refusalText'>,
  line: string,
): string | null {
  if (!refusedArgument.test(line)) return null;
  return refusalText ?? line.trim().replace(/^error: /i, '');
}

/**
 * Failures that another attempt in the same conversation, or with the same model, would repeat. They are recognized by the programs' own messages, never by an
 * agent's text. `problem`: what a failing program reports; null: nothing. Sources: the programs' source code and users' reports.
 */
function deadEndIn(
  { fullContext, refusedModel }: Pick<AgentProgram, 'fullContext' | 'refusedModel'>,
  problem: string | null,
): { readonly isContextFull: boolean; readonly isModelRefused: boolean } {
  const isOneOf = (lines: readonly RegExp[]) => problem !== null && lines.some((line) => line.test(problem));
  return { isContextFull: isOneOf(fullContext), isModelRefused: isOneOf(refusedModel) };
}
