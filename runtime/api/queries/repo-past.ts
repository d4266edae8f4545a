/** Time and cost of a repo's earlier agents, from which its next plan is estimated. */
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import type { RunRow } from '../../core/store/rows.ts';
import type { RepoPast } from '../contract/repos.ts';

/** The most runs that are read, and the most runs of each role in the answer. */
const lookedRuns = 2_000;
const toldRuns = 200;
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

export async function repoPast(store: Pick<Store, 'runs'>, project: string): Promise<RepoPast> {
  const ended = (await store.runs({ by: 'ended', project, limit: lookedRuns })).filter(isOwnEnd);
  const found = roles.map((role: Role) => ({
    role,
    runs: ended
      .filter((run) => run.role === role)
      .slice(0, toldRuns)
      .map((run) => ({ duration_ms: workedMs(run), failed: run.reason !== null, cost_usd: run.cost_usd })),
  }));
  return { project, roles: found.filter(({ runs }) => runs.length > 0) };
}

function isOwnEnd({ state, reason }: RunRow): boolean {
  return reason === null ? state === 'succeeded' : ownFailures.has(reason);
}

/** Without the time of pauses and of waits for a person, if that is known. */
function workedMs({ worked_ms: worked, started_at: start, ended_at: end }: RunRow): number {
  return worked ?? Math.max(0, (end ?? 0) - (start ?? 0));
}
