/** The commands of people and agents: each becomes signals in the inbox, and the answer is the verdict on them. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isFinal } from '../../../machines/vocabulary/run-state.ts';
import { tokenHash } from '../../base/platform/token.ts';
import { dependentPlan } from '../../core/inbox/signal-row.ts';
import { agentsAtWork, requeueAgents } from '../../core/outbox/requeue.ts';
import type { Change, PlanKey } from '../../core/store/port.ts';
import type { RunRow } from '../../core/store/rows.ts';
import type { CleaningRequest } from '../../work/gc/gc.ts';
import type { Deliveries } from '../../work/intake/deliveries.ts';
import type { CleaningReport, RepairReport } from '../contract/cleaning.ts';
import type { NotificationsRead } from '../contract/notifications.ts';
import type { WhatIf, WhatIfQuestion } from '../contract/plans.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createDocumentCommands } from './documents.ts';
import { createHostCommands } from './hosts.ts';
import { createIssueCommands } from './issues.ts';
import { createLandingCommands } from './landings.ts';
import { createMachineCommands } from './machines.ts';
import { createPermissionCommands } from './permissions.ts';
import { createPlanCommands } from './plans.ts';
import { createQueueCommands } from './queue.ts';
import { createRepoCommands } from './repos.ts';
import { createRequestLedger } from './request-ledger.ts';
import { createRunQuota } from './run-quota.ts';
import { createSend } from './send.ts';
import { verdictWaitMs } from './signal-sender.ts';
import { createSoloCommands } from './solo.ts';
import { warnings } from './warnings.ts';

export type { CommandDependencies } from './command-dependencies.ts';

/** As `CleaningRequest`, but the age may come from the setting. */
type ClearRequest = Omit<CleaningRequest, 'olderThanMs'> & { readonly olderThanMs: number | null };

export type Commands = ReturnType<typeof createCommands>;

/** The dependencies of operations. */
export interface OperationParts extends CommandDependencies {
  readonly commands: Commands;
  readonly deliveries: Pick<Deliveries, 'take'>;
  /** The course that a plan would have taken with other inputs. Throws `plan_not_found`, `not_found`, `snapshot_unknown`. */
  whatIf(asked: WhatIfQuestion & PlanKey): Promise<WhatIf>;
  /** How long the daemon, or a program's engine, has run. A change of the system clock does not affect it. */
  uptimeMs(): number;
}

export function createCommands(parts: CommandDependencies) {
  const { store, projects, views, clock, cleaning, settings } = parts;
  const quota = createRunQuota();
  const { send, sendToAgent } = createSend(parts, quota);

  const { mustBeFileOf, bindFile, ...plans } = createPlanCommands(parts);

  return {
    warnings: () => warnings(parts),
    send,
    sendToAgent,
    async retry(id: number): Promise<SignalAnswer> {
      const entry = await views.signal(id);
      const revived = await store.commit([{ do: 'signal.revive', id }, ...(await faultAfter(parts, id))]);
      if (revived.status === 'lost')
        throw new EngineError(
          'conflict',
          `signal ${id} is ${entry.status}; only a failed one can be tried again`,
          `see it with: stator signal show ${id}`,
        );
      await parts.settled(id, verdictWaitMs);
      return views.answer(id);
    },
    ...plans,
    ...createDocumentCommands({ registerPlan: plans.registerPlan, bindFile, mustBeFileOf, send }),
    /** `olderThanMs` null: the setting `retention`. Throws as `Cleaning.clear`. */
    clear: ({ olderThanMs, ...request }: ClearRequest): Promise<CleaningReport> =>
      cleaning.clear({ ...request, olderThanMs: olderThanMs ?? settings.current().retentionMs }),
    /**
     * Removes all of stator's worktrees, branches and refs from the repos, for every plan; agents are stopped first. Uncommitted work is saved as a ref of
     * an attempt. Throws `conflict` in an engine that stays, unless `dry`: the engine would go on working there.
     */
    async clearRepos({ dry }: { readonly dry: boolean }): Promise<CleaningReport> {
      // Running agents are stopped before anything is deleted.
      if (dry) return cleaning.clearRepos({ dry, overrides: ['in_use', 'uncommitted'] });
      if (parts.stays)
        throw new EngineError(
          'conflict',
          'this engine works in the repos',
          'stop it first: stator daemon stop --agents',
        );
      await requeueAgents(store, await agentsAtWork(store), clock.nowMs());
      for (const { project } of projects.list()) await parts.runsEnded(project);
      // No engine follows that could still commit what the agents left.
      return cleaning.clearRepos({ dry, overrides: ['uncommitted'] });
    },
    /** Throws as `Cleaning.repair`. */
    repair: (request: { readonly dry: boolean }): Promise<RepairReport> => cleaning.repair(request),
    ...createIssueCommands({ ...parts, send, registerPlan: plans.registerPlan, forgetPlan: plans.forgetPlan }),
    ...createSoloCommands({ ...parts, send }),
    ...createRepoCommands(parts),
    ...createHostCommands(parts),
    ...createLandingCommands(parts),
    ...createQueueCommands(parts),
    ...createNotificationCommands(parts),
    ...createMachineCommands(parts),
    ...createPermissionCommands(parts, quota),
    ...createRequestLedger(parts),
    /** The run that a token speaks for, as long as it has not ended. Throws `unauthorized`. */
    async runOfToken(token: string): Promise<RunRow> {
      const [run] = await store.runs({ by: 'token', hash: tokenHash(token) });
      if (run !== undefined && run.ended_at === null && !isFinal(run)) return run;
      throw new EngineError(
        'unauthorized',
        run === undefined
          ? 'the token belongs to no run that this engine knows'
          : `the token belongs to a run of ${run.title} that has ended`,
        'unset STATOR_TOKEN to speak as a person',
      );
    },
  };
}

/** When that signal is tried again, one fewer is quarantined: the plan stays blocked because of the next one, or goes on. */
async function faultAfter({ store, clock }: CommandDependencies, id: number): Promise<readonly Change[]> {
  const row = await store.signal(id);
  const key = row === null ? null : dependentPlan(row);
  const from = key === null ? null : ((await store.plan(key.project, key.plan))?.faultSignal ?? null);
  if (key === null || from === null) return [];
  const isUnchanged = from !== id && (await store.signal(from))?.status === 'failed';
  return isUnchanged ? [] : [{ do: 'plan.move-fault', key, from, at: clock.nowMs() }];
}

/** More than the number of notifications that the store holds. */
const everything = 10_000;

/** Commands on notifications. */
function createNotificationCommands({ store }: Pick<CommandDependencies, 'store'>) {
  return {
    /** Marks the notifications up to now as read; later ones stay unread. */
    async readNotifications(): Promise<NotificationsRead> {
      const unread = await store.notifications({ limit: everything, isUnread: true });
      const newest = unread[0]?.id;
      if (newest !== undefined) await store.commit([{ do: 'notification.read', upTo: newest }]);
      return { status: 'read', read: unread.length };
    },
  };
}
