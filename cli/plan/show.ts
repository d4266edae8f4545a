/** `stator plan show`. */
import { defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { tableWidth } from '../output.ts';
import { plainLines } from '../text.ts';
import { planLines } from './view.ts';

export default defineVerb({
  summary: 'One plan with its waves and tasks.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    content: { type: 'boolean', description: 'print the document instead' },
  },
  examples: ['stator plan show login', 'stator plan show login --content > login.md'],
  async run({ plan, content }, call) {
    const { out } = call;
    const shown = await withPlan(call, 'read', plan, (client, { project, plan: name }) => client.plan(project, name));
    if (content === true && !out.json)
      out.stdout.write(out.stdout.isTTY === true ? plainLines(shown.content) : shown.content);
    else out.answer(shown, () => planLines(shown, { width: tableWidth(out), nowMs: Date.now(), paint: out.paint }));
    return 0;
  },
});
