/**
 * Moves a repo to a host that one of its plans names (`**Host:**`), if that is not this host: once an agent of that plan waits, nothing runs in the repo, and
 * no other plan under way needs it here.
 */
import { EngineError, withHint } from '../../machines/vocabulary/errors.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { createServiceLoop, type PollLoop } from '../base/platform/poll-loop.ts';
import type { Hosts } from '../core/store/port.ts';
import { canTake, hostsInLine, loadsOf, namesOf, plansElsewhere } from '../work/repos/host-choice.ts';
import type { Parts } from './composition.ts';

const lookMs = 5_000;

type PlacementParts = Pick<Parts, 'store' | 'projects' | 'hostNames' | 'commands' | 'log' | 'troubles' | 'isOwner'>;

/** null: the store belongs to one machine. */
export function createPlacement(parts: PlacementParts): Pick<PollLoop, 'start' | 'stop'> | null {
  const { hosts } = parts.store;
  if (hosts === undefined) return null;
  /** The last reason why a repo stayed here, by project: logged once. */
  const reasons = new Map<string, string>();

  async function look(shared: Hosts): Promise<null> {
    const lanes = await parts.store.queuedLanes();
    const mayWait = reasons.size > 0 || lanes.includes('worker') || lanes.includes('coordinator');
    if (!mayWait) return null;
    for (const { project } of parts.projects.list()) {
      if (!parts.isOwner()) return null;
      if (parts.projects.isElsewhere(project)) continue;
      const plan = await planToMove(project);
      if (plan === null) await forget(shared, project);
      else await move(shared, project, plan);
    }
    return null;
  }

  /** The first plan of the repo that may take it to another host, and one of its waiting agents; null: there is none. */
  async function planToMove(project: string): Promise<{ name: string; host: string } | null> {
    for (const { plan, host } of plansElsewhere(await parts.store.plans(project), parts.hostNames)) {
      const asked = await parts.store.effects({ by: 'tree', tree: planTree(project, plan) });
      if (asked.some(({ kind, status }) => kind === 'agent.run' && status === 'queued')) return { name: plan, host };
    }
    return null;
  }

  async function move(shared: Hosts, project: string, { name, host }: { name: string; host: string }): Promise<void> {
    const all = await shared.list();
    const able = all.filter((each) => each.name !== shared.own && canTake(each) && namesOf(each).includes(host));
    const [to] = hostsInLine(project, able, await loadsOf(parts.store, all));
    if (to === undefined) return;
    try {
      await parts.commands.moveRepo(project, to);
      reasons.delete(project);
      parts.log.info(`plan ${name} of ${project} is for ${host}: the repo goes to the host ${to}`);
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      const why = `it cannot go to the host ${to}: ${withHint(thrown)}`;
      if (reasons.get(project) === why) return;
      reasons.set(project, why);
      parts.log.info(`${project}: ${why}`);
      await shared.noteTrouble({ project, host: shared.own }, why.slice(0, 4_096));
    }
  }

  async function forget(shared: Hosts, project: string): Promise<void> {
    if (reasons.delete(project)) await shared.noteTrouble({ project, host: shared.own }, null);
  }

  return createServiceLoop({
    trouble: { what: 'whether a plan is for another host is not known' },
    troubles: parts.troubles,
    everyMs: lookMs,
    work: () => look(hosts),
  });
}
