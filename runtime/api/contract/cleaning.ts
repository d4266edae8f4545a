/** What is cleared away, and what stays and why. */
import { z } from 'zod';

export const cleaningKinds = ['run_folder', 'hook_files', 'agent_memory', 'worktree', 'branch', 'ref', 'rows'] as const;
/** A kind of thing that is cleared away. */
export type CleaningKind = (typeof cleaningKinds)[number];

/** What a person may say to, by its own word, so that it goes all the same. */
export const cleaningOverrides = ['unmerged', 'uncommitted', 'in_use'] as const;
/** What is deleted although something of it would be lost: a person names it. */
export type CleaningOverride = (typeof cleaningOverrides)[number];

export const cleaningItem = z.strictObject({
  kind: z.enum(cleaningKinds),
  project: z.string().nullable(),
  plan: z.string().nullable(),
  name: z.string(),
  /** Of rows: how many. Else 1. */
  count: z.int(),
  /** On the disk; null: not measured. */
  bytes: z.int().nullable(),
  /** `goes`: a preview says so. */
  state: z.enum(['goes', 'gone', 'kept']),
  /** Why it stays, or what became of it; empty where there is nothing to say. */
  why: z.string(),
  /** What would let it go all the same. */
  override: z.enum(cleaningOverrides).nullable(),
});
/** Something that a plan left behind: what it is, where, how large, and whether it goes. */
export type CleaningItem = z.infer<typeof cleaningItem>;

/** What of a deleted plan may go with it; `branches`: and the worktrees that stand on them. */
export const leftoverKinds = ['worktrees', 'branches'] as const;
/** What goes with a plan that is deleted. */
export type LeftoverKind = (typeof leftoverKinds)[number];

export const planLeftovers = z.object({ items: z.array(cleaningItem) }).meta({ id: 'PlanLeftovers' });
/** What would go with a plan that is deleted. */
export type PlanLeftovers = z.infer<typeof planLeftovers>;

export const planDeleted = z
  .object({
    status: z.literal('deleted'),
    project: z.string(),
    plan: z.string(),
    /** Its worktrees and branches: what went, what stays and why. */
    items: z.array(cleaningItem),
    notes: z.array(z.string()),
  })
  .meta({ id: 'PlanDeleted' });
/** A plan that was deleted, with what went with it. */
export type PlanDeleted = z.infer<typeof planDeleted>;

const disk = z.strictObject({ runs: z.int(), store: z.int() });

export const cleaningReport = z.strictObject({
  dry: z.boolean(),
  /** What ended before that goes. */
  before: z.string(),
  items: z.array(cleaningItem),
  /** Bytes on the disk. */
  disk: z.strictObject({ before: disk, after: disk }),
  notes: z.array(z.string()),
});
/** What one round of clearing away found, took and left. */
export type CleaningReport = z.infer<typeof cleaningReport>;

/** What nobody owns any more, and what it may be. */
export const orphanKinds = ['worktree', 'folder', 'branch', 'ref', 'run_folder', 'socket', 'lock'] as const;

export const orphan = z.strictObject({
  kind: z.enum(orphanKinds),
  project: z.string().nullable(),
  name: z.string(),
  /** On the disk; null: not measured. */
  bytes: z.int().nullable(),
  /** `fixable`: a look says so. */
  state: z.enum(['fixable', 'fixed', 'kept']),
  /** What is done about it; of what is kept, why. */
  what: z.string(),
});
/** Something that nobody owns any more, and whether it can be mended. */
export type Orphan = z.infer<typeof orphan>;

export const repairReport = z
  .object({ dry: z.boolean(), orphans: z.array(orphan), notes: z.array(z.string()) })
  .meta({ id: 'RepairReport' });
/** What `stator doctor --fix` found and mended. */
export type RepairReport = z.infer<typeof repairReport>;
