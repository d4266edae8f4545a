/** `stator plan move`: moves a plan to another host, together with its whole repo. */
import { defineVerb } from '../command.ts';
import { printMoved, removeArgs } from '../repo.ts';
import { planArgs, withPlan } from '../session.ts';

export default defineVerb({
  summary: 'Move a plan to another host of the store, with its repo and all plans of that repo.',
  args: {
    plan: { ...planArgs.plan, required: true },
    host: { type: 'positional', description: 'the host, as stator host list shows it' },
    stop: removeArgs.stop,
  },
  examples: ['stator plan move login build-2'],
  more: 'The plans of a repo wait for each other and share its limits, so they stay together: this is stator repo move.',
  run: ({ plan, host, stop = false }, call) =>
    withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      await client.plan(project, name);
      printMoved(call, await client.moveRepo({ project, host, stop }));
      return undefined;
    }),
});
