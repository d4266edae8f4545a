/** `stator plan push`. */
import { defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { sayWhenSlow } from '../slow.ts';
import { plain } from '../text.ts';

export default defineVerb({
  summary: "Push a plan's branch to its remote: with your own hooks and credentials, never by force.",
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    remote: { type: 'string', valueHint: 'name', description: 'another remote than the one that git would take' },
  },
  examples: ['stator plan push login', 'stator plan push login --remote fork'],
  more: 'Refused where the remote has commits that are not here. A hook before the push may take up to 10 minutes.',
  async run({ plan, remote }, call) {
    const { out } = call;
    const pushed = await withPlan(call, 'write', plan, (client, at) => {
      const pushing = client.pushPlan(at.project, at.plan, remote === undefined ? {} : { remote });
      return sayWhenSlow(call, `${at.plan} is being pushed; git waits for the remote, or for a hook of yours`, pushing);
    });
    const verb = pushed.status === 'pushed' ? 'pushed' : 'is there already';
    out.answer(pushed, () => [
      `${pushed.plan} ${verb}: ${pushed.branch} at ${pushed.head.slice(0, 12)} on ${plain(pushed.remote)} (${plain(pushed.url)})`,
    ]);
    return 0;
  },
});
