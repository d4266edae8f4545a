/** A whole log through the reader of its preset: in pieces, since it may have 128 MiB, and whatever stands in it. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { eachAcp } from '../../../base/config/acp/agents.ts';
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';
import { createLogTail } from '../../../base/platform/log-tail.ts';
import { safeText } from '../../../base/platform/terminal-text.ts';
import { withLastMessage } from '../last-message.ts';
import { createLineReader } from '../line-reader.ts';
import { isOwnLine } from '../own-lines.ts';
import type { RunFolder } from '../run-folder.ts';
import { setupDoneFile, setupEndLine } from '../setup-end.ts';
import { createAcpReader } from './acp.ts';
import { createClaudeReader } from './claude.ts';
import { claudeLimitIn } from './claude-limit.ts';
import { createCodexReader } from './codex.ts';
import { deadEndIn } from './dead-ends.ts';
import { createGeminiReader } from './gemini.ts';
import { isRelayLine, LINE_LIMIT_BYTES, objectOf } from './json-line.ts';
import { createOpencodeReader } from './opencode.ts';
import { refusedArgumentIn } from './refused-argument.ts';
import { type ReadAt, type Reader, type RunReport, shortened, type ToldReport } from './report.ts';
import { createSpoiltLines } from './spoilt-lines.ts';
import { isTelling } from './telling.ts';

const readers = {
  claude: createClaudeReader,
  codex: createCodexReader,
  opencode: createOpencodeReader,
  gemini: createGeminiReader,
  ...eachAcp(() => createAcpReader),
} satisfies Record<ProgramPreset, () => Reader>;

type LogOfRun = Pick<RunFolder, 'path' | 'temp' | 'log' | 'olderLog' | 'outputLost'>;

/** Of a run that an earlier engine began, so much is read at once. */
const liveBytes = 8 * 1024 * 1024;
/** Lines of plain text at the end that may say why a program ended without a word of its own. */
const plainLimit = 5;
const plainLineLength = 500;

/**
 * What the program wrote of the run, as far as it came. A log that is not there, cut, rotated in between or no text at all gives what can be read of it;
 * throws only what the file system throws.
 */
export async function reportOf(
  preset: ProgramPreset,
  folder: LogOfRun,
  code: number | null = null,
): Promise<RunReport> {
  const log = createLogReader(preset, createSetupEnd(folder));
  for (const file of [folder.olderLog, folder.log]) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) log.read(chunk as Buffer); // no encoding is set
    log.endFile();
  }
  // Whole milliseconds, as everywhere: file systems have parts of them.
  const writtenAtMs = Math.floor(statSync(folder.log, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const report = log.report({ writtenAtMs, code });
  const finalMessages = isIncomplete(folder) ? [] : withLastMessage(report.finalMessages, folder);
  return { ...report, finalMessages };
}

/** Takes the bytes of a log. A line that is longer than a reader looks for is left out; what stands after the last newline of a file counts as a line. */
export function createLogReader(preset: ProgramPreset, isSetupEnd: (line: string) => boolean = () => false) {
  let reader = readers[preset]();
  let spoilt = createSpoiltLines(preset);
  const plain: string[] = [];
  let hasBegun = false;
  let refused: string | null = null;

  /** What the command printed that set the worktree up is no word of the program. */
  function begin(): void {
    reader = readers[preset]();
    spoilt = createSpoiltLines(preset);
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
    if (!isTelling(line) || isOwnLine(line)) return;
    const cut = line.slice(0, plainLineLength);
    refused ??= refusedArgumentIn(preset, cut);
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
      // A program that wrote no event at all may have said it in a plain line.
      const told =
        preset === 'claude' && !hasBegun && at.code !== 0
          ? (plain.map((line) => claudeLimitIn(line, at.writtenAtMs)).find((limit) => limit !== null) ?? null)
          : null;
      const refusedArgument = hasBegun || at.code === 0 || refused === null ? null : safeText(refused);
      const problem = shortened(safeText(report.problem ?? refusedArgument ?? plain.join('\n')));
      return {
        ...report,
        ...deadEndIn(preset, at.code === 0 ? null : problem),
        rateLimit: report.rateLimit ?? told,
        lastMessage: report.lastMessage === null ? null : shortened(safeText(report.lastMessage)),
        problem,
        finalMessages: spoilt.isAny() ? [] : report.finalMessages,
        refusedArgument,
        conversation: fitConversation(report.conversation),
      };
    },
  };
}

/** What the program has written by now, and reads on from there with each read. Of a longer log only its end counts. */
export function createLiveReader(preset: ProgramPreset, folder: Pick<RunFolder, 'log'>) {
  const reader = readers[preset]();
  const tail = createLogTail(folder.log, { lastBytes: liveBytes });
  return {
    read(): ToldReport {
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

/** An id that could be mistaken for an option, or that is none, is not passed to a program again. */
function fitConversation(id: string | null): string | null {
  return id !== null && /^[A-Za-z0-9][A-Za-z0-9_-]{0,199}$/.test(id) ? id : null;
}

/** Whether some of what the program said may not be in its log: what it was cut to, or the disk did not take. */
function isIncomplete({ olderLog, outputLost }: LogOfRun): boolean {
  return [olderLog, outputLost].some((file) => statSync(file, { throwIfNoEntry: false }) !== undefined);
}

/**
 * Tells for each line whether it is the one after which the agent's own output begins. That is the first of its kind only, and none where no command ran: what
 * writes another one cannot have what stood before it forgotten.
 */
function createSetupEnd(folder: Pick<RunFolder, 'path'>): (line: string) => boolean {
  let isAwaited = existsSync(setupDoneFile(folder));
  return (line) => {
    const isEnd = isAwaited && line.endsWith(setupEndLine);
    if (isEnd) isAwaited = false;
    return isEnd;
  };
}
