/** The outbox in memory: a row in `running` is a taken slot and a taken resource. */
import { type AgentRun, type HookDeliver, laneOf, resourceOf } from '../../../../machines/vocabulary/effect.ts';
import { effectKey, parseTree } from '../../../../machines/vocabulary/ids.ts';
import type { ChangeOf, EffectQuery, PlanKey, StartQuery } from '../port.ts';
import type { EffectRow, HookCountRow, PauseScope } from '../rows.ts';
import { createExpiry, nextNumber } from './expiry.ts';
import { byText, createTable, nextAbove, type Undo, where } from './table.ts';

/** How far ahead a lane looks for something that may start. */
const lookAhead = 512;

/** `letsBegin`: whether the queue and its plan let an agent begin. `isUnderWay`: a plan is there, and not over. */
export function createEffects(
  undo: Undo,
  {
    letsBegin,
    isUnderWay,
  }: {
    readonly letsBegin: (agent: PauseScope) => boolean;
    readonly isUnderWay: (plan: PlanKey) => boolean;
  },
) {
  const rows = createTable<string, EffectRow>(undo);
  const keysById = createTable<number, string>(undo);

  function patchRunning(key: string, epoch: number, fields: Partial<EffectRow>): boolean {
    const row = rows.get(key);
    if (row?.status !== 'running' || row.epoch !== epoch) return false;
    rows.patch(key, fields);
    return true;
  }

  const mayBegin = (row: EffectRow): boolean =>
    row.kind !== 'agent.run' || letsBegin({ project: row.project, plan: row.plan, title: titleOf(row) });
  const isOpen = ({ status }: EffectRow): boolean => status === 'queued' || status === 'running';

  /** Who has each resource, or has it next: who runs on it, then who asked first. */
  function holders(): Map<string, EffectRow> {
    const found = new Map<string, EffectRow>();
    for (const row of rows.all()) {
      const resource = `${row.project}\n${row.resource}`;
      if (row.status === 'running' || (row.status === 'queued' && !found.has(resource))) found.set(resource, row);
    }
    return found;
  }

  return {
    expiry: createExpiry<EffectRow>({
      all: () => where(rows.all(), () => true).map((row) => ({ number: row.id, row })),
      goes: (row, beforeMs, isLast) =>
        !isLast &&
        !isOpen(row) &&
        row.finished_at !== null &&
        row.finished_at < beforeMs &&
        (row.kind === 'hook.deliver' || !isUnderWay(row)),
      drop({ id, key }) {
        rows.remove(key);
        keysById.remove(id);
      },
    }),
    insert({ tree, effect, priority, at }: Omit<ChangeOf<'effect.insert'>, 'do'>): void {
      const key = effectKey(tree, effect.id);
      if (rows.get(key) !== undefined) throw new Error(`effect ${key} is there already`);
      const parsed = parseTree(tree);
      const id = nextNumber(where(rows.all(), () => true).map((row) => row.id));
      rows.set(key, {
        id,
        key,
        tree,
        project: 'project' in parsed ? parsed.project : '',
        plan: 'plan' in parsed ? parsed.plan : '',
        name: effect.id,
        kind: effect.kind,
        lane: laneOf(effect),
        resource: resourceOf(effect),
        priority,
        payload: JSON.stringify(effect),
        status: 'queued',
        attempts: 0,
        next_at: 0,
        stop_at: null,
        epoch: null,
        created_at: at,
        started_at: null,
        finished_at: null,
        error: null,
        waiting_since: null,
        result: null,
      });
      keysById.set(id, key);
    },
    take({ id, epoch, at }: Omit<ChangeOf<'effect.take'>, 'do'>): boolean {
      const row = rows.get(keysById.get(id) ?? '');
      if (row?.status !== 'queued' || !mayBegin(row)) return false;
      rows.patch(row.key, { status: 'running', epoch, started_at: at, attempts: row.attempts + 1 });
      return true;
    },
    adopt(epoch: number): void {
      for (const { key } of where(rows.all(), (row) => row.status === 'running')) rows.patch(key, { epoch });
    },
    settle: ({ key, status, error, epoch, at, result }: Omit<ChangeOf<'effect.settle'>, 'do'>): boolean =>
      patchRunning(key, epoch, {
        ...{ status, error, finished_at: at, waiting_since: null },
        ...(result === undefined ? {} : { result }),
      }),
    tryAgain: ({ key, nextAt, error, epoch, result }: Omit<ChangeOf<'effect.try-again'>, 'do'>): boolean =>
      patchRunning(key, epoch, {
        ...{ ...unbegun, next_at: nextAt, error, waiting_since: null },
        ...(result === undefined ? {} : { result }),
      }),
    redeliver(key: string): boolean {
      const row = rows.get(key);
      if (row === undefined || row.kind !== 'hook.deliver' || isOpen(row)) return false;
      rows.patch(key, { ...unbegun, attempts: 0, next_at: 0, stop_at: null, finished_at: null, error: null });
      return true;
    },
    putBack({ key, nextAt, error, epoch, at }: Omit<ChangeOf<'effect.put-back'>, 'do'>): boolean {
      const row = rows.get(key);
      if (row === undefined || row.stop_at !== null) return false;
      const waiting_since = row.waiting_since ?? at;
      return patchRunning(key, epoch, {
        ...unbegun,
        attempts: row.attempts - 1,
        next_at: nextAt,
        error,
        waiting_since,
      });
    },
    noteWait: ({ key, wait, epoch }: Omit<ChangeOf<'effect.note-wait'>, 'do'>): void =>
      void patchRunning(key, epoch, { waiting_since: wait?.at ?? null, error: wait?.reason ?? null }),
    /** Whether it was withdrawn. */
    stop({ key, stopAt, at }: Omit<ChangeOf<'effect.stop'>, 'do' | 'withdrawn'>): boolean {
      const row = rows.get(key);
      if (row?.status === 'queued') rows.patch(key, { status: 'withdrawn', finished_at: at, waiting_since: null });
      if (row?.status === 'running') rows.patch(key, { stop_at: Math.min(row.stop_at ?? stopAt, stopAt) });
      return row?.status === 'queued';
    },

    read: (key: string): EffectRow | null => rows.get(key) ?? null,
    /** The runs that were asked for of the agent whose keys begin so. */
    runsOf: (path: string): EffectRow[] =>
      where(rows.all(), ({ key, kind }) => kind === 'agent.run' && key.startsWith(path)),
    /** Whether an agent of the plan runs or is to run. */
    hasOpenRuns: ({ project, plan }: PlanKey): boolean =>
      where(
        rows.all(),
        (row) => row.kind === 'agent.run' && row.project === project && row.plan === plan && isOpen(row),
      ).length > 0,
    by(query: EffectQuery): EffectRow[] {
      switch (query.by) {
        case 'running':
          return where(rows.all(), (row) => row.status === 'running');
        case 'open':
          return where(rows.all(), isOpen).sort(mostWanted);
        case 'tree':
          return where(rows.all(), (row) => row.tree === query.tree && isOpen(row));
        case 'waiting':
          return where(rows.all(), (row) => (query.tree ?? row.tree) === row.tree && row.waiting_since !== null).sort(
            (a, b) => (a.waiting_since ?? 0) - (b.waiting_since ?? 0) || a.id - b.id,
          );
        case 'undone':
          return undoneOf(
            where(rows.all(), (row) => row.tree === query.tree),
            query.sinceMs,
          );
        case 'deliveries': {
          const { project, plan, hook, statuses, limit } = query;
          return where(
            rows.all(),
            (row) =>
              row.kind === 'hook.deliver' &&
              (project === undefined || row.project === project) &&
              (plan === undefined || row.plan === plan) &&
              (hook === undefined || hookOf(row) === hook) &&
              (statuses === undefined || statuses.includes(row.status)),
          )
            .reverse()
            .slice(0, limit);
        }
        case 'delivery':
          return where(rows.all(), (row) => row.kind === 'hook.deliver' && row.name === query.id);
      }
    },
    hookCounts(project: string): HookCountRow[] {
      const counts = new Map<string, HookCountRow>();
      for (const row of rows.all()) {
        if (row.kind !== 'hook.deliver' || row.project !== project) continue;
        const [hook, { status }] = [hookOf(row), row];
        const key = JSON.stringify([hook, status]);
        counts.set(key, { hook, status, count: (counts.get(key)?.count ?? 0) + 1 });
      }
      return [...counts.values()].sort((a, b) => byText(a.hook, b.hook) || byText(a.status, b.status));
    },
    startable({ lane, nowMs, closed, agents, held = [], trees }: StartQuery): EffectRow[] {
      const holderOf = holders();
      const isGranted = ({ kind, project, plan }: EffectRow): boolean =>
        kind !== 'agent.run' || agents === 'all' || (agents !== 'none' && agents.includes(`${project}/${plan}`));
      return where(
        rows.all(),
        (row) =>
          row.status === 'queued' &&
          row.lane === lane &&
          row.next_at <= nowMs &&
          holderOf.get(`${row.project}\n${row.resource}`) === row &&
          !closed.includes(row.project) &&
          (trees === undefined || trees.includes(row.tree)) &&
          mayBegin(row) &&
          !isHeld(row, held) &&
          isGranted(row),
      )
        .sort(mostWanted)
        .slice(0, lookAhead);
    },
    counts(lane: EffectRow['lane'], status: 'queued' | 'running'): Map<string, number> {
      const counts = new Map<string, number>();
      for (const { project } of where(rows.all(), (row) => row.lane === lane && row.status === status))
        counts.set(project, (counts.get(project) ?? 0) + 1);
      return counts;
    },
    nextAt: (afterMs: number): number | null =>
      nextAbove(
        where(rows.all(), (row) => row.status === 'queued').map((row) => row.next_at),
        afterMs,
      ),
  };
}

