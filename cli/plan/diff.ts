/** `stator plan diff`. */
import type { PlanDiff } from '../../runtime/api/client/client.ts';
import { literalText } from '../../runtime/base/platform/terminal-text.ts';
import { asOfArgs, asOfQuery } from '../as-of.ts';
import { type Paint, paintFor, type Tone } from '../colour.ts';
import { defineVerb } from '../command.ts';
import { planArgs, withPlan } from '../named-plan.ts';
import { tableWidth } from '../output.ts';
import { paged, pagerArgs } from '../pager.ts';
import { counted } from '../text.ts';
import { changeLines } from './change-lines.ts';

export default defineVerb({
  summary: 'Print the diff of what a plan, or one of its tasks, has committed.',
  args: {
    ...planArgs,
    task: { type: 'string', valueHint: 'w1-t2', description: 'only of that wave and task' },
    ...asOfArgs,
    stat: { type: 'boolean', description: 'only the files, with the number of changed lines' },
    ...pagerArgs,
  },
  examples: ['stator plan diff login --task w1-t2', 'stator plan diff login --at 14:30 --stat'],
  more: 'Prints at most 20,000 changed lines and 1 MiB. Merging the plan into your branch does not change its diff.',
  async run({ plan, task, stat, pager, to: line, at: time }, call) {
    const { out } = call;
    const asOf = asOfQuery({ to: line, at: time });
    const shown = await withPlan(call, 'read', plan, (client, at) =>
      client.planDiff(at.project, at.plan, { ...asOf, ...(task === undefined ? {} : { task }) }),
    );
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
    await paged(call, { pager }, ({ stdout, env }) => stdout.write(textOf(shown, paintFor(stdout, env))));
    if (shown.files_left_out > 0) {
      out.note(`${counted(shown.files_left_out, 'file')} not shown, or cut: git diff ${from} ${to}`);
    }
    return 0;
  },
});

/** The engine lists no more files. */
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
