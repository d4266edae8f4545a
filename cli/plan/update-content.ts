/** `stator plan update-content`. */
import { readStdin } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { requirePlan, requireProject } from '../place.ts';
import { readPlanFile } from '../plan-file.ts';
import { withClient } from '../session.ts';
import { printVerdict } from '../verdict.ts';

export default defineVerb({
  summary: "Replace a plan's document; the progress of unchanged tasks is kept.",
  args: {
    plan: { type: 'positional', required: false, description: 'its name; inside a run its own' },
    file: { type: 'string', valueHint: 'file', description: 'the new document; else standard input' },
  },
  examples: [
    'stator plan update-content login --file docs/plans/login.md',
    'stator plan update-content login < new.md',
  ],
  async run({ plan, file }, call) {
    const [project, name] = [requireProject(call), requirePlan(call, plan)];
    const content =
      file === undefined || file === '-' ? await readStdin(call, 'the document') : readPlanFile(call.cwd, file).content;
    const answer = await withClient(call, 'write', (client) => client.updateContent(project, name, content));
    return printVerdict(call, answer);
  },
});
