/** The plans in memory, and the repos that they are of. One that is removed keeps its row. */
import type { PlanSummary } from '../../../../actors/plan-view.ts';
import type { ChangeOf, PlanKey } from '../port.ts';
import type { PlanBase, PlanRow, PlanText, PlanTrace, RepoRow, TakenFile } from '../rows.ts';
import { createExpiry, nextNumber } from './expiry.ts';
import { byText, createTable, type Undo, where } from './table.ts';

interface StoredPlan extends PlanRow {
  readonly content: string;
  readonly deletedAt: number | null;
}

interface StoredRepo extends RepoRow {
  readonly removedAt: number | null;
}

/** Nothing of it is under way. */
const restingStatuses = ['ready', 'done', 'cancelled'];

export function createPlans(undo: Undo) {
  const rows = createTable<string, StoredPlan>(undo);
  const repos = createTable<string, StoredRepo>(undo);
  const keyOf = ({ project, plan }: PlanKey): string => `${project}/${plan}`;
  const isThere = ({ deletedAt }: StoredPlan): boolean => deletedAt === null;

  function there(project: string, plan: string): StoredPlan | undefined {
    const row = rows.get(keyOf({ project, plan }));
    return row !== undefined && isThere(row) ? row : undefined;
  }

  function setFile(key: PlanKey, { file, digest }: TakenFile): void {
    if (there(key.project, key.plan) !== undefined) rows.patch(keyOf(key), { file, fileDigest: digest });
  }

  const numbers = createTable<string, number>(undo);

  return {
    expiry: createExpiry<StoredPlan>({
      all: () => where(rows.all(), () => true).map((row) => ({ number: numbers.get(keyOf(row)) ?? 0, row })),
      goes: ({ deletedAt, content }, beforeMs) => deletedAt !== null && deletedAt < beforeMs && content !== '',
      drop: (row) => rows.patch(keyOf(row), { content: '' }),
    }),
    isThere: (project: string, plan: string): boolean => there(project, plan) !== undefined,
    isUnderWay: ({ project, plan }: PlanKey): boolean => {
      const status = there(project, plan)?.status;
      return status !== undefined && status !== 'done' && status !== 'cancelled';
    },
    createdAt: (key: PlanKey): number => rows.get(keyOf(key))?.createdAt ?? 0,
    deletedAt: (key: PlanKey): number | null => rows.get(keyOf(key))?.deletedAt ?? null,
    insert({ key, text, summary, at }: Omit<ChangeOf<'plan.insert'>, 'do'>): void {
      const { content, goal, taken } = text;
      const anew = {
        content,
        goal,
        createdAt: at,
        deletedAt: null,
        faultSignal: null,
        file: taken?.file ?? null,
        fileDigest: taken?.digest ?? null,
        base: null,
      };
      // What it shows of one that was removed stands until its new tree shows itself.
      const shown = rows.get(keyOf(key)) ?? { ...key, ...copyOf(summary), updatedAt: at };
      if (rows.get(keyOf(key)) === undefined) numbers.set(keyOf(key), nextNumber(numbers.all()));
      rows.set(keyOf(key), { ...shown, ...anew });
    },
    show: ({ key, summary, at }: Omit<ChangeOf<'plan.show'>, 'do'>): void =>
      rows.patch(keyOf(key), { ...copyOf(summary), updatedAt: at }),
    setText(key: PlanKey, { content, goal, taken }: PlanText): void {
      rows.patch(keyOf(key), { content, goal });
      if (taken !== null) setFile(key, taken);
    },
    rebind({ key, taken, before }: Omit<ChangeOf<'plan.set-file'>, 'do'>): boolean {
      if (there(key.project, key.plan)?.file !== before) return false;
      setFile(key, taken);
      return true;
    },
    moveFault({ key, from, to, at }: { key: PlanKey; from: number; to: number | null; at: number }): void {
      if (rows.get(keyOf(key))?.faultSignal === from) rows.patch(keyOf(key), { faultSignal: to, updatedAt: at });
    },
    setFault({ key, signal, isFirst = false, at }: Omit<ChangeOf<'plan.set-fault'>, 'do'>): void {
      if (isFirst && rows.get(keyOf(key))?.faultSignal !== null) return;
      rows.patch(keyOf(key), { faultSignal: signal, updatedAt: at });
    },
    setBase: (key: PlanKey, { branch, commit, on }: PlanBase): void =>
      rows.patch(keyOf(key), { base: { branch, commit, on: on.map((one) => ({ ...one })) } }),
    remove({ project, plan }: PlanKey, at: number): boolean {
      const row = there(project, plan);
      if (row === undefined || !restingStatuses.includes(row.status)) return false;
      rows.patch(keyOf({ project, plan }), { deletedAt: at, updatedAt: at });
      return true;
    },
    /** What is no plan's holds nothing up. */
    takesRuns(key: PlanKey): boolean {
      const row = rows.get(keyOf(key));
      return row === undefined || (!row.holds && !row.paused && row.faultSignal === null);
    },

    read(project: string, plan: string): PlanRow | null {
      const row = there(project, plan);
      return row === undefined ? null : planOf(row);
    },
    list: (project: string | null): PlanRow[] =>
      where(
        rows.all(),
        (row) =>
          isThere(row) &&
          (project === null || row.project === project) &&
          (repos.get(row.project)?.removedAt ?? null) === null,
      )
        .sort(whoNeedsAPerson)
        .map(planOf),
    /** By their names; also those of repos that were removed. */
    registered: (project: string | null): PlanRow[] =>
      where(rows.all(), (row) => isThere(row) && (project === null || row.project === project))
        .sort((a, b) => byText(a.project, b.project) || byText(a.plan, b.plan))
        .map(planOf),
    text: (project: string, plan: string): string | null => there(project, plan)?.content ?? null,
    nextGeneration: (project: string, plan: string): number =>
      (rows.get(keyOf({ project, plan }))?.generation ?? -1) + 1,
    /** The number of a plan is its place in the order in which they came. */
    traces(after: number, limit: number): { traces: PlanTrace[]; next: number | null } {
      const page = where(rows.all(), () => true).slice(after, after + limit);
      const traces = page.map(({ project, plan, branch, status, base, updatedAt, deletedAt }) => {
        return { project, plan, branch, status, base, updatedAt, deletedAt };
      });
      return { traces, next: page.length < limit ? null : after + page.length };
    },
    counts(): Map<string, { all: number; active: number }> {
      const counts = new Map<string, { all: number; active: number }>();
      for (const { project, status } of where(rows.all(), isThere)) {
        const { all, active } = counts.get(project) ?? { all: 0, active: 0 };
        counts.set(project, { all: all + 1, active: active + (restingStatuses.includes(status) ? 0 : 1) });
      }
      return counts;
    },

    insertRepo: ({ project, path, config, addedAt, trustedAt, trustedBy, revokedAt }: RepoRow): void =>
      repos.set(project, {
        project,
        path,
        config: copyOf(config),
        addedAt,
        trustedAt,
        trustedBy,
        revokedAt,
        removedAt: null,
      }),
    removeRepo(project: string, at: number): void {
      if (repos.get(project)?.removedAt === null) repos.patch(project, { removedAt: at });
    },
    repos: (): RepoRow[] =>
      where(repos.all(), ({ removedAt }) => removedAt === null)
        .sort((a, b) => byText(a.project, b.project))
        .map(({ removedAt: _, ...repo }) => repo),
    removedRepos: (): Map<string, string> =>
      new Map(where(repos.all(), ({ removedAt }) => removedAt !== null).map(({ project, path }) => [project, path])),
  };
}

/** As it comes back from a disk. */
function copyOf<T extends PlanSummary | RepoRow['config']>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function planOf({ content: _content, deletedAt: _deletedAt, ...row }: StoredPlan): PlanRow {
  return row;
}

function whoNeedsAPerson(a: PlanRow, b: PlanRow): number {
  const isCalm = (row: PlanRow): number => Number(row.blocked === null && row.faultSignal === null);
  return isCalm(a) - isCalm(b) || byText(a.project, b.project) || b.updatedAt - a.updatedAt || byText(a.plan, b.plan);
}
