/** `stator instance capture`. */
import { defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { plainLines } from '../text.ts';
import { findInstance } from './view.ts';
import { titleArg } from './word.ts';

export default defineVerb({
  summary: "The end of an agent's output as text: at most its last 64 KiB.",
  args: {
    title: titleArg,
    lines: { type: 'string', valueHint: 'n', description: 'no more than the last n lines' },
  },
  examples: ['stator instance capture login-w1-t2 --lines 20'],
  async run({ title, lines }, call) {
    const limit = lines === undefined ? null : wholeNumber('--lines', lines);
    const project = requireProject(call);
    const text = await withClient(call, 'read', async (client) => {
      findInstance(await client.instances({ project }), title);
      return client.capture(project, title);
    });
    const shown = plainLines(limit === null ? text : lastLines(text, limit));
    const { out } = call;
    if (out.json) out.print(JSON.stringify({ title, text: shown }));
    else if (shown !== '') out.print(shown.replace(/\n$/, ''));
    return 0;
  },
});

/** The line that is not finished yet counts as one. */
function lastLines(text: string, count: number): string {
  const isWhole = text.endsWith('\n');
  const lines = (isWhole ? text.slice(0, -1) : text).split('\n');
  return `${lines.slice(-count).join('\n')}${isWhole ? '\n' : ''}`;
}
