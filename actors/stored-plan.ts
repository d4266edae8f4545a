/** A plan as its row holds it, read without bringing it to life: what it remembers, and its public states. Rows of earlier versions are read as this version would. */
import type { PlanContext } from '../machines/plan/context.ts';
import { planMachine } from '../machines/plan/machine.ts';
import type { PlanTag } from '../machines/vocabulary/public-state.ts';
import { compatibleSnapshot, type PersistedTree, versionOf } from './compatibility.ts';
import { tagsOfValue } from './public-states.ts';
import { upgrades } from './upgrades.ts';

export interface StoredPlan {
  readonly context: PlanContext;
  has(tag: PlanTag): boolean;
}

const known = { machine: planMachine, version: versionOf(planMachine), upgrades: upgrades.plan ?? {} };

/** Throws `snapshot_unknown` for a row that this version cannot read. */
export function storedPlan(address: string, stored: PersistedTree): StoredPlan {
  const { context, value } = compatibleSnapshot(address, stored, known);
  const tags = tagsOfValue(planMachine, value);
  return { context: context as PlanContext, has: (tag) => tags.has(tag) }; // of the plan's machine, as was checked
}
