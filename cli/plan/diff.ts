/** The changes of a plan, as a person reads them. */
import { counted } from '../../machines/vocabulary/numbers.ts';
import type { PlanDiff } from '../../runtime/api/client/client.ts';
import { literalText } from '../../runtime/base/platform/terminal-text.ts';
import type { View } from '../operation-verb.ts';
import { type Paint, paintFor, type Tone, tableWidth } from '../output.ts';
import { paged } from '../pager.ts';
import { changeLines } from './change-lines.ts';

export const diffView: View<PlanDiff> = ({ call, flags: { stat, pager } }) => ({
  async print({ out }, shown) {
    if (out.json) {
      out.print(JSON.stringify(shown));
      return 0;
    }
    const what = shown.task === null ? shown.plan : `${shown.plan} ${shown.task}`;
    const [from, to] = [shown.from.slice(0, 12), shown.to.slice(0, 12)];
    out.note(`${what}: ${from}..${to}, ${counted(shown.total.files, 'file')}`);
    if (stat === true) {
      out.print(
        ...changeLines(shown, { width: tableWidth(out), most: listedFiles, more: `git diff --stat ${from} ${to}` }),
      );
      return 0;
    }
    await paged(call, { pager: pager !== false }, ({ stdout, env }) =>
      stdout.write(textOf(shown, paintFor(stdout, env))),
    );
    if (shown.files_left_out > 0) {
      out.note(`${counted(shown.files_left_out, 'file')} not shown, or cut: git diff ${from} ${to}`);
    }
    return 0;
  },
});

/** The engine's own limit for a list of files. */
const listedFiles = 1_000;

function textOf({ diff }: PlanDiff, paint: Paint): string {
  const text = literalText(diff.replaceAll('\r\n', '\n'));
  if (text === '') return '';
  const lines = text.replace(/\n$/, '').split('\n');
  return `${lines.map((line) => paint(diffTone(line), line)).join('\n')}\n`;
}

export function diffTone(line: string): Tone {
  if (/^(?:diff --git|index|\+\+\+|---|new file|deleted file|old mode|new mode) ?/.test(line)) return 'strong';
  if (line.startsWith('@@')) return 'busy';
  if (line.startsWith('+')) return 'good';
  return line.startsWith('-') ? 'bad' : 'plain';
}
