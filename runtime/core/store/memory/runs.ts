/** The runs of agents in memory, in the order in which they were asked for, and what was launched for them. */
import type { Spent } from '../../../../machines/vocabulary/budget.ts';
import type { WorkCheck } from '../../../../machines/vocabulary/effect.ts';
import { effectKey } from '../../../../machines/vocabulary/ids.ts';
import { groupBy } from '../../../base/platform/group-by.ts';
import type { ChangeOf, PlanKey, RunQuery } from '../port.ts';
import {
  type EffectRow,
  isFinalState,
  type LaunchRow,
  type LaunchTrace,
  type PlanRow,
  type PlanUsageRow,
  type RunRow,
  type SpentOf,
  type UsageRow,
} from '../rows.ts';
import { createExpiry, nextNumber } from './expiry.ts';
import { createTable, type Undo, where } from './table.ts';

/** The most runs that one list shows where nobody says how many. */
const listLimit = 1_000;

export function createRuns(
  undo: Undo,
  {
    deletedAt,
    createdAt,
    effect,
  }: {
    readonly deletedAt: (plan: PlanKey) => number | null;
    /** 0: it was never registered. */
    readonly createdAt: (plan: PlanKey) => number;
    readonly effect: (key: string) => EffectRow | null;
  },
) {
  const rows = createTable<string, RunRow>(undo);
  const numbers = createTable<string, number>(undo);
  const launchNumbers = createTable<string, number>(undo);
  /** What a check is known by begins with the key of its effect. */
  const effectOf = (key: string): EffectRow | null => effect(key) ?? effect(key.replace(/\/check-\d+$/, ''));
  const launches = createTable<string, LaunchRow>(undo);
  /** The run that each speaks for, by its hash. */
  const tokens = createTable<string, { readonly hash: string; readonly key: string }>(undo);

  const isOf =
    ({ project, plan }: PlanKey) =>
    (row: RunRow): boolean =>
      row.project === project && row.plan === plan;

  /** The newest run of each agent, the newest first. */
  function latest(): RunRow[] {
    const newest = new Map<string, RunRow>();
    for (const row of rows.all()) newest.set(JSON.stringify([row.project, row.plan, row.title]), row);
    return where(rows.all(), (row) => newest.get(JSON.stringify([row.project, row.plan, row.title])) === row).reverse();
  }

  function removeLaunch(key: string): void {
    launches.remove(key);
    launchNumbers.remove(key);
  }

  return {
    launchExpiry: createExpiry<LaunchRow>({
      all: () => where(launches.all(), () => true).map((row) => ({ number: launchNumbers.get(row.key) ?? 0, row })),
      goes: ({ key }) => effectOf(key) === null,
      drop: ({ key }) => removeLaunch(key),
    }),
    expiry: createExpiry<RunRow>({
      all: () => where(rows.all(), () => true).map((row) => ({ number: numbers.get(row.key) ?? 0, row })),
      goes: (row, beforeMs) =>
        row.queued_at < beforeMs &&
        (row.started_at === null || (row.ended_at !== null && row.ended_at < beforeMs)) &&
        (deletedAt(row) ?? beforeMs) < beforeMs,
      drop({ key }) {
        rows.remove(key);
        numbers.remove(key);
        for (const { hash } of where(tokens.all(), (token) => token.key === key)) tokens.remove(hash);
      },
    }),
    show({ run, isNewest, at }: Omit<ChangeOf<'run.show'>, 'do'>): void {
      const { key, project, plan, title, role, attempt, state, reason, branch } = run;
      const shown = { key, project, plan, run: run.run, title, role, attempt, state, reason, branch };
      const before = rows.get(key);
      const final_at = isFinalState(state) ? (before?.final_at ?? at) : null;
      if (before === undefined) {
        numbers.set(key, nextNumber(numbers.all()));
        rows.set(key, { ...shown, ...unbegun, queued_at: at, final_at });
      } else rows.patch(key, { state, reason, final_at });
      if (!isNewest) return;
      const isEarlier = (row: RunRow): boolean => isOf(run)(row) && row.title === title && row.key !== key;
      for (const earlier of where(rows.all(), isEarlier))
        if (!isFinalState(earlier.state)) rows.patch(earlier.key, { state: 'failed', final_at: at });
    },
    note({ key, set = {}, once = {} }: Omit<ChangeOf<'run.note'>, 'do'>): void {
      const row = rows.get(key);
      if (row === undefined) return;
      const known = Object.entries(row).filter(([column, value]) => column in once && value !== null);
      const fields: Partial<RunRow> = { ...set, ...once, ...Object.fromEntries(known) };
      rows.patch(key, fields);
    },
    addToken({ key, hash }: Omit<ChangeOf<'run.add-token'>, 'do'>): void {
      if (tokens.get(hash) === undefined) tokens.set(hash, { hash, key });
    },
    nameLaunch({ key, folder, secret, launchedAt }: Omit<ChangeOf<'launch.name'>, 'do'>): void {
      const launch = launches.get(key) ?? { key, launched_at: null, wrapper: null, base: null };
      if (launches.get(key) === undefined) launchNumbers.set(key, nextNumber(launchNumbers.all()));
      if (launch.launched_at === null) launches.set(key, { ...launch, folder, secret, launched_at: launchedAt });
    },
    noteLaunch({ key, launchedAt = null, wrapper = null, base = null }: Omit<ChangeOf<'launch.note'>, 'do'>): void {
      const launch = launches.get(key);
      if (launch === undefined) return;
      launches.patch(key, {
        launched_at: launch.launched_at ?? launchedAt,
        wrapper: launch.wrapper ?? wrapper,
        base: launch.base ?? base,
      });
    },

    read: (key: string): RunRow | null => rows.get(key) ?? null,
    launch: (key: string): LaunchRow | null => launches.get(key) ?? null,
    removeLaunch,
    checksOf({ project, plan, run }: Pick<RunRow, 'project' | 'plan' | 'run'>): LaunchRow[] {
      const found = where(launches.all(), ({ key }) => /\/check-\d+$/.test(key)).flatMap((launch) => {
        const check = effectOf(launch.key);
        const isOfRun = check?.kind === 'work.check' && (JSON.parse(check.payload) as WorkCheck).run === run; // written from one
        return check !== null && isOfRun && check.project === project && check.plan === plan ? [{ launch, check }] : [];
      });
      const numberOf = ({ key }: LaunchRow): number => Number(key.slice(key.lastIndexOf('-') + 1));
      return found
        .toSorted((a, b) => a.check.id - b.check.id || numberOf(a.launch) - numberOf(b.launch))
        .map(({ launch }) => launch);
    },
    launchesOf: (folders: readonly string[]): LaunchTrace[] =>
      where(launches.all(), ({ folder }) => folders.includes(folder))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1))
        .map(({ key, folder }) => {
          const { status = null, finished_at: finishedAt = null } = effectOf(key) ?? {};
          return { key, folder, status, finishedAt };
        }),
    by(query: RunQuery): RunRow[] {
      switch (query.by) {
        case 'keys':
          return where(rows.all(), ({ key }) => query.keys.includes(key)).reverse();
        case 'token':
          return where(rows.all(), (row) => row.key === tokens.get(query.hash)?.key);
        case 'title':
          return where(rows.all(), (row) => row.project === query.project && row.title === query.title).reverse();
        case 'agent': {
          const before = effectKey(query.tree, `${query.path}#`);
          const isOfAgent = ({ key, queued_at }: RunRow): boolean =>
            key.startsWith(before) && key !== before && queued_at <= query.atMs;
          return where(rows.all(), isOfAgent).slice(-1);
        }
        case 'plan': {
          const began = where(rows.all(), (row) => isOf(query)(row) && row.started_at !== null);
          const last = began.filter(({ queued_at }) => queued_at >= query.sinceMs).reverse();
          return last.slice(0, query.limit).reverse();
        }
        case 'latest':
          return latest()
            .filter(({ project }) => query.project === undefined || project === query.project)
            .filter(({ plan }) => query.plan === undefined || plan === query.plan)
            .filter(({ state }) => query.live !== true || !isFinalState(state))
            .slice(0, query.limit ?? listLimit);
      }
    },
    latest,
    /** The runs of the agent whose keys begin so. */
    ofAgent: (path: string): RunRow[] => where(rows.all(), ({ key }) => key.startsWith(path)),
    count(of: PlanKey, before?: RunRow): number {
      const began = where(rows.all(), (row) => isOf(of)(row) && row.started_at !== null);
      if (before === undefined) return began.length;
      const keys = where(rows.all(), () => true).map(({ key }) => key);
      const earlier = new Set(keys.slice(0, Math.max(0, keys.indexOf(before.key))));
      const isBefore = ({ title, attempt, key }: RunRow): boolean =>
        title === before.title && attempt === before.attempt && earlier.has(key);
      return began.filter(isBefore).length;
    },
    usage(of: PlanKey, sinceMs = 0): UsageRow[] {
      const runs = where(rows.all(), (row) => isOf(of)(row) && row.queued_at >= sinceMs);
      return [...groupBy(runs, ({ title }) => title)].map(([title, runs]) => ({ title, ...usageOf(runs) }));
    },
    spent: (of: PlanKey, sinceMs: number): SpentOf => ({
      plan: spentBy(where(rows.all(), (row) => isOf(of)(row) && row.queued_at >= createdAt(of))),
      day: spentBy(where(rows.all(), (row) => row.project === of.project && (row.started_at ?? -1) >= sinceMs)),
    }),
    usageOfPlans: (plans: readonly PlanRow[]): PlanUsageRow[] =>
      plans.flatMap(({ project, plan, createdAt }) => {
        const runs = where(rows.all(), (row) => isOf({ project, plan })(row) && row.queued_at >= createdAt);
        return runs.length === 0 ? [] : [{ project, plan, ...usageOf(runs) }];
      }),
    conversationTokens(of: { project: string; conversation: string; exceptKey: string }) {
      const others = where(
        rows.all(),
        (row) => row.project === of.project && row.conversation === of.conversation && row.key !== of.exceptKey,
      );
      return {
        input: sumOf(others.map(({ input_tokens }) => input_tokens)) ?? 0,
        output: sumOf(others.map(({ output_tokens }) => output_tokens)) ?? 0,
      };
    },
  };
}

