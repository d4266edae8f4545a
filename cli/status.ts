/** `stator status`: what needs a person, what runs, what waits, over all repos. */
import type { Client, InstanceEntry, PlanEntry, PlanShow } from '../runtime/control/client.ts';
import { defineVerb } from './command.ts';
import { projectHere } from './place.ts';
import { withClient } from './session.ts';
import { type Seen, statusOf } from './status/sort.ts';
import { statusLines } from './status/view.ts';

export default defineVerb({
  summary: 'What needs you, what runs and what waits, over all repos or that of --project.',
  args: {},
  examples: ['stator status', "stator status --json | jq '.needs_you[].do[0]'"],
  more: 'Exit code 0, whatever there is to tell. Without an engine it reads what the last one left.',
  async run(_args, call) {
    const { out } = call;
    const seen = await withClient(call, 'read', (client) => look(client, call.project));
    const status = statusOf(seen);
    const here = call.project === undefined ? projectHere(call) : null;
    out.answer(status, () => statusLines(status, { here, nowMs: Date.now(), paint: out.paint }));
    return 0;
  },
});

/** Agents only of plans that are under way: a house has thousands that have ended. */
async function look(client: Client, project: string | undefined): Promise<Seen> {
  const [plans, repos] = await Promise.all([client.plans(project), client.repos()]);
  const active = plans.filter(isActive);
  const agents = await Promise.all(
    active.map((plan): Promise<InstanceEntry[]> => client.instances({ project: plan.project, plan: plan.plan })),
  );
  const over = active.filter(({ phase }) => phase === 'wave_waiting');
  const shown = await Promise.all(over.map((plan): Promise<PlanShow> => client.plan(plan.project, plan.plan)));
  return {
    engine: client.note === null,
    plans,
    agents: agents.flat(),
    shown,
    repos: repos.filter((repo) => project === undefined || repo.project === project),
  };
}

function isActive({ status }: PlanEntry): boolean {
  return status !== 'ready' && status !== 'done' && status !== 'cancelled';
}
