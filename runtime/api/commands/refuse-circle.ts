/** Refuses to implement a plan that waits for itself: it would never begin. */
import { snapshotOf } from '../../../actors/addressee.ts';
import type { PlanContext } from '../../../machines/plan/context.ts';
import { circleOf } from '../../../machines/repo/circle.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { CommandDependencies } from './command-dependencies.ts';

/** The most plans that are read. A circle beyond them is not noticed here; `explain` names it. */
const readPlans = 100;

/** Follows the **After:** of the plans that are not done. Throws `conflict` with the circle. */
export async function refuseCircle(
  { store, cache }: Pick<CommandDependencies, 'store' | 'cache'>,
  { project, plan }: PlanKey,
): Promise<void> {
  const known: { plan: string; after: readonly string[] }[] = [];
  const names = [plan];
  for (let name = names.shift(); name !== undefined && known.length < readPlans; name = names.shift()) {
    if (known.some((one) => one.plan === name)) continue;
    const row = await store.plan(project, name);
    const entry = row === null || row.status === 'done' ? null : await cache.get(planTree(project, name));
    if (entry === null) continue;
    const { after }: Pick<PlanContext, 'after'> = snapshotOf(entry.tree.root).context;
    known.push({ plan: name, after });
    names.push(...after);
  }
  const circle = circleOf(plan, known);
  if (circle === null) return;
  throw new EngineError(
    'conflict',
    `${plan} waits for itself: ${circle.join(' → ')}`,
    `take one of them out of an **After:**, then hand in that document: stator plan update-content ${shellWord(plan)} --file <file>`,
  );
}
