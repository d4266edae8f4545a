/**
 * The metrics of an engine and its store, in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats). Every number is read
 * from the views and the store when it is requested, so an engine whose metrics nobody reads does no work for them.
 */
import { lanes } from '../../../machines/vocabulary/effect.ts';
import { groupBy } from '../../base/platform/group-by.ts';
import { createLoopDelay, type LoopDelay } from '../../base/platform/loop-delay.ts';
import { statorVersion } from '../../base/platform/version.ts';
import { countedHost, slotsOf } from '../../core/outbox/slots.ts';
import type { RunTotals } from '../../core/store/rows.ts';
import type { AccountEntry } from '../contract/accounts.ts';
import type { ForgeEntry } from '../contract/forges.ts';
import { type MetricName, metrics } from '../contract/metrics.ts';
import type { PlanEntry } from '../contract/plans.ts';
import type { RepoEntry } from '../contract/repos.ts';
import type { QueueStats } from '../contract/runs.ts';
import { sumOfUsage } from './usage.ts';
import type { ViewDependencies } from './view-dependencies.ts';

/** The signals, and the period, from which the latency is computed. */
const newestSignals = 1_000;
const latencyMs = 5 * 60_000;

/** The most runs of one reading: it takes some milliseconds. */
const runsOfPage = 2_000;
/** What a run used may be noted after its end, within seconds. Until then it is read again at each request. */
const settlingMs = 5 * 60_000;

/** `beganMs`: when the engine began. */
export interface MeasuredParts extends ViewDependencies {
  readonly beganMs: number;
}

/** The views that already have such numbers. */
export interface MeasuredViews {
  repos(): Promise<RepoEntry[]>;
  plans(project: null): Promise<PlanEntry[]>;
  queueStats(): Promise<QueueStats>;
  forges(): Promise<ForgeEntry[]>;
  accounts(): Promise<AccountEntry[]>;
}

type Labels<Name extends MetricName> = Readonly<Record<(typeof metrics)[Name]['labels'][number], string>>;

/** A value of a metric. */
export type Sample = {
  [Name in MetricName]: { readonly name: Name; readonly labels: Labels<Name>; readonly value: number };
}[MetricName];

export type MetricsView = ReturnType<typeof createMetricsView>;

export function createMetricsView(parts: MeasuredParts, views: MeasuredViews) {
  const loopDelay = createLoopDelay();
  const runCounts = createRunCounts(parts);
  let current: Promise<string> | null = null;

  const write = async () => {
    const samples = await Promise.all([
      ofPlans(views),
      ofSlots(parts),
      ofQueue(parts, views),
      ofSignals(parts),
      runCounts().then((totals) => ofRuns(totals, parts)),
      ofServices(parts, views),
      ofStore(parts),
    ]);
    return metricsText([...samples.flat(), ...ofLoop(loopDelay()), ...ofProcess()]);
  };

  return {
    /** Requests at the same time share one answer. */
    metrics(): Promise<string> {
      current ??= write().finally(() => {
        current = null;
      });
      return current;
    },
  };
}

function sample<Name extends MetricName>(name: Name, labels: Labels<Name>, value: number): Sample {
  return { name, labels, value } as Sample; // the types of the parameters guarantee it
}

async function ofPlans(views: MeasuredViews): Promise<Sample[]> {
  const [repos, plans] = await Promise.all([views.repos(), views.plans(null)]);
  const repoStates = counted(repos, ({ state }) => ({ state }));
  const statuses = counted(plans, ({ project, status }) => ({ project, status }));
  return [
    ...repoStates.map(({ labels, count }) => sample('stator_repos', labels, count)),
    ...statuses.map(({ labels, count }) => sample('stator_plans', labels, count)),
    ...repos.map(({ project }) => {
      const waiting = plans.filter((plan) => plan.project === project && plan.turn === 'person');
      return sample('stator_plans_waiting_for_person', { project }, waiting.length);
    }),
  ];
}

async function ofSlots({ store, limits }: ViewDependencies): Promise<Sample[]> {
  const own = store.hosts?.own ?? '';
  const sumOf = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);
  const ofLanes = lanes.map(async (lane) => {
    const [running, queued] = await Promise.all([
      store.effectCounts(lane, 'running', countedHost(lane, own)),
      store.effectCounts(lane, 'queued'),
    ]);
    return [
      sample('stator_slots', { lane }, slotsOf(lane, limits())),
      sample('stator_slots_used', { lane }, sumOf(running)),
      sample('stator_effects_queued', { lane }, sumOf(queued)),
    ];
  });
  return (await Promise.all(ofLanes)).flat();
}

async function ofQueue({ clock }: ViewDependencies, views: MeasuredViews): Promise<Sample[]> {
  const { pending, notified, held, oldest_pending: oldest, paused } = await views.queueStats();
  const oldestMs = oldest === null ? 0 : Math.max(0, clock.nowMs() - Date.parse(oldest));
  return [
    ...Object.entries({ pending, notified, held }).map(([state, count]) =>
      sample('stator_queue_agents', { state }, count),
    ),
    sample('stator_queue_oldest_seconds', {}, oldestMs / 1_000),
    sample('stator_queue_paused', {}, paused ? 1 : 0),
  ];
}

async function ofSignals({ store, clock, timeline }: ViewDependencies): Promise<Sample[]> {
  const now = { keptMs: timeline.nowMs(), wallMs: clock.nowMs() };
  const sinceMs = now.wallMs - latencyMs;
  const { due, oldestMs, held, delaysMs } = await store.inboxLoad({ now, newest: newestSignals, sinceMs });
  const sorted = delaysMs.toSorted((a, b) => a - b);
  const quantiles = sorted.length === 0 ? [] : [0.5, 0.9, 0.99, 1];
  return [
    sample('stator_signals', { state: 'due' }, due),
    sample('stator_signals', { state: 'held' }, held),
    sample('stator_signal_oldest_seconds', {}, Math.max(0, oldestMs ?? 0) / 1_000),
    ...quantiles.map((quantile) => {
      const delayMs = sorted[Math.ceil(quantile * sorted.length) - 1] ?? 0;
      return sample('stator_signal_latency_seconds', { quantile: String(quantile) }, delayMs / 1_000);
    }),
  ];
}

