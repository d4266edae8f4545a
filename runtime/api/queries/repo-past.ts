/** What agents of a repo took before: what the time and the cost of its next plan are told from. */
import { type Role, roles } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import type { RunRow } from '../../core/store/rows.ts';
import type { RepoPast } from '../contract/repos.ts';

/** So many runs are looked at, and so many of each role are told. */
const lookedRuns = 2_000;
const toldRuns = 200;
/** Ends that are the agent's own doing. The others say nothing of how the next one will end. */
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

/** Without the time in which it was paused or waited for a person, where that is known. */
function workedMs({ worked_ms: worked, started_at: start, ended_at: end }: RunRow): number {
  return worked ?? Math.max(0, (end ?? 0) - (start ?? 0));
}
