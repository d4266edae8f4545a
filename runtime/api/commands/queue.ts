/**
 * Pauses and resumes the queue for slots: the whole queue, a repo, a plan or one agent. None of its agents starts while it is paused, in this engine and in
 * later ones. Running agents go on, and so do commits, checks and merges. Clearing drops no open work: it takes ended agents off the list.
 */

import { EngineError, planNotFound, repoNotFound } from '../../../machines/vocabulary/errors.ts';
import { covers } from '../../core/store/pause-scope.ts';
import type { Change } from '../../core/store/port.ts';
import type { PauseScope, QueueRow } from '../../core/store/rows.ts';
import type { QueueCleared, QueueSwitched } from '../contract/runs.ts';
import { kindOf, pausedWhat } from '../queries/queue-pause.ts';
import type { CommandDependencies } from './command-dependencies.ts';

/** The part of the queue to pause or resume. Empty: the whole queue. */
export interface QueuePart {
  readonly project?: string | undefined;
  readonly plan?: string | undefined;
  readonly title?: string | undefined;
}

type QueueParts = Pick<CommandDependencies, 'store' | 'views' | 'projects' | 'clock' | 'log' | 'onChange'>;

export function createQueueCommands({ store, views, projects, clock, log, onChange }: QueueParts) {
  /** undefined: the whole queue. Throws `bad_request`, `repo_not_found`, `plan_not_found`, `not_found`. */
  async function partOf({ project, plan, title }: QueuePart, queue: QueueRow): Promise<PauseScope | undefined> {
    if (project === undefined) {
      if (plan === undefined && title === undefined) return undefined;
      throw new EngineError('bad_request', 'project is required', 'name the repo of the plan or agent as well');
    }
    // A paused part can be resumed even if its plan or agent is gone.
    const said = { project, plan: plan ?? '', title: title ?? '' };
    if (isPaused(queue, said)) return said;
    const ofTitle = queue.pauses.find((each) => each.project === project && each.title === title);
    if (title !== undefined && plan === undefined && ofTitle !== undefined)
      return { project, plan: ofTitle.plan, title };
    if (projects.find(project) === null) throw repoNotFound(project, 'see them with: stator repo list');
    if (plan !== undefined && (await store.plan(project, plan)) === null) throw planNotFound(project, plan);
    if (title === undefined) return said;
    const runs = await store.runs({ by: 'title', project, title });
    const run = runs.find((each) => plan === undefined || each.plan === plan);
    if (run !== undefined) return { project, plan: run.plan, title };
    const where = plan === undefined ? `repo ${project}` : `plan ${project}/${plan}`;
    throw new EngineError(
      'not_found',
      `instance not found: "${title}" in ${where}`,
      'list the agents with: stator agent list; to pause an agent that does not exist yet, pause its plan',
    );
  }

  /** Also logs the change: the log must show why nothing starts. */
  async function turn(status: QueueSwitched['status'], changes: readonly Change[], part?: PauseScope) {
    if (changes.length > 0) await store.commit(changes);
    const what = pausedWhat(part ?? 'queue');
    if (changes.length > 0) log.info(status === 'paused' ? `${what}: no agent of it starts` : `no longer: ${what}`);
    onChange();
    const isOf = (agent: PauseScope) => part === undefined || covers(part, agent);
    const pending = (await views.queue()).filter((entry) => entry.state === 'pending' && isOf(entry)).length;
    const { pauses } = await views.queueStats();
    const named = { project: part?.project || null, plan: part?.plan || null, title: part?.title || null };
    return { status, changed: changes.length > 0, of: kindOf(part ?? 'queue'), ...named, pending, pauses };
  }

  return {
    /** Throws `bad_request`, `repo_not_found`, `plan_not_found`, `not_found`. */
    async pauseQueue(asked: QueuePart = {}): Promise<QueueSwitched> {
      const queue = await store.queue();
      const what = await partOf(asked, queue);
      const at = clock.nowMs();
      if (what === undefined) return turn('paused', queue.pausedAt === null ? [{ do: 'queue.pause', at }] : []);
      return turn('paused', isPaused(queue, what) ? [] : [{ do: 'queue.pause', at, what }], what);
    },
    /** Ends that one pause, or with `all` every pause. Throws as `pauseQueue`. */
    async resumeQueue({
      all = false,
      ...asked
    }: QueuePart & { readonly all?: boolean | undefined } = {}): Promise<QueueSwitched> {
      const queue = await store.queue();
      const what = await partOf(asked, queue);
      if (all && what !== undefined)
        throw new EngineError(
          'bad_request',
          'all ends every pause, so give no project, plan or title',
          'leave out all, or the names beside it',
        );
      const whole: Change[] = queue.pausedAt === null ? [] : [{ do: 'queue.resume' }];
      if (all)
        return turn('resumed', [...whole, ...queue.pauses.map((each): Change => ({ do: 'queue.resume', what: each }))]);
      if (what === undefined) return turn('resumed', whole);
      return turn('resumed', isPaused(queue, what) ? [{ do: 'queue.resume', what }] : [], what);
    },
    async clearQueue(): Promise<QueueCleared> {
      const listed = (await views.queue()).flatMap(({ finished_at: at }) => (at === null ? [] : [Date.parse(at)]));
      // Agents that end after this reading stay listed.
      if (listed.length > 0)
        await store.commit([{ do: 'queue.clear', at: listed.reduce((last, at) => Math.max(last, at)) }]);
      return { status: 'cleared', cleared: listed.length };
    },
  };
}

function isPaused({ pauses }: QueueRow, { project, plan, title }: PauseScope): boolean {
  return pauses.some((each) => each.project === project && each.plan === plan && each.title === title);
}
