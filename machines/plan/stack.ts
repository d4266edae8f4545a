/** The stack of a plan's pull requests: which of its waves or tasks has one, as far as they are done. Pure functions over its context. */

import { taskName } from '../vocabulary/ids.ts';
import type { AskedStack, RequestMode, StackPart } from '../vocabulary/plan-pull.ts';
import { isFinished, isSession, nextWave, type PlanContext, workOfWave } from './context.ts';

/** One name for each pass, since the branches of an earlier pass may still exist. */
function branchOf({ plan, pass }: Pick<PlanContext, 'plan' | 'pass'>, name: string): string {
  return `stack/${plan}${pass === 0 ? '' : `-${pass + 1}`}/${name}`;
}

/** In the order of the document. */
export function stackParts(context: PlanContext, mode: RequestMode = modeOf(context)): StackPart[] {
  if (mode === 'none' || mode === 'member') return [];
  const over = context.waves.filter((wave) => wave.number <= context.passed || isFinished(context, wave));
  return over.flatMap(({ number, tasks }): StackPart[] => {
    const part = (name: string, title: string, commits: readonly string[]) =>
      commits.length === 0 ? [] : [{ name, title, branch: branchOf(context, name), commits: [...new Set(commits)] }];
    const found = context.results[number] ?? {};
    if (mode === 'wave') {
      const commits = workOfWave(context.plan, number, found).map(({ commit }) => commit);
      return part(`w${number}`, tasks.map(({ title }) => title).join('; '), commits);
    }
    return tasks.flatMap((task) => {
      const result = found[task.number];
      const commit = result?.status === 'done' ? result.commit : undefined;
      return part(taskName(number, task.number), task.title, commit === undefined ? [] : [commit]);
    });
  });
}

/** A plan keeps the kind of request that it has. */
function modeOf(context: PlanContext): RequestMode {
  const request = context.pull?.request ?? null;
  const mode = context.policy.pull_stack;
  if (request === null || request.pass !== context.pass) return isSession(context) ? 'none' : mode;
  return request.stack === undefined ? 'none' : (request.stackMode ?? mode);
}

/** The number of parts that the document plans. One part alone makes no stack. */
function planned({ waves }: PlanContext, mode: RequestMode): number {
  return mode === 'wave' ? waves.length : waves.reduce((sum, { tasks }) => sum + tasks.length, 0);
}

export function isStacked(context: PlanContext): boolean {
  const mode = modeOf(context);
  if (mode === 'none') return false;
  const { pull, pass } = context;
  if (pull?.request?.pass === pass) return true;
  return planned(context, mode) > 1 && stackParts(context, mode).length > 0;
}

/** Parts that were done since its requests were last asked for. */
export function hasMoreParts(context: PlanContext): boolean {
  return isStacked(context) && stackParts(context).length > (context.pull?.asked?.parts ?? 0);
}

/** Its work has ended, and no pull requests were requested with this head. */
export function isUnpushed(context: PlanContext): boolean {
  const { head, pull, blocked } = context;
  // Only the answer to the first request says that the repo has members.
  const shown = modeOf(context) === 'member' ? pull?.request?.head : pull?.asked?.head;
  return head !== null && blocked === null && shown !== head && isStacked(context);
}

/** What an effect needs to bring the forge up to date; null: the plan has one pull request. */
export function askedStack(context: PlanContext): AskedStack | null {
  if (!isStacked(context)) return null;
  const { pull, pass } = context;
  const request = pull?.request?.pass === pass ? pull.request : null;
  const mode = modeOf(context);
  return {
    mode,
    parts: stackParts(context),
    planned: planned(context, mode),
    known: request?.stack ?? [],
    from: request?.head ?? null,
    isWhole: pull?.asked?.head != null,
    isLast: nextWave(context) === null,
    fixes: pull?.fixes ?? null,
    byHand: pull?.asked?.byHand === true,
  };
}
