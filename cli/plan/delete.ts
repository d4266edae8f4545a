/** `stator plan delete`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { canAsk, confirm } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Forget a plan. Its branch stays.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    yes: { type: 'boolean', alias: 'y', description: 'do not ask' },
  },
  examples: ['stator plan delete login --yes'],
  async run({ plan, yes }, call) {
    const { out } = call;
    const { project, plan: name } = await withPlan(call, 'read', plan, async (_client, address) => address);
    if (yes !== true) {
      if (!canAsk(call)) {
        throw new EngineError('refused', `not deleted: ${project}/${name}: nobody can be asked here`, 'say --yes');
      }
      if (!(await confirm(call, `delete ${project}/${name}?`))) {
        out.note('not deleted');
        return 1;
      }
    }
    await withClient(call, 'write', (client) => client.deletePlan(project, name));
    if (out.json) out.print(JSON.stringify({ deleted: true, project, plan: name }));
    else out.say(`deleted ${project}/${name}`);
    return 0;
  },
});
