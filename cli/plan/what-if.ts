/** The course of a plan with other inputs, as lines: where it differs from the real course, and how each ends. */
import { counted } from '../../machines/vocabulary/numbers.ts';
import { clockTime, duration, localDay } from '../../machines/vocabulary/time-text.ts';
import type { WhatIf } from '../../runtime/api/client/client.ts';
import type { Output } from '../output.ts';
import { cut, padded, plain } from '../text.ts';

type Move = NonNullable<WhatIf['parts']>['was'][number];
type Ending = WhatIf['was'];

const wayColumns = 10;
const nameColumns = 10;
const endingColumns = 28;
const reasonLimit = 200;

export function whatIfLines(found: WhatIf, { paint }: Pick<Output, 'paint'>): string[] {
  const { plan, from, parts, was, would_be: wouldBe, not_taken: left } = found;
  const moment = `line ${from.seq}, ${localDay(new Date(from.at))} ${clockTime(from.at)}`;
  if (parts === null && was.at === wouldBe.at) return [`${plan} would have gone the same way, with the same end`];
  const row = (name: string, textOf: (ending: Ending) => string) =>
    `${padded(name, nameColumns)}  ${padded(textOf(was), endingColumns)}  ${textOf(wouldBe)}`.trimEnd();
  return [
    paint('dim', `as it was up to ${moment}`),
    ...(parts === null ? ['from there on the same steps, at other times'] : partingLines(parts)),
    '',
    paint('dim', `${padded('', nameColumns)}  ${padded('it was', endingColumns)}  it would be`),
    row('state', ({ status, blocked }) => (blocked === null ? status : `${status}, blocked`)),
    row('time', ({ duration_ms: ms }) => `${duration(ms)} after that`),
    row('agents', ({ runs, peak_agents: peak }) => `${counted(runs, 'run')}, ${peak} at a time`),
    row('cost', ({ cost_usd: cost }) => (cost === null ? 'not known' : `$${cost.toFixed(2)}`)),
    row('questions', ({ questions }) => String(questions)),
    ...blockLine('it was blocked by', was),
    ...blockLine('it would be blocked by', wouldBe).map((line) => paint('attention', line)),
    ...left.map(({ type, at }) => paint('attention', `not taken any more: ${plain(type)} of ${clockTime(at)}`)),
  ];
}

function partingLines({ seq, was, would_be: wouldBe }: NonNullable<WhatIf['parts']>): string[] {
  const lines = (way: string, moves: readonly Move[]) =>
    moves.map((move, index) => `  ${padded(index === 0 ? way : '', wayColumns)}${moveText(move)}`);
  return [
    seq === null ? 'the journal ends there, and it would go on:' : `the two ways part at line ${seq}:`,
    ...lines('it was', was),
    ...lines('would be', wouldBe),
  ];
}

function moveText({ at, actor, event, from, to }: Move): string {
  return plain(
    `${clockTime(at)}  ${actor === '' ? 'plan' : actor}  ${event}: ${from === '' ? '' : `${from} -> `}${to}`,
  );
}

function blockLine(what: string, { blocked }: Ending): string[] {
  return blocked === null ? [] : [`${what}: ${cut(plain(blocked), reasonLimit)}`];
}
