/** `stator plan push`. */
import { defineVerb } from '../command.ts';
import { requirePlan, requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { plain } from '../text.ts';

export default defineVerb({
  summary: "Push a plan's branch to its remote: with your own hooks and credentials, never by force.",
  args: {
    plan: { type: 'positional', required: false, description: 'its name; inside a run its own' },
    remote: { type: 'string', valueHint: 'name', description: 'another remote than the one that git would take' },
  },
  examples: ['stator plan push login', 'stator plan push login --remote fork'],
  more: 'Refused where the remote has commits that are not here. A hook before the push may take up to 10 minutes.',
  async run({ plan, remote }, call) {
    const { out } = call;
    const [project, name] = [requireProject(call), requirePlan(call, plan)];
    const pushed = await withClient(call, 'write', (client) =>
      client.pushPlan(project, name, remote === undefined ? {} : { remote }),
    );
    const verb = pushed.status === 'pushed' ? 'pushed' : 'is there already';
    out.answer(pushed, () => [
      `${name} ${verb}: ${pushed.branch} at ${pushed.head.slice(0, 12)} on ${plain(pushed.remote)} (${plain(pushed.url)})`,
    ]);
    return 0;
  },
});
