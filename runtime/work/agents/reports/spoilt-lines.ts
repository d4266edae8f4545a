/**
 * Lines of a program's output that may once have been the end of its run, or hold one that no reader sees. Something else wrote into them, or they are too long.
 * A verdict that stands beside such a line may not be the program's own, so there is none.
 */
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';
import type { JsonObject } from './json-line.ts';

/** The types of the events that end a run, or a step of it. */
const ends = {
  claude: ['result'],
  codex: ['turn.completed', 'turn.failed'],
  opencode: ['step_finish'],
  gemini: ['result'],
} satisfies Record<ProgramPreset, readonly string[]>;
/** Between two pieces of a line so much is looked at twice. */
const overlapLength = 200;

export interface SpoiltLines {
  /** `event`: what the line was read as; null: as no event. */
  line(text: string, event: JsonObject | null): void;
  /** A piece of a line that is too long to be read. */
  leftOut(piece: Buffer): void;
  isAny(): boolean;
}

export function createSpoiltLines(preset: ProgramPreset): SpoiltLines {
  const types: readonly string[] = ends[preset];
  const end = new RegExp(`"type"\\s*:\\s*"(?:${types.map((type) => type.replace('.', '\\.')).join('|')})"`);
  const endOrVerdict = new RegExp(`${end.source}|stator verdict:`, 'i');
  let isAny = false;
  let before = '';
  return {
    line(text, event) {
      // In an event, quotes of what the agent read are escaped: what matches there is a part of the event itself.
      if (event === null) isAny ||= text.startsWith('{') || endOrVerdict.test(text);
      else if (!types.includes(String(event.type))) isAny ||= end.test(text);
    },
    leftOut(piece) {
      const text = before + piece.toString('latin1');
      isAny ||= end.test(text);
      before = text.slice(-overlapLength);
    },
    isAny: () => isAny,
  };
}
