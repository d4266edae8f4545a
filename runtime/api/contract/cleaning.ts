/** Cleaning: what is deleted, and what stays and why. */
import { z } from 'zod';

export const cleaningKinds = ['run_folder', 'hook_files', 'agent_memory', 'worktree', 'branch', 'ref', 'rows'] as const;
/** A kind of thing that is cleared away. */
export type CleaningKind = (typeof cleaningKinds)[number];

/** What a person may say to, by its own word, so that it goes all the same. */
export const cleaningOverrides = ['unmerged', 'uncommitted', 'in_use'] as const;
/** Reasons against deleting that a person may override. */
export type CleaningOverride = (typeof cleaningOverrides)[number];

export const cleaningItem = z.strictObject({
  kind: z.enum(cleaningKinds),
  project: z.string().nullable(),
  plan: z.string().nullable(),
  name: z.string(),
  /** The number of rows; 1 for everything else. */
  count: z.int(),
  /** On the disk; null: not measured. */
  bytes: z.int().nullable(),
  /** `goes`: in a preview, what would be deleted. */
  state: z.enum(['goes', 'gone', 'kept']),
  /** Why it stays, or what became of it; empty where there is nothing to say. */
  why: z.string(),
  /** The override that deletes it anyway. */
  override: z.enum(cleaningOverrides).nullable(),
});
/** Something that a plan left behind: what it is, where, how large, and whether it goes. */
export type CleaningItem = z.infer<typeof cleaningItem>;

/** What of a deleted plan may go with it; `branches`: and the worktrees that stand on them. */
export const leftoverKinds = ['worktrees', 'branches'] as const;
/** Which leftovers are deleted with a plan. */
export type LeftoverKind = (typeof leftoverKinds)[number];

export const planLeftovers = z.object({ items: z.array(cleaningItem) }).meta({ id: 'PlanLeftovers' });
/** The leftovers that would be deleted with a plan. */
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
  /** What ended before this time is deleted. */
  before: z.string(),
  items: z.array(cleaningItem),
  /** Bytes on the disk. */
  disk: z.strictObject({ before: disk, after: disk }),
  notes: z.array(z.string()),
});
/** The result of one cleaning. */
export interface CleaningReport extends z.infer<typeof cleaningReport> {}

/** Kinds of orphans: things that no plan owns any more. */
export const orphanKinds = ['worktree', 'folder', 'branch', 'ref', 'run_folder', 'socket', 'lock'] as const;

export const orphan = z.strictObject({
  kind: z.enum(orphanKinds),
  project: z.string().nullable(),
  name: z.string(),
  /** On the disk; null: not measured. */
  bytes: z.int().nullable(),
  /** `fixable`: in a dry run, what would be fixed. */
  state: z.enum(['fixable', 'fixed', 'kept']),
  /** What is done about it, or why it is kept. */
  what: z.string(),
});
/** Something that nobody owns any more, and whether it can be mended. */
export type Orphan = z.infer<typeof orphan>;

export const repairReport = z
  .object({ dry: z.boolean(), orphans: z.array(orphan), notes: z.array(z.string()) })
  .meta({ id: 'RepairReport' });
/** The result of `stator doctor --fix`. */
export interface RepairReport extends z.infer<typeof repairReport> {}
