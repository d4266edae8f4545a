/**
 * Continues plans that wait for their budget as soon as there is room again: on the next day, or with a configuration that allows more. The limit of one run
 * must be raised by a person. Costs nothing while no plan waits for its budget.
 */
import type { Kinds } from '../../../actors/kind.ts';
import { shareOf } from '../../../machines/vocabulary/budget.ts';
import { parseTree, planTree } from '../../../machines/vocabulary/ids.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import type { PlanKey, Store } from '../store/port.ts';
import type { JournalLine, PlanRow } from '../store/rows.ts';
import { type BudgetParts, lookAtRow, restoredWord } from './budget.ts';

export interface BudgetWatchParts extends BudgetParts {
  readonly projects: BudgetParts['projects'] & { isElsewhere(project: string): boolean };
  readonly store: Pick<Store, 'plan' | 'plans' | 'spent' | 'commit'>;
  readonly kinds: Pick<Kinds, 'moveOf'>;
  readonly troubles: Troubles;
  readonly facts: AsyncIterable<readonly JournalLine[] | 'behind'> & { close(): void };
  isOwner(): boolean;
  onSignals(): void;
  /** The interval at which waiting plans are checked. Default: five seconds. */
  readonly everyMs?: number;
}

export interface BudgetWatch {
  start(): void;
  /** May be called twice. */
  stop(): void;
}

const lookMs = 5_000;

export function createBudgetWatch(parts: BudgetWatchParts): BudgetWatch {
  const { store, kinds, troubles, facts, nowMs, everyMs = lookMs } = parts;
  /** Plans that may wait for their budget, by tree. */
  const waiting = new Map<string, PlanKey>();
  let isBehind = true;

  async function listen(): Promise<void> {
    for await (const lines of facts) {
      if (lines === 'behind') isBehind = true;
      else for (const line of lines) note(line);
    }
  }

  function note(line: JournalLine): void {
    const key = parseTree(line.tree);
    if (key.kind === 'plan' && isAboutBlock(line, kinds)) waiting.set(line.tree, key);
  }

  async function catchUp(): Promise<void> {
    if (!isBehind) return;
    isBehind = false;
    for (const row of await store.plans(null)) if (waitsForRoom(row)) waiting.set(planTree(row.project, row.plan), row);
  }

  async function look(tree: string, { project, plan }: PlanKey): Promise<void> {
    const row = await store.plan(project, plan);
    if (row === null || !waitsForRoom(row) || parts.projects.isElsewhere(project)) {
      waiting.delete(tree);
      return;
    }
    const budget = await lookAtRow(parts, row);
    if (budget === null || budget.uses.some((use) => shareOf(use) >= 1) || !parts.isOwner()) return;
    await store.commit([restoredWord(row, nowMs())]);
    parts.onSignals();
  }

  const loop = createServiceLoop({
    trouble: { what: 'plans that wait for their budget are not looked at' },
    troubles,
    everyMs,
    async work() {
      await catchUp();
      for (const [tree, key] of waiting) await look(tree, key);
      return null;
    },
    onError() {
      isBehind = true;
    },
  });

  return {
    start() {
      void listen();
      loop.start();
    },
    stop() {
      facts.close();
      void loop.stop(); // never rejects
    },
  };
}

/** A plan is blocked, or gets a further reason. */
function isAboutBlock(line: JournalLine, kinds: Pick<Kinds, 'moveOf'>): boolean {
  return line.event.startsWith('budget_') || kinds.moveOf(line).after.has('needs:person');
}

function waitsForRoom({ blocked }: PlanRow): boolean {
  return blocked?.source === 'budget' && blocked.budget?.scope !== 'attempt';
}
