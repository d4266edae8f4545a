/** A plan as its row holds it, read without bringing it to life: what it remembers, and its public states. Rows of earlier versions are read as this version would. */
import type { StateValue } from 'xstate';
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
  const snapshot = compatibleSnapshot(address, stored, known) as unknown as { context: PlanContext; value: StateValue }; // of the plan's machine, as was checked
  const tags = tagsOfValue(planMachine, snapshot.value);
  return { context: snapshot.context, has: (tag) => tags.has(tag) };
}