/** What is known of a run that was only asked for. */
const unbegun = {
  started_at: null,
  ended_at: null,
  final_at: null,
  exit_code: null,
  pid: null,
  worktree: null,
  folder: null,
  preset: null,
  profile: null,
  account: null,
  conversation: null,
  input_tokens: null,
  output_tokens: null,
  cost_usd: null,
  worked_ms: null,
  last_message: null,
} as const;

function usageOf(runs: readonly RunRow[]): Omit<UsageRow, 'title'> {
  return {
    runs: runs.filter(({ started_at }) => started_at !== null).length,
    input_tokens: sumOf(runs.map(({ input_tokens }) => input_tokens)),
    output_tokens: sumOf(runs.map(({ output_tokens }) => output_tokens)),
    cost_usd: sumOf(runs.map(({ cost_usd }) => cost_usd)),
  };
}

function spentBy(runs: readonly RunRow[]): Spent {
  const { input_tokens: input, output_tokens: output, cost_usd: usd } = usageOf(runs);
  const workedMs = sumOf(runs.map(({ worked_ms }) => worked_ms)) ?? 0;
  return { usd: usd ?? 0, tokens: (input ?? 0) + (output ?? 0), agent_minutes: workedMs / 60_000 };
}

/** null: none of them is known. */
function sumOf(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((number) => number !== null);
  return known.length === 0 ? null : known.reduce((sum, number) => sum + number, 0);
}
