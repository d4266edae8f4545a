/** `stator plan prompt`. */
import { defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { plainLines } from '../text.ts';

export default defineVerb({
  summary: 'What an agent would be told now: who is at work, or would start next, unless you name one.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    task: { type: 'string', valueHint: 'w1-t2', description: 'of the agent of that wave and task' },
    role: { type: 'string', valueHint: 'role', description: 'such as planner, coder, reviewer, fixer, verifier' },
  },
  examples: [
    'stator plan prompt login',
    'stator plan prompt login --task w1-t2',
    'stator plan prompt login --role reviewer',
  ],
  more: 'A repo says it in its own words in .stator/prompts/<role>.md; see docs/prompts.md.',
  async run({ plan, task, role }, call) {
    const { out } = call;
    const whom = { ...(task === undefined ? {} : { task }), ...(role === undefined ? {} : { role }) };
    const shown = await withPlan(call, 'read', plan, (client, at) => client.prompt(at.project, at.plan, whom));
    if (out.json) {
      out.print(JSON.stringify(shown));
      return 0;
    }
    const about = shown.task === null ? shown.role : `${shown.role} of ${shown.task}`;
    out.note(`${about}, ${shown.source === 'built-in' ? 'the built-in prompt' : shown.source}`);
    out.stdout.write(plainLines(shown.prompt));
    return 0;
  },
});