function titleOf({ payload }: EffectRow): string {
  return (JSON.parse(payload) as AgentRun).title; // asked of runs only
}

/** A person who starts an agent anew does not wait for its account. */
function isHeld({ kind, project, payload }: EffectRow, held: readonly string[]): boolean {
  if (kind !== 'agent.run' || held.length === 0) return false;
  const { role, start } = JSON.parse(payload) as AgentRun; // asked of runs only
  return start !== 'restart' && held.includes(`${project}/${role}`);
}

function hookOf({ payload }: EffectRow): string {
  return (JSON.parse(payload) as HookDeliver).hook; // asked of deliveries only
}

const unbegun = { status: 'queued', epoch: null, started_at: null } as const;

function mostWanted(a: EffectRow, b: EffectRow): number {
  return b.priority - a.priority || a.id - b.id;
}

/** What a later one of the same did is not undone. */
function undoneOf(ofTree: readonly EffectRow[], sinceMs: number): EffectRow[] {
  return ofTree.filter(
    (row) =>
      row.created_at >= sinceMs &&
      (row.kind === 'worktree.remove' || row.kind === 'work.undo') &&
      row.error !== null &&
      (row.status === 'queued' || row.status === 'failed') &&
      !ofTree.some(
        ({ kind, resource, id, status }) =>
          kind === row.kind && resource === row.resource && id > row.id && status !== 'failed',
      ),
  );
}
