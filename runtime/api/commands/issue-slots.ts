/**
 * Decides in one step whether one more session may begin, and reserves its slot. Sessions begin one after the other. Each is counted here until its run is in
 * the outbox, and from then on by the outbox. So of many starts at once exactly as many succeed as there are free slots.
 */
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { instanceTitle, planTree } from '../../../machines/vocabulary/ids.ts';
import { createSerialQueue } from '../../base/platform/serial-queue.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { EffectRow, PauseScope } from '../../core/store/rows.ts';
import { holderOf, pausedWhat, resumeCommand } from '../queries/queue-pause.ts';
import type { CommandDependencies } from './command-dependencies.ts';

export type SessionSlots = ReturnType<typeof createSessionSlots>;

interface Begun extends PlanKey {
  readonly sinceMs: number;
  /** false: its plan may not exist yet, and must not be taken for one that has ended. */
  isMade: boolean;
}

export function createSessionSlots({ store, settings }: Pick<CommandDependencies, 'store' | 'settings'>) {
  /** Sessions that may begin and have requested no run yet. */
  const begun = new Map<string, Begun>();
  const inTurn = createSerialQueue();

  /** true: its run is in the outbox, or will never be. */
  async function hasAsked({ project, plan, sinceMs, isMade }: Begun): Promise<boolean> {
    if (!isMade) return false;
    const runs = await store.runs({ by: 'latest', project, plan });
    if (runs.some(({ queued_at: at, role }) => role === 'session' && at >= sinceMs)) return true;
    const row = await store.plan(project, plan);
    return row === null || row.blocked !== null || !['ready', 'implementing'].includes(row.status);
  }

  async function waitingToAsk(): Promise<readonly PlanKey[]> {
    for (const [key, session] of begun) if (await hasAsked(session)) begun.delete(key);
    return [...begun.values()];
  }

  /** Throws `limit_reached` if all slots are taken, or reserved for waiting sessions. */
  async function mustBeFree({ project, plan }: PlanKey): Promise<void> {
    const { maxAgents, maxAgentsPerRepo } = settings.current();
    const queue = await store.queue();
    const holder = holderOf(queue, { project, plan, title: sessionTitle(plan) });
    if (holder !== null)
      throw new EngineError(
        'limit_reached',
        `${pausedWhat(holder)}: no agent of it starts`,
        `nothing was made; go on with: ${resumeCommand(holder)}, or wait with --queue`,
      );
    // Keep this order, and read the outbox once: then each session counts once, even if it requests its run meanwhile.
    const begunBefore = await waitingToAsk();
    const workers = (await store.effects({ by: 'open' })).filter(({ lane }) => lane === 'worker');
    // An agent in a paused part of the queue takes no slot until a person resumes that part.
    const open = workers.filter((row) => row.status === 'running' || holderOf(queue, agentOf(row)) === null);
    const asking = begunBefore.filter(
      (one) =>
        (one.project !== project || one.plan !== plan) &&
        !open.some((row) => row.project === one.project && row.plan === one.plan),
    );
    const running = open.filter(({ status }) => status === 'running').length;
    if (open.length + asking.length >= maxAgents)
      throw new EngineError(
        'limit_reached',
        `limit reached: ${running} of ${maxAgents} agents busy, ${open.length - running + asking.length} waiting`,
        'nothing was made; wait with --queue, or try it again when one has ended: stator queue list',
      );
    const ownTaken = [...open, ...asking].filter((one) => one.project === project).length;
    if (maxAgentsPerRepo > 0 && ownTaken >= maxAgentsPerRepo)
      throw new EngineError(
        'limit_reached',
        `limit reached: ${ownTaken} of ${maxAgentsPerRepo} agents of ${project} are taken`,
        'nothing was made; wait with --queue, or try it again when one has ended: stator queue list',
      );
  }

  return {
    mustBeFree,
    /** Begins a session if a slot is free or if it `waits`. No other session begins meanwhile. Throws `limit_reached` before anything is made. */
    async begin<T>(
      key: PlanKey,
      { waits, sinceMs }: { waits: boolean; sinceMs: number },
      make: () => Promise<T>,
    ): Promise<T> {
      return inTurn(async () => {
        if (!waits) await mustBeFree(key);
        const name = planTree(key.project, key.plan);
        const session: Begun = { project: key.project, plan: key.plan, sinceMs, isMade: false };
        begun.set(name, session);
        try {
          const made = await make();
          session.isMade = true;
          return made;
        } catch (thrown) {
          begun.delete(name);
          throw thrown;
        }
      });
    },
  };
}

/** The title of a session's agent. */
export function sessionTitle(plan: string): string {
  return instanceTitle({ plan, role: 'session', wave: null, task: null, round: 1 });
}

function agentOf({ project, plan, payload }: EffectRow): PauseScope {
  return { project, plan, title: (JSON.parse(payload) as AgentRun).title }; // workers are runs of agents
}
