/**
 * Lets a forge merge a plan's pull request, at exactly the approved commit, now or as soon as its checks pass; or cancels that. A second run finds the result of
 * the first.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { noticeText } from '../../../actors/notices.ts';
import { storedPlan } from '../../../actors/stored-tree.ts';
import type { PullMerge } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import type { Handler, Outcome } from '../../core/outbox/handler.ts';
import type { EffectRow } from '../../core/store/rows.ts';
import type { Forge, WantedMerge } from '../forges/forge.ts';
import { otherHeadText } from '../forges/pull-request-news.ts';
import { requestAt } from '../forges/requests.ts';
import { closedOutcome } from './plan-pull.ts';
import { type ForgeParts, withForge } from './with-forge.ts';
import { siteOf } from './workplace.ts';

/** The base may move between the check and the merge if several requests are merged at the same time. */
const tries = 3;
const pauseMs = 500;

export interface PullMergeParts extends ForgeParts {
  nowMs(): number;
}

/** If a forge is down or wants us to wait, the effect waits and spends no try. */
export function createPullMerge(parts: PullMergeParts): Handler<PullMerge> {
  return async (effect, { row, abort }): Promise<Outcome> => {
    const { branch, number } = effect;
    const { repository } = await siteOf(parts, row, { branch, from: branch });
    parts.projects.mustBeTrusted(row.project);
    if (effect.act !== 'withdraw' && !(await isWanted(parts, effect, row))) return { type: null };
    return withForge(parts, {
      ...{ repo: repository.path, row, plan: row.plan, abort },
      work: ({ forge }) =>
        effect.act === 'withdraw' ? withdraw(forge, number) : merge(parts, { forge, effect, row, abort }),
      failed: (detail) =>
        effect.act === 'withdraw'
          ? notWithdrawn(parts, row, `#${number}: ${detail}`)
          : { type: 'pr_merge_refused', payload: { detail } },
    });
  };
}

interface Merging {
  readonly forge: Forge;
  readonly effect: PullMerge;
  readonly row: EffectRow;
  readonly abort: AbortSignal;
}

async function merge(parts: ForgeParts, { forge, effect, row, abort }: Merging): Promise<Outcome> {
  const { number, head, act } = effect;
  const found = await requestAt(forge, number);
  if (found.state !== 'open') return closedOutcome(found);
  if (found.headCommit !== head) {
    const detail = otherHeadText(found, { approved: head, plan: row.plan });
    return { type: 'pr_merge_refused', payload: { detail } };
  }
  const { mergeMethod: method } = parts.projects.get(row.project).config;
  const wanted: WantedMerge = { number, head, base: found.base, method };
  parts.faults?.('pull-merge.before-merge');
  if (act === 'merge') {
    const commit = await mergeNow(forge, wanted, abort);
    parts.faults?.('pull-merge.after-merge');
    return { type: 'pr_merged', payload: { head: commit, into: found.base } };
  }
  const isScheduled = await forge.mergeWhenGreen(wanted);
  parts.faults?.('pull-merge.after-merge');
  const now = await requestAt(forge, number);
  if (now.state !== 'open') return closedOutcome(now);
  return { type: 'pr_merge_scheduled', payload: { by: isScheduled ? 'forge' : 'stator' } };
}

/** Returns the merge's commit, if the forge names it. If another merge came first, it is tried again. */
export async function mergeNow(forge: Forge, wanted: WantedMerge, abort: AbortSignal): Promise<string | null> {
  for (let nth = 1; ; nth += 1) {
    try {
      return await forge.merge(wanted);
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || thrown.code !== 'forge_refused' || nth === tries) throw thrown;
      const found = await requestAt(forge, wanted.number);
      // An earlier answer was lost, or a person merged it first.
      if (found.state === 'merged') return found.mergeCommit;
      const { kind } = await forge.mergeObstacle({ number: wanted.number, base: wanted.base });
      if (kind === 'blocked' || kind === 'behind' || found.headCommit !== wanted.head) throw thrown;
      await pause(pauseMs * nth, undefined, { signal: abort });
    }
  }
}

async function withdraw(forge: Forge, number: number): Promise<Outcome> {
  await forge.cancelMerge(number);
  return { type: null };
}

/** The plan may have moved on since its request. */
async function isWanted({ store }: ForgeParts, { id }: PullMerge, { project, plan }: EffectRow): Promise<boolean> {
  const tree = planTree(project, plan);
  const row = await store.tree(tree);
  return row !== null && storedPlan(tree, row.stored).context.pull?.work === id;
}

/** The forge may still merge automatically a commit that the plan no longer approves. */
function notWithdrawn({ nowMs }: PullMergeParts, { project, plan }: EffectRow, detail: string): Outcome {
  const message = `the forge may still merge the pull request, because stator could not cancel that: ${detail}`;
  return {
    type: 'kept',
    status: 'failed',
    error: message,
    result: JSON.stringify({ message }),
    changes: [
      {
        do: 'notification.insert',
        type: 'plan_blocked',
        project,
        plan,
        message: noticeText(message),
        at: nowMs(),
      },
    ],
  };
}
