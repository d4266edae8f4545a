/** How the queue for slots stands, in memory: as a whole, and the parts of it that are paused. */
import { covers } from '../pause-scope.ts';
import type { PlanKey } from '../port.ts';
import type { EffectRow, PauseScope, QueueItemRow, QueuePause, QueueRow, RunRow } from '../rows.ts';
import { byText, createTable, type Undo, where } from './table.ts';

/** What an item is made of: the last run of each agent, all runs of an agent, and the effects of runs. */
export interface ItemSources {
  readonly runs: { latest(): readonly RunRow[]; ofAgent(path: string): readonly RunRow[] };
  readonly effects: { read(key: string): EffectRow | null; runsOf(path: string): readonly EffectRow[] };
}

export function createQueue(undo: Undo) {
  const whole = createTable<1, Omit<QueueRow, 'pauses'>>(undo);
  const parts = createTable<string, QueuePause>(undo);
  const own = () => whole.get(1) ?? { pausedAt: null, clearedAt: 0 };
  const keyOf = ({ project, plan, title }: PauseScope) => JSON.stringify([project, plan, title]);

  return {
    read: (): QueueRow => ({ ...own(), pauses: where(parts.all(), () => true).sort(byName) }),
    letsBegin: (agent: PauseScope): boolean =>
      own().pausedAt === null && where(parts.all(), (pause) => covers(pause, agent)).length === 0,
    pause(at: number, what?: PauseScope): void {
      if (what === undefined) whole.set(1, { ...own(), pausedAt: own().pausedAt ?? at });
      else if (parts.get(keyOf(what)) === undefined)
        parts.set(keyOf(what), { project: what.project, plan: what.plan, title: what.title, pausedAt: at });
    },
    resume(what?: PauseScope): void {
      if (what === undefined) whole.set(1, { ...own(), pausedAt: null });
      else if (parts.get(keyOf(what)) !== undefined) parts.remove(keyOf(what));
    },
    resumePlan({ project, plan }: PlanKey): void {
      for (const pause of where(parts.all(), (each) => each.project === project && each.plan === plan))
        parts.remove(keyOf(pause));
    },
    clear: (at: number): void => whole.set(1, { ...own(), clearedAt: Math.max(own().clearedAt, at) }),
    items(sources: ItemSources, limit: number): QueueItemRow[] {
      // The newest first.
      const latest = sources.runs.latest();
      const shown = (run: RunRow): QueueItemRow => itemOf(run, sources);
      const open = latest.filter((run) => run.final_at === null).map(shown);
      const isListed = (run: RunRow) => run.final_at !== null && run.final_at > own().clearedAt;
      const ended = latest.filter(isListed).sort((a, b) => (b.final_at ?? 0) - (a.final_at ?? 0));
      return [...open.reverse().sort((a, b) => a.queued_at - b.queued_at), ...ended.slice(0, limit).map(shown)];
    },
  };
}

function itemOf(run: RunRow, { runs, effects }: ItemSources): QueueItemRow {
  const { key, project, plan, title, role, state, reason, attempt, final_at } = run;
  const path = key.replace(/\d+$/, '');
  const last = effects.read(key);
  const all = runs.ofAgent(path);
  const ids = effects.runsOf(path).map(({ id }) => id);
  const starts = all.flatMap(({ started_at }) => started_at ?? []);
  return {
    ...{ key, project, plan, title, run: run.run, role, state, reason, attempt, final_at },
    id: ids.length === 0 ? 0 : Math.min(...ids),
    queued_at: Math.min(...all.map(({ queued_at }) => queued_at)),
    started_at: starts.length === 0 ? null : Math.min(...starts),
    status: last?.status ?? null,
    effect: last?.id ?? null,
    lane: last?.lane ?? null,
    priority: last?.priority ?? null,
    next_at: last?.next_at ?? null,
    slot_at: last?.started_at ?? null,
    waiting_since: last?.waiting_since ?? null,
    error: last?.error ?? null,
  };
}

function byName(a: QueuePause, b: QueuePause): number {
  return byText(a.project, b.project) || byText(a.plan, b.plan) || byText(a.title, b.title);
}
