/** `stator plan update-content`. */
import { readStdin } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { bindingOf } from '../file-binding.ts';
import { withPlan } from '../named-plan.ts';
import { isInRun } from '../place.ts';
import { forceFileArgs, readPlanFile } from '../plan-file.ts';
import { printVerdict } from '../verdict.ts';

export default defineVerb({
  summary: "Replace a plan's document; the progress of unchanged tasks is kept.",
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    file: { type: 'string', valueHint: 'file', description: 'the new document; else standard input' },
    ...forceFileArgs,
  },
  examples: [
    'stator plan update-content login --file docs/plans/login.md',
    'stator plan update-content login < new.md',
  ],
  async run({ plan, file, force = false }, call) {
    const answer = await withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      if (file === undefined || file === '-')
        return client.updateContent(project, name, await readStdin(call, 'the document'));
      // Which file a plan is of, people say; an agent hands in a text.
      if (isInRun(call)) return client.updateContent(project, name, readPlanFile(call.cwd, file).content);
      const { bound, content } = bindingOf(
        call,
        (await client.repo(project)).path,
        readPlanFile(call.cwd, file, { force }),
      );
      // Another file than the plan's is taken for its text alone.
      const isOwn = bound !== null && (await client.plan(project, name)).file === bound;
      return client.updateContent(project, name, content, isOwn ? { file: bound } : {});
    });
    return printVerdict(call, answer);
  },
});
