/**
 * Lines of a program's output that may once have been the end of its run, or hold one that no reader sees. Something else wrote into them, or they are too long.
 * A verdict that stands beside such a line may not be the program's own, so there is none.
 */
import { eachAcp } from '../../../base/config/acp/agents.ts';
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';
import { type JsonObject, objectAt } from './json-line.ts';

/** An event that ends a run, or a step of it, and how its line is known where it cannot be read. */
interface End {
  readonly form: RegExp;
  is(event: JsonObject): boolean;
  /** Whether an event of another kind may hold that form as a part of its own. */
  readonly isQuoted?: boolean;
}

const ends = {
  claude: ofTypes('result'),
  codex: ofTypes('turn.completed', 'turn.failed'),
  opencode: ofTypes('step_finish'),
  gemini: ofTypes('result'),
  // What a tool is given and answers is in there as it is.
  ...eachAcp(() => ({
    form: /"stopReason"\s*:/,
    is: (event: JsonObject) => objectAt(event, 'result') !== null,
    isQuoted: true,
  })),
} satisfies Record<ProgramPreset, End>;
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
  const { form: end, is: isEnd, isQuoted = false }: End = ends[preset];
  const endOrVerdict = new RegExp(`${end.source}|stator verdict:`, 'i');
  let isAny = false;
  let before = '';
  return {
    line(text, event) {
      // In an event, quotes of what the agent read are escaped: what matches there is a part of the event itself.
      if (event === null) isAny ||= text.startsWith('{') || endOrVerdict.test(text);
      else if (!isEnd(event)) isAny ||= !isQuoted && end.test(text);
    },
    leftOut(piece) {
      const text = before + piece.toString('latin1');
      isAny ||= end.test(text);
      before = text.slice(-overlapLength);
    },
    isAny: () => isAny,
  };
}

function ofTypes(...types: readonly string[]): End {
  const names = types.map((type) => type.replace('.', '\\.')).join('|');
  return { form: new RegExp(`"type"\\s*:\\s*"(?:${names})"`), is: ({ type }) => types.includes(String(type)) };
}
