/** Cleaning: what is deleted, and what stays and why. */
import { z } from 'zod';

export const cleaningKinds = ['run_folder', 'hook_files', 'agent_memory', 'worktree', 'branch', 'ref', 'rows'] as const;

/** Reasons that a person may override, each with its own flag. */
export const cleaningOverrides = ['unmerged', 'uncommitted', 'in_use'] as const;
/** Reasons against deleting that a person may override. */
export type CleaningOverride = (typeof cleaningOverrides)[number];

export const cleaningItem = z.strictObject({
  kind: z.enum(cleaningKinds),
  project: z.string().nullable(),
  plan: z.string().nullable(),
  name: z.string(),
  /** The number of rows; 1 for all other kinds. */
  count: z.int(),
  /** Bytes on the disk; null: not measured. */
  bytes: z.int().nullable(),
  /** `goes`: in a preview, what would be deleted. */
  state: z.enum(['goes', 'gone', 'kept']),
  /** Why it stays, or what was done with it; empty if there is nothing to report. */
  why: z.string(),
  /** The override that deletes it anyway. */
  override: z.enum(cleaningOverrides).nullable(),
});
/** Something that a plan left behind: what it is, where it is, how large it is, and whether it is deleted. */
export type CleaningItem = z.infer<typeof cleaningItem>;

/** The leftovers that may be deleted with a plan; `branches` includes the worktrees of these branches. */
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
    /** Its worktrees and branches: each was deleted, or stays for a reason. */
    items: z.array(cleaningItem),
    notes: z.array(z.string()),
  })
  .meta({ id: 'PlanDeleted' });
/** A deleted plan, with everything that was deleted with it. */
export type PlanDeleted = z.infer<typeof planDeleted>;

const disk = z.strictObject({ runs: z.int(), store: z.int() });

export const cleaningReport = z.strictObject({
  dry: z.boolean(),
  /** Things that ended before this time are deleted. */
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
  /** Bytes on the disk; null: not measured. */
  bytes: z.int().nullable(),
  /** `fixable`: in a dry run, what would be fixed. */
  state: z.enum(['fixable', 'fixed', 'kept']),
  /** What is done about it, or why it is kept. */
  what: z.string(),
});
/** An orphan, and whether it can be fixed. */
export type Orphan = z.infer<typeof orphan>;

export const repairReport = z
  .object({ dry: z.boolean(), orphans: z.array(orphan), notes: z.array(z.string()) })
  .meta({ id: 'RepairReport' });
/** The result of `stator doctor --fix`. */
export interface RepairReport extends z.infer<typeof repairReport> {}
