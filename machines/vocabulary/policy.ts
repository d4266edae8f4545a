/** The part of the configuration that guards may read. It lives in a root's context and changes only by a `policy` line of the journal. */
import { z } from 'zod';
import { landers } from './landing.ts';
import { pullMergeModes, stackModes } from './plan-pull.ts';

export const isolations = ['task', 'plan'] as const;
export type Isolation = (typeof isolations)[number];

/** Tasks whose declared files overlap run one after the other: only those of one wave, or also those of different plans. */
export const overlaps = ['wave', 'serial'] as const;
export type Overlap = (typeof overlaps)[number];

/** Planners that write drafts of one plan at once: their texts are kept with the plan. */
export const plannerDraftsLimit = 5;

const madeRolePolicy = z.strictObject({
  /** A role that is off is skipped. A coordinator that resolves to `sh` is off. */
  on: z.boolean(),
  attempts: z.int().min(1).max(100),
  timeoutMs: z.int().min(1),
  /** null: silence is no reason to end a run. */
  idleMs: z.int().min(1).nullable(),
  /** The exit code of this coordinator is its verdict (preset `command`). */
  speaksByExit: z.boolean(),
  /** A session's: it fixes what a review asks for without a person's signal. A policy of an earlier version without this key follows `auto_review_fix`. */
  fixesAlone: z.boolean().optional(),
  /** A coder's: the table of `[agents]` that does small tasks; absent: its own. */
  small: z.string().max(64).optional(),
});
/** A named type: the types of a policy refer to it by name and do not repeat it for each role. */
export interface RolePolicySchema extends MadeRolePolicy {}
type MadeRolePolicy = typeof madeRolePolicy;
const rolePolicySchema: RolePolicySchema = madeRolePolicy;
export type RolePolicy = z.infer<typeof rolePolicySchema>;

const madePolicy = z.strictObject({
  auto_advance: z.boolean(),
  auto_advance_waves: z.boolean(),
  auto_review_fix: z.boolean(),
  auto_readiness_review: z.boolean(),
  auto_create_pr: z.boolean(),
  auto_merge: z.boolean(),
  /** A done plan gets in line by itself. Signals of earlier versions have none. */
  landing_auto: z.boolean().default(false),
  /** Who merges what lands: stator with git, or the forge with the plan's pull request. */
  landing_by: z.enum(landers).default('git'),
  /** How long a plan goes on from its base before it is brought up to date between two waves; null: it is not. */
  landing_refresh_ms: z.int().min(1).nullable().default(null),
  /** Who merges pull requests. Signals of earlier versions have none. */
  pull_merge: z.enum(pullMergeModes).default('manual'),
  /** What has a pull request of its own. Signals of earlier versions have none. */
  pull_stack: z.enum(stackModes).default('none'),
  max_review_fix_cycles: z.int().min(0),
  readiness_self_fix_max_lines: z.int().min(0),
  blueprint_skip_threshold: z.int().min(0),
  /** Planners that write a draft each; one of the drafts is chosen. Signals of earlier versions have none. */
  planner_drafts: z.int().min(1).max(plannerDraftsLimit).default(1),
  require_change: z.boolean(),
  /** A worktree for every task, or one that all tasks of a plan share, one after the other. Signals of earlier versions have none. */
  isolation: z.enum(isolations).default('task'),
  /** Signals of earlier versions have none. */
  overlap: z.enum(overlaps).default('wave'),
  /** Plans of one repo that may implement at once; 0 is no limit. */
  max_active_plans: z.int().min(0),
  priority: z.int(),
  /** How long a plan that is done or cancelled keeps its worktree. */
  cleanup_age_ms: z.int().min(0),
  roles: z.strictObject({
    planner: rolePolicySchema,
    architect: rolePolicySchema,
    coder: rolePolicySchema,
    reviewer: rolePolicySchema,
    fixer: rolePolicySchema,
    verifier: rolePolicySchema,
    session: rolePolicySchema,
  }),
});
/** A named type, for the same reason: several signals carry one. */
export interface PolicySchema extends MadePolicy {}
type MadePolicy = typeof madePolicy;
export const policySchema: PolicySchema = madePolicy;
/** The configuration that guards may read: flags, limits, and the roles that are on. */
export type Policy = z.infer<typeof policySchema>;

/** Whether two policies say the same, whatever the order of their keys; a key that an earlier version did not have counts as its default. */
export function samePolicy(one: Policy, other: Policy): boolean {
  if (JSON.stringify(one) === JSON.stringify(other)) return true;
  return JSON.stringify(policySchema.parse(one)) === JSON.stringify(policySchema.parse(other));
}

const roleDefault: RolePolicy = { on: true, attempts: 3, timeoutMs: 3_600_000, idleMs: null, speaksByExit: false };

/** The policy without any configuration: the defaults of the documented configuration, no architect and no verifier. */
export const defaultPolicy: Policy = {
  auto_advance: true,
  auto_advance_waves: true,
  auto_review_fix: true,
  auto_readiness_review: true,
  auto_create_pr: true,
  auto_merge: false,
  landing_auto: false,
  landing_by: 'git',
  landing_refresh_ms: null,
  pull_merge: 'manual',
  pull_stack: 'none',
  max_review_fix_cycles: 3,
  readiness_self_fix_max_lines: 80,
  blueprint_skip_threshold: 2,
  planner_drafts: 1,
  require_change: true,
  isolation: 'task',
  overlap: 'wave',
  max_active_plans: 0,
  priority: 0,
  cleanup_age_ms: 7 * 86_400_000,
  roles: {
    planner: roleDefault,
    architect: { ...roleDefault, on: false },
    coder: roleDefault,
    reviewer: roleDefault,
    fixer: roleDefault,
    verifier: { ...roleDefault, on: false },
    session: { ...roleDefault, fixesAlone: true },
  },
};
