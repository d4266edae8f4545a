/** Runs the checks that a document names for its tasks, each as a process of its own that survives the engine like a run does. */

import { storedPlan } from '../../../actors/stored-tree.ts';
import { type PlanDocument, type PlanTask, parsePlan } from '../../../machines/document/plan-document.ts';
import { isLeftBehind } from '../../../machines/plan/context.ts';
import type { WorkCheck } from '../../../machines/vocabulary/effect.ts';
import { effectKey, instanceTitle, planTree } from '../../../machines/vocabulary/ids.ts';
import { logCommand } from '../../../machines/vocabulary/reason-text.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { EffectContext, Handler, Outcome } from '../../core/outbox/handler.ts';
import type { CheckNote } from '../agents/check-note.ts';
import { type AskedCheck, type CheckParts, failureText, runCheck } from './check-run.ts';

export function createCheck(parts: CheckParts): Handler<WorkCheck> {
  return async (effect, context): Promise<Outcome> => {
    const { document, checked } = await checksOf(parts, effect, context);
    const { members } = parts.projects.get(context.row.project).config;
    // Without members the plan's own `**Repo:**` is text, and no folder.
    const named = members.length > 0 ? null : (document.repo?.name ?? null);
    for (const [index, { wave, task }] of checked.entries()) {
      const note = { wave, task: task.number, command: task.check ?? 'true' };
      const command = commandOf(task, named);
      const failure = await runCheck(
        parts,
        askedOf(parts, effect, context, { number: index + 1, note, command }),
        context,
      );
      const of = `wave ${wave} task ${task.number}`;
      if (failure !== null) return { type: 'check_failed', payload: { detail: failureText({ ...note, of }, failure) } };
    }
    return { type: 'check_passed', payload: {} };
  };
}

/** The checks of the whole plan, without those of tasks that a person skipped. */
async function checksOf(
  { store }: CheckParts,
  effect: WorkCheck,
  { row }: EffectContext,
): Promise<{ document: PlanDocument; checked: { wave: number; task: PlanTask }[] }> {
  const { document } = parsePlan((await store.planText(row.project, row.plan)) ?? '');
  const all = document.waves.flatMap(({ number, tasks }) => tasks.map((task) => ({ wave: number, task })));
  const checked = all.filter(({ task }) => task.check !== null);
  if (effect.wave !== null)
    return {
      document,
      checked: checked.filter(({ wave, task }) => wave === effect.wave && task.number === effect.task),
    };
  const address = planTree(row.project, row.plan);
  const tree = await store.tree(address);
  if (tree === null) return { document, checked };
  const { context } = storedPlan(address, tree.stored);
  return { document, checked: checked.filter(({ wave, task }) => !isLeftBehind(context, wave, task.number)) };
}

/** The check of a task for a member runs in the member's folder. `named`: a repo that is no folder. */
function commandOf({ check, repo }: PlanTask, named: string | null): string {
  return repo === null || repo === named ? (check ?? 'true') : `cd ${shellWord(repo)} || exit 1\n${check ?? 'true'}`;
}

function askedOf(
  parts: CheckParts,
  effect: WorkCheck,
  context: EffectContext,
  { number, note, command }: { readonly number: number; readonly note: CheckNote; readonly command: string },
): AskedCheck {
  const { place, wave, task } = effect;
  const more = async () => logCommand(await titleOf(parts, effect, context), 'check-failed');
  return { plan: context.row.plan, place, wave, task, command, number, note, more };
}

async function titleOf({ store }: CheckParts, { run, wave, task }: WorkCheck, { row }: EffectContext): Promise<string> {
  const judged = run === undefined ? null : await store.run(effectKey(row.tree, run));
  return judged?.title ?? instanceTitle({ plan: row.plan, role: 'coder', wave, task, round: 0 });
}
