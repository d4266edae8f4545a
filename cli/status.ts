/** `stator status`: what needs a person, what runs, what waits, over all repos. */
import type { Client, InstanceEntry, PlanEntry, PlanShow } from '../runtime/client/client.ts';
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

/** So many plans are asked about one by one; of more it is quicker to take all agents there are, those of plans that have ended too. */
const oneByOne = 25;

async function look(client: Client, project: string | undefined): Promise<Seen> {
  const [plans, repos, warnings, { pauses }] = await Promise.all([
    client.plans(project),
    client.repos(),
    client.warnings(),
    client.queueStats(),
  ]);
  const active = plans.filter(isActive);
  const agents = await agentsOf(client, active, project);
  const over = active.filter(({ phase }) => phase === 'wave_waiting');
  const shown = await Promise.all(over.map((plan): Promise<PlanShow> => client.plan(plan.project, plan.plan)));
  return {
    engine: client.note === null,
    plans,
    agents,
    shown,
    warnings,
    pauses: pauses.filter((pause) => project === undefined || pause.project === null || pause.project === project),
    repos: repos.filter((repo) => project === undefined || repo.project === project),
  };
}

/** Only of plans that are under way: there may be thousands of agents that have ended. */
async function agentsOf(
  client: Client,
  active: readonly PlanEntry[],
  project: string | undefined,
): Promise<InstanceEntry[]> {
  if (active.length > oneByOne) {
    const wanted = new Set(active.map((plan) => `${plan.project}/${plan.plan}`));
    const all = await client.instances(project === undefined ? {} : { project });
    return all.filter((agent) => wanted.has(`${agent.project}/${agent.plan}`));
  }
  const each = active.map((plan) => client.instances({ project: plan.project, plan: plan.plan }));
  return (await Promise.all(each)).flat();
}

function isActive({ status }: PlanEntry): boolean {
  return status !== 'ready' && status !== 'done' && status !== 'cancelled';
}
