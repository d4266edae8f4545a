/** `stator plan diff`. */
import type { PlanDiff } from '../../runtime/client/client.ts';
import { type Paint, paintFor, type Tone } from '../colour.ts';
import { defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { counted, plainLines } from '../text.ts';

export default defineVerb({
  summary: 'What a plan has changed since it was begun, or what one task of it brought: what is committed, as a diff.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    task: { type: 'string', valueHint: 'w1-t2', description: 'of that wave and task alone' },
    stat: { type: 'boolean', description: 'the files, and how much of each' },
  },
  examples: ['stator plan diff login', 'stator plan diff login --task w1-t2', 'stator plan diff login --stat'],
  more: 'At most 20,000 changed lines and 1 MiB are shown. A merge of the plan into your branch changes nothing of its diff.',
  async run({ plan, task, stat }, call) {
    const { out } = call;
    const shown = await withPlan(call, 'read', plan, (client, at) =>
      client.planDiff(at.project, at.plan, task === undefined ? {} : { task }),
    );
    if (out.json) {
      out.print(JSON.stringify(shown));
      return 0;
    }
    const what = shown.task === null ? shown.plan : `${shown.plan} ${shown.task}`;
    out.note(`${what}: ${shown.from.slice(0, 12)}..${shown.to.slice(0, 12)}, ${counted(shown.files.length, 'file')}`);
    out.stdout.write(textOf(shown, stat === true, paintFor(out.stdout, out.env)));
    if (stat !== true && shown.files_left_out > 0) {
      out.note(
        `${counted(shown.files_left_out, 'file')} not shown, or cut: git diff ${shown.from.slice(0, 12)} ${shown.to.slice(0, 12)}`,
      );
    }
    return 0;
  },
});

function textOf({ stat, diff }: PlanDiff, isStat: boolean, paint: Paint): string {
  const text = plainLines(isStat ? stat : diff);
  if (text === '') return '';
  const lines = text.replace(/\n$/, '').split('\n');
  return `${lines.map((line) => (isStat ? line : paint(diffTone(line), line))).join('\n')}\n`;
}

/** Of a line of a diff. */
export function diffTone(line: string): Tone {
  if (/^(?:diff --git|index|\+\+\+|---|new file|deleted file|old mode|new mode) ?/.test(line)) return 'strong';
  if (line.startsWith('@@')) return 'busy';
  if (line.startsWith('+')) return 'good';
  return line.startsWith('-') ? 'bad' : 'plain';
}
