/** Reads all plans for `stator status`, from the engine or the store. */

import { isUnderWay } from '../../machines/vocabulary/plan-status.ts';
import type { Client, InstanceEntry, PlanEntry } from '../../runtime/api/client/client.ts';
import type { Seen } from './sort.ts';

/** Up to this many running plans are read one by one. For more plans it is faster to read all agents, including those of ended plans. */
const oneByOne = 25;

/** All repos and their plans, with the agents of running plans; only one project if it is given. */
export async function look(client: Client, project: string | undefined): Promise<Seen> {
  const [plans, repos, warnings, { pauses }, forges, accounts] = await Promise.all([
    client.plans(project),
    client.repos(),
    client.warnings(),
    client.queueStats(),
    client.forges(),
    client.accounts(),
  ]);
  const agents = await agentsOf(
    client,
    plans.filter(({ status }) => isUnderWay(status)),
    project,
  );
  return {
    engine: client.note === null,
    plans,
    agents,
    warnings,
    accounts,
    forges: forges.filter((forge) => project === undefined || forge.project === project),
    pauses: pauses.filter((pause) => project === undefined || pause.project === null || pause.project === project),
    repos: repos.filter((repo) => project === undefined || repo.project === project),
  };
}

/** Only the agents of running plans: there may be thousands of agents that have ended. */
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
