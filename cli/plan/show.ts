/** `stator plan show`. */
import { defineVerb } from '../command.ts';
import { requirePlan, requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { planLines } from './view.ts';

export default defineVerb({
  summary: 'One plan with its waves and tasks.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name; inside a run its own' },
    content: { type: 'boolean', description: 'print the document instead' },
  },
  examples: ['stator plan show login', 'stator plan show login --content > login.md'],
  async run({ plan, content }, call) {
    const { out } = call;
    const [project, name] = [requireProject(call), requirePlan(call, plan)];
    const shown = await withClient(call, 'read', (client) => client.plan(project, name));
    if (content === true && !out.json) out.stdout.write(shown.content);
    else out.answer(shown, () => planLines(shown, out.paint));
    return 0;
  },
});
