/** Time and cost of a repo's earlier agents, from which its next plan is estimated, and the files in which its tasks conflicted. */
import { engineSignals } from '../../../machines/vocabulary/engine-signals.ts';
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import type { RunRow, SignalRow } from '../../core/store/rows.ts';
import type { RepoPast } from '../contract/repos.ts';
import { timeText } from './time-text.ts';

/** The most runs that are read, and the most runs of each role in the answer. */
const lookedRuns = 2_000;
const shownRuns = 200;
const shownConflicts = 100;
const shownFiles = 100;
/** Ends that the agent itself caused. Other ends do not help to predict the next run. */
const ownFailures = new Set([
  'exit-code',
  'timeout',
  'idle',
  'no-change',
  'check-failed',
  'no-verdict',
  'resource-limit',
]);

export async function repoPast(store: Pick<Store, 'runs' | 'signals'>, project: string): Promise<RepoPast> {
  const ended = (await store.runs({ by: 'ended', project, limit: lookedRuns })).filter(isOwnEnd);
  const found = roles.map((role: Role) => ({
    role,
    runs: ended
      .filter((run) => run.role === role)
      .slice(0, shownRuns)
      .map((run) => ({ duration_ms: workedMs(run), failed: run.reason !== null, cost_usd: run.cost_usd })),
  }));
  const conflicts = await store.signals({ project, type: 'work_conflicted', limit: shownConflicts });
  return { project, roles: found.filter(({ runs }) => runs.length > 0), conflicts: conflicts.flatMap(conflictOf) };
}

/** The path of a task's actor, as the run of its merge begins. */
const taskPath = /^wave-(\d+)\.\d+\/task-(\d+)\./;

/** Empty for a row of another program, and for the work of a plan with one coder. */
function conflictOf(row: SignalRow): RepoPast['conflicts'] {
  const [, wave, task] = taskPath.exec(row.run ?? '') ?? [];
  if (row.origin !== 'engine' || row.is_checked !== 1 || wave === undefined || task === undefined) return [];
  const { files } = engineSignals.work_conflicted.payload.parse(JSON.parse(row.payload));
  return [
    {
      plan: row.plan,
      wave: Number(wave),
      task: Number(task),
      files: files.slice(0, shownFiles),
      at: timeText(row.created_at),
    },
  ];
}

function isOwnEnd({ state, reason }: RunRow): boolean {
  return reason === null ? state === 'succeeded' : ownFailures.has(reason);
}

/** Without the time of pauses and of waits for a person, if that is known. */
function workedMs({ worked_ms: worked, started_at: start, ended_at: end }: RunRow): number {
  return worked ?? Math.max(0, (end ?? 0) - (start ?? 0));
}
