/** `stator daemon logs`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { homeFolder } from '../../runtime/base/platform/home.ts';
import { createLogTail, linesOf } from '../../runtime/base/platform/log-tail.ts';
import { type Call, defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { plainLines } from '../text.ts';

const defaultLines = 50;
const maxLines = 100_000;
/** Fast enough for a reader, and slow enough to cost nothing. */
const followMs = 250;
/** The part of the log that is searched for the requested lines. */
const lookBackBytes = 16 * 1024 * 1024;

export default defineVerb({
  summary: 'Print the end of daemon.log.',
  args: {
    follow: { type: 'boolean', alias: 'f', description: 'follow until Ctrl-C' },
    lines: { type: 'string', alias: 'n', valueHint: 'n', description: `how many, default ${defaultLines}` },
  },
  examples: ['stator daemon logs', 'stator daemon logs --follow --lines 200'],
  more: 'With --json it prints a list with an entry for each line, and with --follow an entry a line.',
  async run({ follow = false, lines }, call) {
    const file = join(homeFolder(call.env), 'daemon.log');
    const count = lines === undefined ? defaultLines : Math.min(maxLines, wholeNumber('--lines', lines));
    if (!existsSync(file) && !follow)
      throw new EngineError(
        'not_found',
        `there is no log yet: ${file}`,
        'it is begun by the first engine: stator daemon start',
      );
    const tail = createLogTail(file, { lastBytes: lookBackBytes, lastLines: count });
    if (!follow) {
      printEnd(call, linesOf(tail.read({ rest: true })));
      return 0;
    }
    for (;;) {
      printNew(call, linesOf(tail.read({ rest: false })));
      await delay(followMs);
    }
  },
});

function printEnd({ out }: Call, lines: readonly string[]): void {
  if (out.json) out.print(JSON.stringify(lines.map(document)));
  else out.quote(...lines.map(plainLines));
}

/** A stream has no end, so each line is a document of its own. */
function printNew({ out }: Call, lines: readonly string[]): void {
  if (out.json) out.print(...lines.map((line) => JSON.stringify(document(line))));
  else out.quote(...lines.map(plainLines));
}

/** A line in another form, for example from a crash, becomes a message without further fields. */
function document(line: string) {
  const match = /^(\S+Z) (debug|info|warn|error) (?:\[trace_id=([0-9a-f]{32}) span_id=([0-9a-f]{16})\] )?(.*)$/.exec(
    line,
  );
  if (match === null) return { at: null, level: null, message: line };
  const [, at, level, traceId, spanId, message] = match;
  return { at, level, message, ...(traceId === undefined ? {} : { trace_id: traceId, span_id: spanId }) };
}