/**
 * Adds up the runs that ended since the engine began, as Prometheus wants a counter: it rises, and begins at zero with the process. Only what ended since the
 * last request is read, page by page.
 */
function createRunCounts({ store, clock, beganMs }: Pick<MeasuredParts, 'store' | 'clock' | 'beganMs'>) {
  let counted: readonly RunTotals[] = [];
  let countedUpTo = beganMs;

  async function read(upTo: number): Promise<{ totals: readonly RunTotals[]; upTo: number }> {
    let totals = counted;
    let after = countedUpTo;
    for (;;) {
      const page = await store.finalTotals({ after, upTo, limit: runsOfPage });
      if (page === null) return { totals, upTo: after };
      totals = added([...totals, ...page.totals]);
      after = page.upTo;
    }
  }

  return async (): Promise<readonly RunTotals[]> => {
    const settled = await read(clock.nowMs() - settlingMs);
    counted = settled.totals;
    countedUpTo = settled.upTo;
    return (await read(Number.MAX_SAFE_INTEGER)).totals;
  };
}

/** One line for each state, preset and reason. */
function added(rows: readonly RunTotals[]): RunTotals[] {
  const groups = groupBy(rows, ({ project, preset, state, reason }) =>
    JSON.stringify([project, preset, state, reason]),
  );
  return [...groups.values()].flatMap((same) => same.slice(0, 1).map((first) => ({ ...first, ...sumOfUsage(same) })));
}

/** Runs of removed repositories are left out, so there are no more projects than are registered. */
function ofRuns(totals: readonly RunTotals[], { projects }: Pick<ViewDependencies, 'projects'>): Sample[] {
  const rows = totals.filter(({ project }) => projects.find(project) !== null);
  const byPreset = groupBy(rows, ({ project, preset }) => JSON.stringify([project, preset]));
  return [
    ...rows.map(({ project, preset, state, reason, runs }) =>
      sample('stator_runs_total', { project, preset: preset ?? '', state, reason: reason ?? '' }, runs),
    ),
    ...[...byPreset.values()].flatMap(usageSamples),
  ];
}

/** Unreported usage is missing, and not 0. */
function usageSamples(rows: readonly RunTotals[]): Sample[] {
  const { project = '', preset = null } = rows[0] ?? {};
  const labels = { project, preset: preset ?? '' };
  const { input_tokens: input, output_tokens: output, cost_usd: cost } = sumOfUsage(rows);
  return [
    ...(input === null ? [] : [sample('stator_tokens_total', { ...labels, direction: 'input' }, input)]),
    ...(output === null ? [] : [sample('stator_tokens_total', { ...labels, direction: 'output' }, output)]),
    ...(cost === null ? [] : [sample('stator_cost_usd_total', labels, cost)]),
  ];
}

async function ofServices({ serviceTroubles }: ViewDependencies, views: MeasuredViews): Promise<Sample[]> {
  const [forges, accounts] = await Promise.all([views.forges(), views.accounts()]);
  return [
    ...forges.map(({ project, state }) => sample('stator_forge_up', { project }, state === 'up' ? 1 : 0)),
    sample('stator_accounts_limited', {}, accounts.filter(({ since }) => since !== null).length),
    sample('stator_services_failing', {}, serviceTroubles?.().length ?? 0),
  ];
}

async function ofStore({ store, storeTrouble }: ViewDependencies): Promise<Sample[]> {
  const { bytes, freeBytes } = await store.size();
  return [
    sample('stator_store_writable', {}, (storeTrouble?.() ?? null) === null ? 1 : 0),
    sample('stator_store_bytes', {}, bytes),
    sample('stator_store_free_bytes', {}, freeBytes),
  ];
}

function ofLoop(delay: LoopDelay | null): Sample[] {
  if (delay === null) return [];
  const late = (quantile: string, ms: number) => sample('stator_event_loop_delay_seconds', { quantile }, ms / 1_000);
  return [late('0.5', delay.median), late('0.99', delay.p99), late('1', delay.max)];
}

function ofProcess(): Sample[] {
  const { user, system } = process.cpuUsage();
  return [
    sample('stator_info', { version: statorVersion() }, 1),
    sample('process_start_time_seconds', {}, performance.timeOrigin / 1_000),
    sample('process_cpu_seconds_total', {}, (user + system) / 1e6),
    sample('process_resident_memory_bytes', {}, process.memoryUsage.rss()),
  ];
}

/** How many of the rows have the same labels. */
function counted<Row, Label extends string>(rows: readonly Row[], labelsOf: (row: Row) => Record<Label, string>) {
  const groups = groupBy(rows.map(labelsOf), (labels) => JSON.stringify(labels));
  return [...groups.values()].flatMap((same) => same.slice(0, 1).map((labels) => ({ labels, count: same.length })));
}

/** All samples of a metric together, in the order of the metrics; a metric without a sample is left out. */
export function metricsText(samples: readonly Sample[]): string {
  const byName = groupBy(samples, ({ name }) => name);
  const lines = Object.entries(metrics).flatMap(([name, { type, help }]) => {
    const found = byName.get(name as MetricName) ?? []; // a key of the table
    if (found.length === 0) return [];
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...found.map(sampleLine)];
  });
  return `${lines.join('\n')}\n`;
}

function sampleLine({ name, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
