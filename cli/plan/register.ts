/** `stator plan register`. */
import { EngineError } from '../../machines/errors.ts';
import { defineVerb } from '../command.ts';
import { requireProject, requireRepository } from '../place.ts';
import { readPlanFile } from '../plan-file.ts';
import { ensureRegistered } from '../registered.ts';
import { withClient } from '../session.ts';
import { refusalLines, verdictMs } from '../verdict.ts';
import { standingText } from './view.ts';

export default defineVerb({
  summary: 'Take a file as a plan of this repo. Nothing starts by itself.',
  args: {
    file: { type: 'positional', description: 'a markdown file; its name becomes the name of the plan' },
    branch: { type: 'string', description: 'the branch that it works on; default plan/<name>' },
    topic: { type: 'string', description: 'plans of one topic implement one at a time' },
    start: { type: 'boolean', description: 'start implementing' },
    trust: { type: 'boolean', description: "let the repo's configuration start its programs" },
  },
  examples: ['stator plan register docs/plans/login.md --start'],
  async run({ file, branch, topic, start, trust = false }, call) {
    const { name: plan, content } = readPlanFile(call.cwd, file);
    const shown = await withClient(call, 'write', async (client) => {
      const project =
        call.project === undefined
          ? await ensureRegistered(call, client, { path: requireRepository(call), trust })
          : requireProject(call);
      const more = { ...(branch === undefined ? {} : { branch }), ...(topic === undefined ? {} : { topic }) };
      const registered = await client.registerPlan({ project, plan, content, ...more });
      if (start !== true) return registered;
      const answer = await client.send({ project, plan, type: 'implement_start', waitMs: verdictMs });
      if (answer.signal.status !== 'failed') return client.plan(project, plan);
      const [refusal = '', hint = ''] = refusalLines(answer);
      throw new EngineError(
        'refused',
        `${plan} is registered, but not started; ${refusal}`,
        hint.replace(/^hint: /, ''),
      );
    });
    if (call.out.json) call.out.print(JSON.stringify(shown));
    else call.out.say(`registered ${shown.project}/${shown.plan}: ${standingText(shown)}`);
    return 0;
  },
});
