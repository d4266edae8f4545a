/** A tree as its row holds it, read without restoring it: its contexts, and its public states. */
import type { AnyStateMachine } from 'xstate';
import { type LandingContext, landingMachine } from '../machines/landing/machine.ts';
import { doneWork, type PlanContext, workOfWave } from '../machines/plan/context.ts';
import { planMachine } from '../machines/plan/machine.ts';
import { type RepoContext, repoMachine } from '../machines/repo/machine.ts';
import { type SupervisorContext, supervisorMachine } from '../machines/supervisor/machine.ts';
import type { DoneWork } from '../machines/vocabulary/family.ts';
import type { LandingTag, PlanTag, RepoTag, SupervisorTag } from '../machines/vocabulary/public-state.ts';
import type { WaveContext } from '../machines/wave/machine.ts';
import { compatibleSnapshot, type PersistedTree, readableByStator, versionOf } from './compatibility.ts';
import { tagsOfValue } from './recorder.ts';
import { upgrades } from './upgrades.ts';

interface StoredTree<Context, Tag extends string> {
  readonly context: Context;
  has(tag: Tag): boolean;
}

export type StoredPlan = StoredTree<PlanContext, PlanTag>;

/** Throws `snapshot_unknown` for a row that this version cannot read. */
export const storedPlan = readerOf<PlanContext, PlanTag>(planMachine);
/** As `storedPlan`. */
export const storedRepo = readerOf<RepoContext, RepoTag>(repoMachine);
/** As `storedPlan`. */
export const storedLanding = readerOf<LandingContext, LandingTag>(landingMachine);
/** As `storedPlan`. */
export const storedSupervisor = readerOf<SupervisorContext, SupervisorTag>(supervisorMachine);

/** The last commit of its branch that the plan or its running wave knows; null: the plan has made none yet. Throws as `storedPlan`. */
export function storedHead(address: string, stored: PersistedTree): string | null {
  const heads = wavesOf(stored).map(({ head }) => head);
  return heads.find((head) => typeof head === 'string') ?? storedPlan(address, stored).context.head;
}

/** All work that was put on a plan's branch, that of its running wave too, each commit once. Throws as `storedPlan`. */
export function storedWork(address: string, stored: PersistedTree): DoneWork[] {
  const { context } = storedPlan(address, stored);
  const running = wavesOf(stored).flatMap(({ number, results = {} }) => workOfWave(context.plan, number, results));
  const known = new Map([...doneWork(context), ...running].map((work) => [work.commit, work]));
  return [...known.values()];
}

type StoredWave = Pick<WaveContext, 'number'> & Partial<Pick<WaveContext, 'head' | 'results'>>;

/** The waves that live. */
function wavesOf(stored: PersistedTree): StoredWave[] {
  const { children = {} } = stored.snapshot as { children?: Readonly<Record<string, StoredChild>> }; // as XState persists a machine
  return Object.values(children).flatMap(({ src, snapshot: { context } }) =>
    src === 'wave' && context !== undefined ? [context] : [],
  );
}

interface StoredChild {
  readonly src: unknown;
  readonly snapshot: { readonly context?: StoredWave };
}

function readerOf<Context, Tag extends string>(
  machine: AnyStateMachine,
): (address: string, stored: PersistedTree) => StoredTree<Context, Tag> {
  const known = {
    name: machine.id,
    machine,
    version: versionOf(machine),
    upgrades: upgrades[machine.id] ?? {},
    readableBy: readableByStator,
  };
  return (address, stored) => {
    const { context, value } = compatibleSnapshot(address, stored, known);
    const tags = tagsOfValue(machine, value);
    return { context: context as Context, has: (tag) => tags.has(tag) }; // it is that machine's, as was checked
  };
}
