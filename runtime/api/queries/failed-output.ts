/** The end of the output of what failed, beside the reason why a person is needed. An agent or the repository wrote it. Pure. */
import type { Need, TaskFailure } from '../../../actors/plan-view.ts';
import { questionName } from '../../../machines/plan/context.ts';
import { safeText } from '../../base/platform/terminal-text.ts';

const shownLines = 10;
const shownCharacters = 200;
/** The second line of a failed check's text; its first line gives the reason. */
const checkLine = /^the check of /;

/** The reason of a block begins with the run that failed, and its open questions are at its end. */
export function blockOutput({ reason, questions = [] }: Pick<Need, 'reason' | 'questions'>): string[] {
  const [first] = questions;
  const own = first === undefined ? reason : (reason.split(`\n\n${questionName(first)}: `)[0] ?? '');
  const [, ...detail] = own.split('\n');
  const [cause = '', of = '', ...rest] = detail;
  if (!checkLine.test(of)) return endOf(detail, shownLines);
  return [...endOf([cause], 1), ...endOf(rest, shownLines - 1)];
}

/** Without the first two lines of a failed check, its reason and its command: the wave's own reason has them. Several tasks share the lines equally. */
export function waveOutput(failures: readonly TaskFailure[]): string[] {
  const explained = failures.filter(({ detail }) => detail.trim() !== '').slice(0, shownLines / 2);
  const most = Math.floor(shownLines / Math.max(1, explained.length));
  return explained.flatMap(({ number, detail }) => {
    const lines = detail.split('\n');
    const output = checkLine.test(lines[1] ?? '') ? lines.slice(2) : lines;
    if (failures.length === 1) return endOf(output, most);
    const end = endOf(output, most - 1);
    return end.length === 0 ? [] : [`task ${number}:`, ...end];
  });
}

/** The last lines that are neither blank nor JSON events. */
function endOf(lines: readonly string[], most: number): string[] {
  return safeText(lines.join('\n'))
    .split('\n')
    .map((line) => line.replaceAll('\t', '  ').trimEnd())
    .filter((line) => line !== '' && !line.startsWith('{"'))
    .slice(-most)
    .map((line) => (line.length <= shownCharacters ? line : `${line.slice(0, shownCharacters - 1)}…`));
}
